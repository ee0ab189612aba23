//! The tags that `liquid_core`'s parser knows, and how it arranges the pieces of a template into what renders them.

use std::sync::{Arc, Mutex, PoisonError};

use liquid_core::{
    BlockReflection, Error, Language, ParseBlock, ParseTag, Renderable, TagBlock, TagReflection, TagTokenIter,
    Template,
    parser::{self, BlockElement},
};

use super::{
    TemplateFault,
    prepare::Prepared,
    scan::{BLOCKS, TAGS},
    tags,
};
use crate::model::Place;

/// The tag that a text becomes.
pub(super) const TEXT: &str = "text";
/// The tag that a `{{ }}` becomes.
pub(super) const OUTPUT: &str = "output";

/// The pieces, each taken by the tag with its number.
#[derive(Clone)]
pub(super) struct Pieces(Arc<Mutex<Vec<Option<Prepared>>>>);

impl Pieces {
    /// The piece whose number stands behind a tag's name.
    pub(super) fn take(&self, mut arguments: TagTokenIter<'_>) -> liquid_core::Result<Prepared> {
        let number = arguments.expect_next("a number")?;
        let number: Option<usize> = number.as_str().parse().ok();
        let mut pieces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        number
            .and_then(|number| pieces.get_mut(number))
            .and_then(Option::take)
            .ok_or_else(|| Error::with_msg("a piece that is not there"))
    }
}

/// Arranges pieces by the canonical text that names them.
pub(super) fn arrange(canonical: &str, pieces: Vec<Prepared>) -> Result<Template, TemplateFault> {
    let pieces = Pieces(Arc::new(Mutex::new(pieces.into_iter().map(Some).collect())));
    let mut language = Language::empty();
    for name in TAGS.into_iter().chain([TEXT, OUTPUT]) {
        language.tags.register(name.to_owned(), Box::new(Tag { name, pieces: pieces.clone() }));
    }
    for (name, end) in BLOCKS {
        language.blocks.register(name.to_owned(), Box::new(Block { name, end, pieces: pieces.clone() }));
    }
    // The scan has seen all blocks closed, so this cannot fail for anything an author wrote.
    parser::parse(canonical, &language)
        .map(Template::new)
        .map_err(|error| TemplateFault::new(Place { line: 1, column: 1 }, error.to_string()))
}

/// A tag that stands alone.
#[derive(Clone)]
struct Tag {
    name: &'static str,
    pieces: Pieces,
}

impl TagReflection for Tag {
    fn tag(&self) -> &str {
        self.name
    }

    fn description(&self) -> &'static str {
        ""
    }
}

impl ParseTag for Tag {
    fn parse(&self, arguments: TagTokenIter<'_>, _options: &Language) -> liquid_core::Result<Box<dyn Renderable>> {
        tags::single(self.name, self.pieces.take(arguments)?)
    }

    fn reflection(&self) -> &dyn TagReflection {
        self
    }
}

/// A tag that holds others.
#[derive(Clone)]
struct Block {
    name: &'static str,
    end: &'static str,
    pieces: Pieces,
}

impl BlockReflection for Block {
    fn start_tag(&self) -> &str {
        self.name
    }

    fn end_tag(&self) -> &str {
        self.end
    }

    fn description(&self) -> &'static str {
        ""
    }
}

impl ParseBlock for Block {
    fn parse(
        &self,
        arguments: TagTokenIter<'_>,
        mut block: TagBlock<'_, '_>,
        options: &Language,
    ) -> liquid_core::Result<Box<dyn Renderable>> {
        let opening = self.pieces.take(arguments)?;
        let mut arms = vec![Arm { opening, body: Template::new(Vec::new()) }];
        let mut body = Vec::new();
        while let Some(element) = block.next()? {
            let BlockElement::Tag(tag) = element else { return Err(Error::with_msg("only tags are wanted")) };
            if !tags::BRANCHES.contains(&tag.name()) {
                body.push(tag.parse(&mut block, options)?);
                continue;
            }
            let opening = self.pieces.take(tag.into_tokens())?;
            close_arm(&mut arms, std::mem::take(&mut body));
            arms.push(Arm { opening, body: Template::new(Vec::new()) });
        }
        close_arm(&mut arms, body);
        tags::block(self.name, arms)
    }

    fn reflection(&self) -> &dyn BlockReflection {
        self
    }
}

fn close_arm(arms: &mut [Arm], body: Vec<Box<dyn Renderable>>) {
    if let Some(arm) = arms.last_mut() {
        arm.body = Template::new(body);
    }
}

/// A part of a block: from its tag, or from an `else`, `elsif` or `when`, to the next of these.
pub(super) struct Arm {
    pub(super) opening: Prepared,
    pub(super) body: Template,
}

//! What stands behind the `?` of an address: each name once, bounded, without control characters.

use rocket::{
    Request,
    http::Status,
    request::{FromRequest, Outcome},
};

use super::refused::Refused;

/// Parameters of one address.
const PARAMETERS: usize = 1_100;
/// Bytes of one value, unless its reader says less.
const LONGEST: usize = 4_096;

/// The query of a request: `query: Result<Query, Refused>`, and `let query = query?;` first.
#[derive(Debug, Clone, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query as it stands in an address.
    pub(super) fn read(text: &str) -> Result<Self, Refused> {
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(text.as_bytes())
            .take(PARAMETERS + 1)
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        if pairs.len() > PARAMETERS {
            return Err(Refused::invalid(format!("More than {PARAMETERS} parameters were sent.")));
        }
        for (name, value) in &pairs {
            if value.len() > LONGEST {
                return Err(Refused::invalid(format!("`{}` is longer than {LONGEST} bytes.", shown(name))));
            }
            if name.chars().chain(value.chars()).any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
                return Err(Refused::invalid(format!("`{}` holds a control character.", shown(name))));
            }
        }
        Ok(Self(pairs))
    }

    /// A parameter, trimmed; `None` where it is missing or empty. One that stands twice is refused.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, Refused> {
        let mut found = self.all(name);
        let first = found.next();
        if found.next().is_some() {
            return Err(Refused::invalid(format!("`{name}` stands twice in the address.")));
        }
        Ok(first.map(str::trim).filter(|text| !text.is_empty()))
    }

    /// The same of at most `most` bytes.
    pub(super) fn short(&self, name: &str, most: usize) -> Result<Option<&str>, Refused> {
        match self.text(name)? {
            Some(text) if text.len() > most => Err(Refused::invalid(format!("`{name}` is longer than {most} bytes."))),
            found => Ok(found),
        }
    }

    /// All values of a parameter, in order.
    pub(super) fn all<'q, 'n>(&'q self, name: &'n str) -> impl Iterator<Item = &'q str> + use<'q, 'n> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(40).collect()
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Query {
    type Error = Refused;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Refused> {
        let text = request.uri().query().map(|query| query.as_str()).unwrap_or_default();
        match Self::read(text) {
            Ok(query) => Outcome::Success(query),
            Err(refused) => Outcome::Error((Status::new(refused.status), refused)),
        }
    }
}

//! `bellwire help`: of a verb, or of the language.

use clap::CommandFactory as _;

use super::{answer::Answer, arguments::Arguments, arguments::Help, code_pages, failure::Failure};

/// The topics that are no verbs, with what each is about.
const TOPICS: [(&str, &str, &str); 3] = [
    ("rules", "the rule language, with every operator and step by an example", include_str!("../../docs/rules.md")),
    ("templates", "names, filters and tags of templates", include_str!("../../docs/templates.md")),
    ("services", "how to connect anything: packs, sources and connections", include_str!("../../docs/services.md")),
];

pub(super) fn run(options: &Help) -> Result<Answer, Failure> {
    let mut command = Arguments::command().disable_help_subcommand(true);
    let Some(first) = options.topic.first() else {
        let verbs = command.render_long_help().to_string();
        let topics: String = TOPICS.iter().map(|(name, about, _)| format!("  {name:<12} {about}\n")).collect();
        return Ok(Answer::text(format!(
            "{verbs}\nTopics of `bellwire help`:\n{topics}  {:<12} what every code of `check` means\n",
            "codes"
        )));
    };
    // A topic may be a verb, too, whose own verbs are asked for by name.
    let is_topic = options.topic.len() == 1 || command.find_subcommand(first).is_none();
    if let Some((_, _, text)) = TOPICS.iter().find(|(name, ..)| name == first && is_topic) {
        return Ok(Answer::text(*text));
    }
    if first == "codes" {
        return code_pages::run(options.topic.get(1).map(String::as_str), false);
    }
    command.build();
    let mut found = &mut command;
    for name in &options.topic {
        let known: Vec<String> = found.get_subcommands().map(|inner| inner.get_name().to_owned()).collect();
        found = found.find_subcommand_mut(name).ok_or_else(|| {
            let topics = TOPICS.iter().map(|(name, ..)| *name).chain(["codes"]);
            let near = crate::rules::suggestion(name, known.iter().map(String::as_str).chain(topics));
            Failure::Usage(format!("there is no verb or topic `{name}`; {near}").trim_end_matches("; ").to_owned())
        })?;
    }
    Ok(Answer::text(found.render_long_help().to_string()))
}

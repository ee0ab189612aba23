//! The inbox as an address asks for it: filters are read here, for pages, jobs and the API alike.

use std::{sync::Arc, time::Duration};

use super::{query::Query, refused::Refused, state::Admin};
use crate::{
    clock::Time,
    ids::{Cursor, first_at},
    matcher,
    model::{Finding, Person},
    rules::{Condition, parse_duration, read_search},
    starts,
    store::{InboxAsk, InboxFilter, InboxPage, InboxState, Probe},
};

/// How long bodies are searched for a page before it says how far it has come.
pub(super) const BUDGET: Duration = Duration::from_millis(150);
/// The same where no body is read: filters that no index has together.
const LOOKED: Duration = Duration::from_millis(25);
/// Bytes of a name or a text that is looked for.
const NAME: usize = 200;
/// Bytes of conditions.
const CONDITIONS: usize = 4_096;
/// Rows of a page unless asked for otherwise, and at most.
const ROWS: usize = 30;
const MOST_ROWS: usize = 200;

/// What an address asks of the inbox.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// From this source.
    pub(super) source: String,
    /// Of this type.
    pub(super) kind: String,
    /// In this state.
    pub(super) state: Option<InboxState>,
    /// That this rule ran on.
    pub(super) rule: String,
    /// Within so long before now: `1h`, `7d`.
    pub(super) since: String,
    /// From this time on, in UTC: `2026-03-01T10:00`.
    pub(super) from: String,
    /// Before this time.
    pub(super) to: String,
    /// A text anywhere in it.
    pub(super) text: String,
    /// Conditions as a rule's `when` has them.
    pub(super) when: String,
    /// Behind this place.
    pub(super) before: Option<i64>,
    /// Newer than this place.
    pub(super) after: Option<i64>,
    /// Rows of a page. `None`: as usual.
    pub(super) limit: Option<usize>,
    /// New rows come by themselves.
    pub(super) live: bool,
}

/// Why a filter cannot be asked.
pub(super) enum Unfit {
    /// The conditions do not read.
    Findings(Vec<Finding>),
    /// Something else.
    Refused(Refused),
}

impl From<Unfit> for Refused {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Refused(refused) => refused,
            Unfit::Findings(findings) => {
                let first = findings.first();
                let place = first.map(|one| one.place).unwrap_or_default();
                let why = first.map_or_else(String::new, |one| format!("{} ({})", one.message, one.help));
                let message = format!("The conditions do not read: line {}: {why}", place.line);
                let details = serde_json::to_value(&findings).unwrap_or_default();
                Self::invalid(message).with(serde_json::json!({ "findings": details }))
            }
        }
    }
}

impl Asked {
    /// Reads an address. Parameters that are not known are not looked at.
    pub(super) fn read(query: &Query) -> Result<Self, Refused> {
        let asked = Self::read_as_typed(query)?;
        match asked.faults().into_iter().next() {
            Some((_, fault)) => Err(Refused::invalid(fault)),
            None => Ok(asked),
        }
    }

    /// What is wrong with the times that were typed: the field, and a sentence.
    pub(super) fn faults(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        for (name, time) in [("from", &self.from), ("to", &self.to)] {
            if let Err(refused) = instant(name, time) {
                faults.push((name, refused.message.into_owned()));
            }
        }
        if !self.since.is_empty() && parse_duration(&self.since).is_none() {
            faults.push(("since", "`since` is a span such as 30m, 1h or 7d.".to_owned()));
        }
        faults
    }

    /// The same, with times that may not read: a page shows them again beside what is wrong with them.
    pub(super) fn read_as_typed(query: &Query) -> Result<Self, Refused> {
        let text = |name: &str, most: usize| query.short(name, most).map(|found| found.unwrap_or_default().to_owned());
        let state = match query.short("state", 20)? {
            None => None,
            Some(word) => {
                let found = InboxState::ALL.into_iter().find(|state| state.word() == word);
                let unknown = || {
                    Refused::invalid("`state` is matched, unmatched, failed, duplicate or refused; or leave it out.")
                };
                Some(found.ok_or_else(unknown)?)
            }
        };
        let limit = match query.short("limit", 20)? {
            None => None,
            Some(number) => {
                let wanted: usize = number.parse().map_err(|_| Refused::invalid("`limit` is a number of rows."))?;
                Some(wanted.clamp(1, MOST_ROWS))
            }
        };
        Ok(Self {
            source: text("source", NAME)?,
            kind: text("type", NAME)?,
            state,
            rule: text("rule", NAME)?,
            since: text("since", 20)?,
            from: text("from", 40)?,
            to: text("to", 40)?,
            text: text("q", NAME)?,
            when: text("when", CONDITIONS)?,
            before: cursor(query, "before")?,
            after: cursor(query, "after")?,
            limit,
            live: query.short("live", 5)?.is_some_and(|word| word == "1"),
        })
    }

    /// What stays of it in a view or a job: the filter, without place and size.
    pub(super) fn filter_alone(&self) -> Self {
        Self { before: None, after: None, limit: None, live: false, ..self.clone() }
    }

    /// As it stands in an address, without `?`.
    pub(super) fn query(&self) -> String {
        let mut out = url::form_urlencoded::Serializer::new(String::new());
        let state = self.state.map(InboxState::word).unwrap_or_default();
        let texts = [
            ("source", self.source.as_str()),
            ("type", &self.kind),
            ("state", state),
            ("rule", &self.rule),
            ("since", &self.since),
            ("from", &self.from),
            ("to", &self.to),
            ("q", &self.text),
            ("when", &self.when),
        ];
        for (name, value) in texts.iter().filter(|(_, value)| !value.is_empty()) {
            out.append_pair(name, value);
        }
        for (name, id) in [("before", self.before), ("after", self.after)] {
            if let Some(id) = id {
                out.append_pair(name, &Cursor(id).to_string());
            }
        }
        if let Some(limit) = self.limit {
            out.append_pair("limit", &limit.to_string());
        }
        if self.live {
            out.append_pair("live", "1");
        }
        out.finish()
    }

    /// The address of the list.
    pub(super) fn href(&self) -> String {
        at("/events", &self.query())
    }

    /// Rows of a page.
    pub(super) fn rows(&self) -> usize {
        self.limit.unwrap_or(ROWS)
    }

    /// Whether anything narrows the list.
    pub(super) fn is_narrow(&self) -> bool {
        self.filter_alone() != Self::default()
    }

    /// The filter as the store takes it. Spans are told from `now`.
    pub(super) fn filter(&self, admin: &Admin, now: Time) -> Result<InboxFilter, Unfit> {
        let wanted = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let mut from = instant("from", &self.from).map_err(Unfit::Refused)?;
        if let Some(span) = parse_duration(&self.since) {
            from = from.max(Some(now.minus(span)));
        }
        let until = instant("to", &self.to).map_err(Unfit::Refused)?;
        let test = match self.when.as_str() {
            "" => None,
            when => Some(test_of(admin, read_search(when).map_err(Unfit::Findings)?)),
        };
        Ok(InboxFilter {
            source: wanted(&self.source),
            kind: wanted(&self.kind),
            state: self.state,
            is_accepted: false,
            rule: wanted(&self.rule),
            from: from.map(first_at),
            until: until.map(first_at),
            probe: Probe { text: wanted(&self.text.to_lowercase()), test },
        })
    }

    /// The page as the store takes it.
    pub(super) fn ask(&self, admin: &Admin, now: Time) -> Result<InboxAsk, Unfit> {
        let is_search = !self.text.is_empty() || !self.when.is_empty();
        Ok(InboxAsk {
            filter: self.filter(admin, now)?,
            above: self.after,
            below: self.before,
            limit: self.rows(),
            oldest_first: false,
            budget: if is_search { BUDGET } else { LOOKED },
        })
    }
}

/// A page of the inbox. A search through bodies waits for its turn, and has it until it is over, also where nobody waits for it any more.
pub(super) async fn found(admin: &Admin, person: &Person, ask: InboxAsk) -> Result<InboxPage, Refused> {
    let probe = &ask.filter.probe;
    if probe.text.is_none() && probe.test.is_none() {
        return Ok(admin.store.inbox(ask).await?);
    }
    let turn = admin.searches().turn(person.id).await?;
    let store = admin.store.clone();
    let search = tokio::spawn(async move {
        let page = store.inbox(ask).await;
        drop(turn);
        page
    });
    let ended = |_| Refused::new(500, "internal", "The search ended early. The log of the server says why.");
    Ok(search.await.map_err(ended)??)
}

/// An address with a query, where there is any.
pub(super) fn at(path: &str, query: &str) -> String {
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// Conditions as they are asked of a stored event: as rules in force see it.
fn test_of(admin: &Admin, condition: Condition) -> crate::store::InboxTest {
    let registry = (admin.in_force)().registry;
    Arc::new(move |event| {
        starts::subject_of(event, &registry).is_ok_and(|subject| matcher::holds(&condition, &subject))
    })
}

fn cursor(query: &Query, name: &str) -> Result<Option<i64>, Refused> {
    let Some(text) = query.short(name, 40)? else { return Ok(None) };
    let place: Cursor = text
        .parse()
        .map_err(|_| Refused::invalid(format!("`{name}` is no place in this list. Begin at its first page.")))?;
    Ok(Some(place.0))
}

/// A time of a filter; without a zone in UTC. `None` for none.
/// A time as people write it in a filter, in UTC.
pub(super) fn instant(name: &str, text: &str) -> Result<Option<Time>, Refused> {
    if text.is_empty() {
        return Ok(None);
    }
    let forms = [text.to_owned(), format!("{text}Z"), format!("{text}:00Z"), format!("{text}T00:00:00Z")];
    let found = forms.iter().find_map(|form| Time::parse(form));
    let unknown = || Refused::invalid(format!("`{name}` is a time such as 2026-03-01T10:00, in UTC."));
    found.map(Some).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Asked, Refused> {
        Asked::read(&Query::read(query)?)
    }

    #[test]
    fn an_address_is_read_and_written_back() {
        for query in [
            "",
            "source=gruveo&type=gruveo.call&state=unmatched",
            "rule=calls%2Fmissed&since=1h&q=100%25",
            "from=2026-03-01T10%3A00&to=2026-03-02&when=event.a%3A+1%0Aevent.b%3A+2",
            "before=at_0000000000001&limit=20&live=1",
        ] {
            let asked = read(query).unwrap_or_else(|refused| panic!("{query}: {refused:?}"));
            assert_eq!(read(&asked.query()), Ok(asked.clone()), "{query}");
            assert_eq!(asked.query(), query);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_and_sizes_are_clamped() {
        for query in [
            "state=odd",
            "before=1",
            "before=at_zzzzzzzzzzzzz",
            "after=-1",
            "limit=x",
            "limit=-1",
            "from=yesterday",
            "since=1y",
            "q=a%00b",
            "q=a&q=b",
        ] {
            assert!(read(query).is_err(), "{query}");
        }
        assert!(read(&format!("q={}", "x".repeat(10_000))).is_err());
        assert_eq!(read("limit=1000000000").map(|asked| asked.rows()), Ok(MOST_ROWS));
        assert_eq!(read("limit=0").map(|asked| asked.rows()), Ok(1));
        assert!(read("unknown=x&q=%25_*").is_ok_and(|asked| asked.text == "%_*"));
    }
}

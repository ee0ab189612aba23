//! `/api/v1/schedules`: when each rule is started next, and what was missed.

use rocket::{State, get, post};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::{
    answer::{Answer, Listed, Moment, Reply},
    asked::{Asked, At, Limit, Nothing, Text},
    body::Body,
    once::Key,
    part::Part,
};
use crate::{
    admin::{act::schedules, refused::Refused, state::Admin},
    clock::Time,
    model::{Person, Role, Scope},
    rules::{CatchUp, Cron, Every, Schedule, parse_duration},
    store::ScheduleId,
};

/// The most slots that are told.
const SLOTS: usize = 1000;

#[derive(OpenApi)]
#[openapi(paths(list_schedules, next_slots, run_schedule))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("schedules", "When each rule is started next, and what was missed.")
        .with(Role::Viewer, Scope::Read, rocket::routes![list_schedules, next_slots])
        .with(Role::Editor, Scope::Run, rocket::routes![run_schedule])
}

/// A schedule of a rule.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ScheduleView {
    rule: String,
    /// Which of the rule's schedules, from 0.
    schedule: usize,
    /// The rule's name.
    name: String,
    enabled: bool,
    #[schema(example = "0 9 * * mon-fri")]
    expression: String,
    #[schema(example = "at 09:00, Monday to Friday")]
    words: String,
    timezone: String,
    /// What is made up for after downtime: `none`, `last` or `all`.
    catch_up: &'static str,
    /// Since when it is in force. `null`: no server has had it yet.
    since: Option<Moment>,
    /// The newest slot that was fired.
    last: Option<Moment>,
    /// Its event.
    last_event: Option<String>,
    next: Option<Moment>,
    /// Slots that were never fired.
    missed: u64,
}

/// The schedules of all rules, by rule.
#[utoipa::path(responses((status = 200, description = "All of them.", body = Listed<ScheduleView>)))]
#[get("/api/v1/schedules")]
async fn list_schedules(admin: &State<Admin>, asked: Result<Asked<Nothing>, Refused>) -> Answer {
    asked?;
    let rows = admin.store.schedules().await?;
    let now = admin.clock.now();
    let set = (admin.in_force)().set;
    let mut items = Vec::new();
    for rule in set.rules.values() {
        for (place, schedule) in rule.schedules().enumerate() {
            let id = ScheduleId { rule: rule.id.to_string(), schedule: schedule.key() };
            let row = rows.iter().find(|row| row.id == id);
            items.push(ScheduleView {
                rule: id.rule,
                schedule: place,
                name: rule.name.clone(),
                enabled: rule.enabled,
                expression: schedule.expression(),
                words: schedule.words(),
                timezone: schedule.timezone().to_owned(),
                catch_up: schedule.catch_up.word(),
                since: row.map(|row| row.since.into()),
                last: row.and_then(|row| row.last_slot).map(Moment::from),
                last_event: row.and_then(|row| row.last_event).map(|event| event.to_string()),
                next: rule.enabled.then(|| schedule.next_after(now)).flatten().map(Moment::from),
                missed: row.map_or(0, |row| row.missed),
            });
        }
    }
    Reply::ok(&Listed { items, next: None })
}

/// Which slots.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct NextAsked {
    /// A cron expression of five fields, or a span.
    #[param(example = "0 9 * * mon-fri")]
    expression: String,
    /// Of a cron expression. UTC unless set.
    #[param(value_type = String, required = false, example = "Europe/Athens")]
    timezone: Option<String>,
    /// Slots after this. Now unless set.
    #[param(value_type = String, required = false, format = DateTime)]
    from: Option<Text<At>>,
    /// How many: 10 unless set.
    #[param(value_type = u32, required = false, minimum = 1, maximum = 1000)]
    count: Option<Limit>,
}

/// The next slots of an expression.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SlotsView {
    expression: String,
    words: String,
    timezone: String,
    from: Moment,
    /// In order.
    slots: Vec<Moment>,
}

/// When an expression would start a rule next.
#[utoipa::path(params(NextAsked), responses((status = 200, description = "The next slots.", body = SlotsView)))]
#[get("/api/v1/schedules/next")]
async fn next_slots(admin: &State<Admin>, asked: Result<Asked<NextAsked>, Refused>) -> Answer {
    let Asked(asked) = asked?;
    let from = asked.from.map_or_else(|| admin.clock.now(), |from| from.0.0);
    let schedule = read(&asked.expression, asked.timezone.as_deref())?;
    let count = asked.count.map_or(10, |count| count.0).min(SLOTS);
    let walk = move || {
        let next = |at: &Time| schedule.next_after(*at);
        let slots: Vec<Moment> = std::iter::successors(next(&from), next).take(count).map(Moment::from).collect();
        SlotsView {
            expression: schedule.expression(),
            words: schedule.words(),
            timezone: schedule.timezone().to_owned(),
            from: from.into(),
            slots,
        }
    };
    // An expression that is seldom true is searched for years.
    let told = tokio::task::spawn_blocking(walk).await;
    Reply::ok(&told.map_err(|_| Refused::new(500, "internal", "The slots cannot be told. The log says why."))?)
}

/// `every 10m` and `10m`, or a cron expression.
fn read(expression: &str, timezone: Option<&str>) -> Result<Schedule, Refused> {
    let span = parse_duration(expression.strip_prefix("every ").unwrap_or(expression).trim());
    let at = match span {
        Some(_) if timezone.is_some_and(|zone| zone != "UTC") => {
            let why = "`timezone` means nothing beside a span: its slots are counted from the Unix epoch.";
            return Err(Refused::invalid(why));
        }
        Some(span) if span.is_zero() => return Err(Refused::invalid("`expression`: a span of at least 1s wanted.")),
        Some(span) => Every::After(span),
        None => {
            if let Some(zone) = timezone.filter(|zone| !Cron::knows_timezone(zone)) {
                let shown: String = zone.chars().take(60).collect();
                let near = Cron::nearest_timezone(zone);
                let help = near.map_or("Write one such as Europe/Athens or UTC.".to_owned(), |near| {
                    format!("Did you mean `{near}`?")
                });
                return Err(Refused::invalid(format!("`timezone`: `{shown}` is no time zone. {help}")));
            }
            let why = |why| Refused::invalid(format!("`expression`: {why}."));
            Every::Cron(Cron::parse(expression, timezone).map_err(why)?)
        }
    };
    Ok(Schedule { at, catch_up: CatchUp::Last })
}

/// A schedule that is fired now.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RunSchedule {
    #[schema(example = "reports/weekly")]
    rule: String,
    /// Which of the rule's schedules, from 0.
    #[serde(default)]
    #[schema(required = false)]
    schedule: u16,
}

/// What was started.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Fired {
    #[schema(example = "evt_01hf3y8a9d000")]
    event: String,
    /// `null`: it started none, or the same request did before.
    run: Option<String>,
}

/// Fire a slot of a schedule now, for real.
#[utoipa::path(request_body = RunSchedule, responses((status = 202, description = "It is fired.", body = Fired)))]
#[post("/api/v1/schedules/run", data = "<sent>")]
async fn run_schedule(
    admin: &State<Admin>,
    person: &Person,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<RunSchedule>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let RunSchedule { rule, schedule } = sent.value;
    let run = async {
        // Each request is a press of its own: what makes two of them one is the Idempotency-Key.
        let press = admin.ids.next(admin.clock.now()).to_string();
        let (event, run) = schedules::fire(admin, person, &rule, usize::from(schedule), &press).await?;
        Reply::new(202, &Fired { event: event.to_string(), run: run.map(|run| run.to_string()) })
    };
    key?.once(admin, person, sent.digest, run).await
}

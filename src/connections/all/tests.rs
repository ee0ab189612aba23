use std::{collections::BTreeMap, time::Duration};

use super::*;
use crate::{config, services::Pack};

const SLOW: Rate = Rate::Per { count: 24, span: Duration::from_mins(1) };

fn registry() -> Registry {
    let pack = Pack {
        name: "groove".into(),
        title: "Groove".into(),
        base_url: None,
        auth: None,
        rate: Some(SLOW),
        concurrent: Some(2),
        hook: None,
        ..Pack::generic("x", true)
    };
    Registry { packs: BTreeMap::from([("groove".into(), Arc::new(pack))]) }
}

#[test]
fn settings_win_over_the_packs_limits() {
    let second = config::Connection {
        service: "groove".into(),
        base_url: None,
        hosts: BTreeMap::new(),
        secrets: BTreeMap::new(),
        rate: None,
        concurrent: Some(0),
    };
    let connections = BTreeMap::from([("second".into(), second)]);
    let short = config::Service { base_url: None, rate: Some(Rate::Unlimited), concurrent: Some(9) };
    let (none, services) = (BTreeMap::new(), BTreeMap::from([("groove".into(), short)]));
    let of = |services, lane| limits(Settings { connections: &connections, services }, 32, &registry(), lane);
    assert_eq!(of(&none, "groove"), Limits { rate: SLOW, concurrent: 2 });
    assert_eq!(of(&services, "groove"), Limits { rate: Rate::Unlimited, concurrent: 9 });
    assert_eq!(
        of(&services, "second"),
        Limits { rate: SLOW, concurrent: 1 },
        "the short form is for groove's own alone"
    );
    assert_eq!(of(&none, "example.com:443"), Limits { rate: Rate::Unlimited, concurrent: 32 });
}

#[test]
fn a_lane_is_a_connection_or_a_host() {
    assert_eq!(Destination::Connection { name: "groove", host: None, path: "/a" }.lane().as_deref(), Some("groove"));
    assert_eq!(Destination::Url("https://example.com/a").lane().as_deref(), Some("example.com:443"));
    assert_eq!(Destination::Url("nothing").lane(), None);
}

//! What goes with the copies: counts by time, problems, people, and what people did.

use diesel::SqliteConnection;

use super::{
    copies::{SEQUENCE_BITS, number, run},
    patterns::PEOPLE,
};

/// Problems beside the real ones, nearly all of them solved.
const PROBLEMS: usize = 20_000;

pub(super) fn make(conn: &mut SqliteConnection, events: usize) {
    tallies(conn);
    problems(conn);
    let people = (events / 10).clamp(PEOPLE, 1_000_000) / PEOPLE;
    run(
        conn,
        "people",
        &format!(
            "INSERT INTO attributes (keeper, \"key\", data, origins, changed_at) \
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {people}) \
             SELECT keeper, printf('customer-%07d-', n.i) || \"key\", data, origins, changed_at - n.i * 1000 FROM n CROSS JOIN attributes ORDER BY 2;"
        ),
    );
    let deeds = (events / 10).clamp(1_000, 1_000_000);
    let newest = number(conn, "SELECT max(id) AS number FROM events");
    run(
        conn,
        "audit",
        &format!(
            "INSERT INTO audit (id, at, who, user_id, token, action, subject, before, after, peer, outcome) \
             WITH RECURSIVE n(i) AS (SELECT {deeds} UNION ALL SELECT i - 1 FROM n WHERE i > 1) \
             SELECT {newest} - ((i * 5000) << {SEQUENCE_BITS}), ({newest} >> {SEQUENCE_BITS}) - i * 5000, 'person' || (i % 20), i % 20, NULL, \
             CASE i % 6 WHEN 0 THEN 'rule.save' WHEN 1 THEN 'run.replay' WHEN 2 THEN 'run.cancel' WHEN 3 THEN 'sign_in' WHEN 4 THEN 'rule.enable' ELSE 'problem.acknowledge' END, \
             'rules/calls/missed_' || (i % 500), '{{\"digest\":\"' || i || '\"}}', '{{\"digest\":\"' || (i + 1) || '\"}}', '192.0.2.7', \
             CASE WHEN i = {deeds} THEN 'refused' ELSE 'done' END FROM n;"
        ),
    );
    run(
        conn,
        "the count of events",
        "INSERT INTO state (name, number) SELECT 'events', count(*) FROM events WHERE TRUE ON CONFLICT (name) DO UPDATE SET number = excluded.number;",
    );
}

/// As the writer counts: minutes of two days and hours of all, hours and days of each source and rule.
fn tallies(conn: &mut SqliteConnection) {
    let newest = number(conn, "SELECT max(received_at) AS number FROM events");
    let minutes = newest - 2 * 86_400_000;
    let bucket = |at: &str, width: i64| format!("{at} - {at} % {width}");
    let mut sql = "BEGIN; DELETE FROM tallies; \
        CREATE TEMP TABLE came AS SELECT received_at - received_at % 60000 AS minute, channel AS subject, 0 AS kind, count(*) AS count FROM events GROUP BY 1, 2; \
        UPDATE came SET subject = (SELECT names.id FROM channels JOIN names ON names.name = channels.source WHERE channels.id = came.subject); \
        CREATE TEMP TABLE went AS SELECT ended_at - ended_at % 60000 AS minute, rule AS subject, status - 3 AS kind, count(*) AS count FROM runs WHERE ended_at IS NOT NULL AND status >= 6 GROUP BY 1, 2, 3; \
        INSERT INTO came SELECT * FROM went; ".to_owned();
    for (span, width, subject, filter) in [
        (0, 60_000, "0", format!("minute >= {minutes}")),
        (1, 3_600_000, "0", "TRUE".to_owned()),
        (2, 3_600_000, "subject", "subject IS NOT NULL".to_owned()),
        (3, 86_400_000, "subject", "subject IS NOT NULL".to_owned()),
    ] {
        sql += &format!(
            "INSERT INTO tallies (span, bucket, subject, kind, count) SELECT {span}, {}, {subject}, kind, sum(count) FROM came WHERE {filter} GROUP BY 2, 3, 4; ",
            bucket("minute", width)
        );
    }
    run(conn, "tallies", &format!("{sql} COMMIT;"));
}

/// The real problem with all its runs, of which the newest are known; and others, as a desk has after two months.
fn problems(conn: &mut SqliteConnection) {
    run(
        conn,
        "problems",
        &format!(
            "BEGIN; UPDATE problems SET count = (SELECT count(*) FROM runs WHERE status = 7), first_at = (SELECT min(received_at) FROM events); \
             INSERT OR IGNORE INTO problem_runs SELECT (SELECT id FROM problems ORDER BY id LIMIT 1), id FROM runs WHERE status = 7 ORDER BY id DESC LIMIT 100000; \
             CREATE TEMP TABLE pattern_problem AS SELECT * FROM problems ORDER BY id LIMIT 1; \
             UPDATE pattern_problem SET told = 0; \
             CREATE TEMP TABLE many AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {PROBLEMS}) SELECT n.i AS i, p.* FROM n CROSS JOIN pattern_problem p; \
             UPDATE many SET fingerprint = fingerprint || i, id = id - (i << {SEQUENCE_BITS}), subject = 'rules/calls/missed_' || (i % 400), rule = 'calls/missed_' || (i % 400), \
             count = 1 + i % 9, first_at = last_at - i * 200000 - 60000, opened_at = last_at - i * 200000 - 60000, last_at = last_at - i * 200000, \
             solved_at = CASE WHEN i % 1000 = 0 THEN NULL ELSE last_at - i * 200000 + 50000 END, state = CASE WHEN i % 1000 = 0 THEN i / 1000 % 3 ELSE 3 END; \
             ALTER TABLE many DROP COLUMN i; INSERT INTO problems SELECT * FROM many; COMMIT;"
        ),
    );
}

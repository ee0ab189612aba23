//! The tables as Diesel sees them; the same on both databases (a test compares them column by column).

diesel::table! { state (name) { name -> Text, number -> Nullable<BigInt>, text -> Nullable<Text>, data -> Nullable<Binary>, } }
diesel::table! { names (id) { id -> Integer, name -> Text, } }
diesel::table! { channels (id) { id -> Integer, kind -> Text, source -> Text, service -> Text, verified -> Text, } }
diesel::table! { dictionaries (id) { id -> Integer, digest -> Binary, data -> Binary, } }
diesel::table! { texts (id) { id -> BigInt, digest -> Binary, data -> Binary, } }
diesel::table! { sets (id) { id -> BigInt, digest -> Binary, created_at -> BigInt, superseded_at -> Nullable<BigInt>, } }
diesel::table! { set_texts (rule_set, path) { rule_set -> BigInt, path -> Text, text -> BigInt, } }
diesel::table! {
    events (id) {
        id -> BigInt,
        channel -> Integer,
        received_at -> BigInt,
        depth -> SmallInt,
        flags -> Integer,
        rule_set -> BigInt,
        runs -> Integer,
        matched -> Bool,
        seen -> Integer,
        bytes -> BigInt,
        dictionary -> Integer,
    }
}
diesel::table! { bodies (event) { event -> BigInt, data -> Binary, } }
diesel::table! {
    dedupe (source, key, digest) {
        source -> Integer,
        key -> Binary,
        digest -> Binary,
        event -> BigInt,
        expires -> BigInt,
        seen -> Integer,
    }
}
diesel::table! {
    runs (id) {
        id -> BigInt,
        event -> BigInt,
        rule_set -> BigInt,
        rule -> Integer,
        status -> SmallInt,
        due_at -> Nullable<BigInt>,
        started_at -> Nullable<BigInt>,
        ended_at -> Nullable<BigInt>,
        claim_id -> Nullable<BigInt>,
        claimed_by -> Nullable<Integer>,
        claimed_until -> Nullable<BigInt>,
        step -> Nullable<Integer>,
        resolution -> Nullable<SmallInt>,
        root -> Nullable<BigInt>,
        replay_of -> Nullable<BigInt>,
        vars -> Nullable<Binary>,
        failure -> Nullable<Binary>,
        error -> Nullable<Binary>,
        why -> Nullable<Text>,
        marks -> Nullable<Integer>,
        class -> Nullable<Integer>,
    }
}
diesel::table! {
    attempts (id) {
        id -> BigInt,
        run -> BigInt,
        step -> Integer,
        number -> Integer,
        started_at -> BigInt,
        ended_at -> Nullable<BigInt>,
        outcome -> SmallInt,
        claim_id -> Nullable<BigInt>,
        status -> Nullable<Integer>,
        reason -> Nullable<Integer>,
        late -> Bool,
        error -> Nullable<Binary>,
        reply -> Nullable<Binary>,
        kind -> Nullable<SmallInt>,
        planned_at -> Nullable<BigInt>,
    }
}
diesel::table! {
    outputs (run, seq) { run -> BigInt, seq -> Integer, step -> Integer, outcome -> SmallInt, data -> Nullable<Binary>, }
}
diesel::table! { requests (run, step) { run -> BigInt, step -> Integer, data -> Binary, } }
diesel::table! {
    refusals (id) {
        id -> BigInt,
        refused_at -> BigInt,
        source -> Nullable<Text>,
        peer -> Text,
        reason -> Text,
        status -> Integer,
        detail -> Text,
        bytes -> BigInt,
    }
}
diesel::table! { secrets (name) { name -> Text, sealed -> Binary, origins -> Text, changed_at -> BigInt, } }
diesel::table! { earlier_secrets (name) { name -> Text, sealed -> Binary, until -> BigInt, } }
diesel::table! { run_events (run, seq) { run -> BigInt, seq -> Integer, event -> BigInt, } }
diesel::table! { once_keys (rule, key) { rule -> Integer, key -> Binary, event -> BigInt, until -> BigInt, } }
diesel::table! {
    counted (rule, key, event) {
        rule -> Integer,
        key -> Binary,
        event -> BigInt,
        received_at -> BigInt,
        until -> BigInt,
    }
}
diesel::table! {
    windows (rule, key) { rule -> Integer, key -> Binary, run -> BigInt, until -> BigInt, events -> Integer, }
}
diesel::table! {
    suppressed (event, rule) { event -> BigInt, rule -> Integer, reason -> SmallInt, one -> BigInt, other -> BigInt, }
}
diesel::table! { fuses (rule) { rule -> Integer, blown_at -> Nullable<BigInt>, since -> BigInt, } }
diesel::table! {
    places (rule, key, queued, run) {
        rule -> Integer,
        key -> Binary,
        queued -> SmallInt,
        run -> BigInt,
        seats -> Integer,
    }
}
diesel::table! {
    waits (run) {
        run -> BigInt,
        rule -> Integer,
        step -> Integer,
        began_at -> BigInt,
        until -> Nullable<BigInt>,
        since -> BigInt,
        upto -> BigInt,
        looked -> Bool,
    }
}
diesel::table! { wait_keys (kind, pointer, hash, run) { kind -> Integer, pointer -> Integer, hash -> Binary, run -> BigInt, } }
diesel::table! { wait_candidates (run, event) { run -> BigInt, event -> BigInt, } }
diesel::table! {
    attributes (keeper, key) { keeper -> SmallInt, key -> Text, data -> Binary, origins -> Binary, changed_at -> BigInt, }
}
diesel::table! { echoes (hash) { hash -> Binary, depth -> SmallInt, until -> BigInt, } }
diesel::table! {
    early_echoes (hash, event) { hash -> Binary, event -> BigInt, until -> BigInt, hearing -> Nullable<Binary>, }
}
diesel::table! {
    schedules (rule, schedule) {
        rule -> Integer,
        schedule -> Integer,
        since -> BigInt,
        upto -> BigInt,
        last_slot -> Nullable<BigInt>,
        last_event -> Nullable<BigInt>,
        missed -> BigInt,
    }
}
diesel::table! {
    slots (rule, schedule, slot) { rule -> Integer, schedule -> Integer, slot -> BigInt, event -> BigInt, }
}
diesel::table! {
    problems (fingerprint) {
        fingerprint -> Text,
        kind -> Text,
        subject -> Text,
        message -> Text,
        count -> BigInt,
        first_at -> BigInt,
        last_at -> BigInt,
        solved_at -> Nullable<BigInt>,
        id -> BigInt,
        state -> SmallInt,
        opened_at -> BigInt,
        acknowledged_by -> Nullable<Text>,
        acknowledged_at -> Nullable<BigInt>,
        muted_until -> Nullable<BigInt>,
        rule -> Nullable<Text>,
        step -> Nullable<Text>,
        path -> Nullable<Text>,
        host -> Nullable<Text>,
        class -> Nullable<Text>,
        run -> Nullable<BigInt>,
        depth -> SmallInt,
        told -> SmallInt,
    }
}
diesel::table! { problem_runs (problem, run) { problem -> BigInt, run -> BigInt, } }
diesel::table! { replay_keys (key) { key -> Binary, run -> BigInt, } }
diesel::table! { expectations (source) { source -> Text, since -> BigInt, } }
diesel::table! {
    grants (connection) {
        connection -> Text,
        state -> SmallInt,
        generation -> BigInt,
        access -> Nullable<Binary>,
        refresh -> Nullable<Binary>,
        expires_at -> Nullable<BigInt>,
        scopes -> Text,
        changed_at -> BigInt,
        why -> Nullable<Text>,
        lease -> Nullable<BigInt>,
        lease_until -> Nullable<BigInt>,
    }
}
diesel::table! {
    logins (digest) { digest -> Binary, connection -> Text, verifier -> Binary, redirect -> Text, until -> BigInt, }
}
diesel::table! { paused (run) { run -> BigInt, connection -> Text, } }
diesel::table! { paused_sources (source) { source -> Text, since -> BigInt, person -> Text, } }
diesel::table! { source_queue (source, run) { source -> Text, run -> BigInt, } }
diesel::table! {
    polls (rule, place) {
        rule -> Integer,
        place -> Integer,
        target -> Binary,
        every -> BigInt,
        due_at -> BigInt,
        tried_at -> Nullable<BigInt>,
        last_at -> Nullable<BigInt>,
        turn -> BigInt,
        failures -> Integer,
        error -> Nullable<Text>,
        odd -> Nullable<Text>,
        items -> BigInt,
        cursor -> Nullable<Text>,
        asked -> Nullable<Binary>,
        etag -> Nullable<Text>,
        modified -> Nullable<Text>,
    }
}
diesel::table! { poll_keys (rule, place, key) { rule -> Integer, place -> Integer, key -> Binary, turn -> BigInt, } }
diesel::table! { repeats (id) { id -> BigInt, event -> BigInt, channel -> Integer, peer -> Text, } }
diesel::table! { views (person, name) { person -> BigInt, name -> Text, query -> Text, created_at -> BigInt, } }
diesel::table! {
    jobs (id) {
        id -> BigInt,
        request -> Text,
        work -> Text,
        what -> Text,
        back -> Text,
        state -> SmallInt,
        person -> BigInt,
        person_name -> Text,
        total -> Nullable<BigInt>,
        done -> BigInt,
        failed -> BigInt,
        made -> BigInt,
        place -> BigInt,
        faults -> Text,
        runs -> Text,
        why -> Nullable<Text>,
        ended_at -> Nullable<BigInt>,
    }
}
diesel::table! {
    users (id) {
        id -> BigInt,
        name -> Text,
        email -> Nullable<Text>,
        role -> SmallInt,
        password -> Nullable<Text>,
        totp -> Nullable<Binary>,
        totp_new -> Nullable<Binary>,
        totp_step -> Nullable<BigInt>,
        issuer -> Nullable<Text>,
        remote -> Nullable<Text>,
        disabled_at -> Nullable<BigInt>,
        created_at -> BigInt,
        changed_at -> BigInt,
    }
}
diesel::table! { recovery_codes (user_id, digest) { user_id -> BigInt, digest -> Binary, } }
diesel::table! {
    sessions (digest) {
        digest -> Binary,
        user_id -> BigInt,
        created_at -> BigInt,
        seen_at -> BigInt,
        fresh_until -> BigInt,
        stage -> SmallInt,
        peer -> Text,
        agent -> Text,
    }
}
diesel::table! { devices (digest) { digest -> Binary, user_id -> BigInt, until -> BigInt, } }
diesel::table! { one_time (digest) { digest -> Binary, kind -> Text, data -> Text, until -> BigInt, } }
diesel::table! {
    api_tokens (id) {
        id -> BigInt,
        digest -> Binary,
        name -> Text,
        user_id -> BigInt,
        scopes -> Text,
        created_at -> BigInt,
        expires_at -> Nullable<BigInt>,
        used_at -> Nullable<BigInt>,
    }
}
diesel::table! { login_tries (key) { key -> Text, count -> BigInt, last_at -> BigInt, } }
diesel::table! {
    audit (id) {
        id -> BigInt,
        at -> BigInt,
        who -> Text,
        user_id -> Nullable<BigInt>,
        token -> Nullable<BigInt>,
        action -> Text,
        subject -> Text,
        before -> Nullable<Text>,
        after -> Nullable<Text>,
        peer -> Text,
        outcome -> Text,
    }
}
diesel::table! {
    request_keys (user_id, key) {
        user_id -> BigInt,
        key -> Text,
        digest -> Binary,
        status -> Nullable<SmallInt>,
        body -> Nullable<Binary>,
        until -> BigInt,
    }
}
diesel::table! {
    tallies (span, bucket, subject, kind) {
        span -> SmallInt,
        bucket -> BigInt,
        subject -> Integer,
        kind -> SmallInt,
        count -> BigInt,
    }
}
diesel::table! { __diesel_schema_migrations (version) { version -> Text, run_on -> Timestamp, } }

diesel::allow_tables_to_appear_in_same_query!(events, bodies, runs, run_events, attempts);

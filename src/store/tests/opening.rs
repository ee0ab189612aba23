//! Opening: never a new database where one was lost, never two servers, never another schema.

use std::{os::unix::fs::PermissionsExt as _, path::PathBuf, sync::Arc};

use diesel::{QueryDsl as _, QueryableByName, RunQueryDsl as _, connection::SimpleConnection as _, sql_query};

use super::{
    bed::{Bed, NOW, config, open},
    on_both,
    postgres::fresh_database,
};
use crate::{
    clock::HeldClock,
    store::{
        EventFilter, Mode, Store, StoreError,
        dialect::{Access, Conn},
        open::Place,
    },
};

fn refused(opened: Result<Store, StoreError>) -> String {
    match opened {
        Err(StoreError::Refused(why)) => why,
        Err(other) => panic!("not a refusal: {other}"),
        Ok(_) => panic!("it opened"),
    }
}

fn file(bed: &Bed) -> PathBuf {
    bed.config.data.dir.join("bellwire.db")
}

on_both! {
    async fn a_second_server_is_refused_and_commands_are_not(bed) {
        let why = refused(bed.open(Mode::Serve));
        assert!(why.contains("another `bellwire serve`"), "{why}");
        bed.store.accept(bed.event()).await.unwrap();
        let reader = bed.open(Mode::Read).unwrap();
        assert_eq!(reader.events(EventFilter::default()).await.unwrap().len(), 1);
        assert!(matches!(reader.accept(bed.event()).await, Err(StoreError::Refused(_))));
        reader.ping().await.unwrap();
        bed.store.close();
        let next = bed.open(Mode::Serve).unwrap();
        assert_eq!(next.highest_id().await.unwrap(), reader.highest_id().await.unwrap());
        next.close();
    }

    async fn a_newer_schema_is_refused_and_an_older_one_is_not_touched_beside_the_server(bed) {
        bed.store.close();
        let mut conn = Place::of(&bed.config).unwrap().connect(Access::Write).unwrap();
        conn.batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000000')").unwrap();
        for mode in [Mode::Serve, Mode::Read, Mode::Write] {
            let why = refused(bed.open(mode));
            assert!(why.contains("newer Bellwire"), "{why}");
        }
        conn.batch_execute("DROP TABLE __diesel_schema_migrations").unwrap();
        let why = refused(bed.open(Mode::Serve));
        assert!(why.contains("no tables of ours"), "{why}");
    }

    async fn a_database_of_another_id_is_refused(bed) {
        bed.store.close();
        let marker = crate::store::instance::path(&bed.config.data.dir);
        let text = std::fs::read_to_string(&marker).unwrap();
        std::fs::remove_file(&marker).unwrap();
        bed.open(Mode::Serve).unwrap().close();
        assert!(marker.exists(), "a marker that was lost is written again");
        let id = text.lines().find(|line| line.starts_with("id")).unwrap();
        std::fs::write(&marker, text.replace(id, "id = \"00000000000000000000000000000000\"")).unwrap();
        for mode in [Mode::Serve, Mode::Read, Mode::Write] {
            let why = refused(bed.open(mode));
            assert!(why.contains("belongs here"), "{why}");
        }
    }

    async fn an_answer_from_a_closed_store_is_no(bed) {
        bed.store.close();
        assert!(matches!(bed.store.accept(bed.event()).await, Err(StoreError::Busy(_))));
        bed.store.close();
    }
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    number: i64,
}

#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = diesel::sql_types::Text)]
    word: String,
}

fn number(conn: &mut Conn, sql: &str) -> i64 {
    let Conn::Sqlite(c) = conn else { panic!("SQLite only") };
    sql_query(sql).get_result::<Number>(c).unwrap().number
}

#[test]
fn every_connection_has_the_four_settings() {
    let bed = Bed::sqlite();
    let place = Place::of(&bed.config).unwrap();
    for access in [Access::Birth, Access::Write, Access::Read] {
        let mut conn = place.connect(access).unwrap();
        let Conn::Sqlite(c) = &mut conn else { panic!("SQLite only") };
        let mode = sql_query("SELECT journal_mode AS word FROM pragma_journal_mode").get_result::<Word>(c).unwrap();
        assert_eq!(mode.word, "wal");
        assert_eq!(number(&mut conn, "SELECT synchronous AS number FROM pragma_synchronous"), 2, "{access:?}");
        assert_eq!(number(&mut conn, "SELECT foreign_keys AS number FROM pragma_foreign_keys"), 1, "{access:?}");
        assert_eq!(number(&mut conn, "SELECT timeout AS number FROM pragma_busy_timeout"), 5000, "{access:?}");
        assert_eq!(number(&mut conn, "SELECT auto_vacuum AS number FROM pragma_auto_vacuum"), 2, "incremental");
        let reads_only = number(&mut conn, "SELECT query_only AS number FROM pragma_query_only");
        assert_eq!(reads_only, i64::from(access == Access::Read), "{access:?}");
    }
}

#[test]
fn what_is_made_is_its_owners_alone() {
    let bed = Bed::sqlite();
    let mode = |path: PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(bed.config.data.dir.clone()), 0o700);
    for name in ["bellwire.db", "bellwire.db-wal", "bellwire.lock", "instance.toml"] {
        assert_eq!(mode(bed.config.data.dir.join(name)), 0o600, "{name}");
    }
}

#[test]
fn a_database_that_is_missing_empty_or_garbage_is_refused_and_never_made_anew() {
    for damage in ["missing", "empty", "ten bytes", "garbage", "cut"] {
        let bed = Bed::sqlite();
        bed.store.close();
        let file = file(&bed);
        let whole = std::fs::read(&file).unwrap();
        let left = match damage {
            "missing" => None,
            "empty" => Some(Vec::new()),
            "ten bytes" => Some(whole[..10].to_vec()),
            "garbage" => Some(vec![b'x'; 8192]),
            _ => Some(whole[..4096].to_vec()),
        };
        std::fs::remove_file(&file).unwrap();
        if let Some(left) = &left {
            std::fs::write(&file, left).unwrap();
        }
        for mode in [Mode::Serve, Mode::Read, Mode::Write] {
            match bed.open(mode) {
                Err(StoreError::Refused(why)) => assert!(why.contains("bellwire.db"), "{damage}: {why}"),
                Err(StoreError::Failed(why)) => {
                    assert!(
                        damage == "cut" && why.contains("bellwire.db") && why.contains("backup"),
                        "{damage}: {why}"
                    );
                }
                Err(other) => panic!("{damage}: {other}"),
                Ok(_) => panic!("{damage}: it opened"),
            }
        }
        assert_eq!(std::fs::read(&file).ok(), left, "{damage}: nothing was changed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_may_be_the_first_in_a_workspace_but_not_to_read() {
    for url in [None, Some(fresh_database())] {
        let dir = tempfile::tempdir().unwrap();
        let config = config(dir.path(), url);
        let (clock, failures) = (HeldClock::at(NOW), Arc::default());
        let why = refused(open(&config, Mode::Read, &clock, &failures));
        assert!(why.contains("bellwire serve"), "{why}");
        let command = open(&config, Mode::Write, &clock, &failures).unwrap();
        let server = open(&config, Mode::Serve, &clock, &failures).unwrap();
        command.ping().await.unwrap();
        server.ping().await.unwrap();
        command.close();
        server.close();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_database_is_busy_and_answers_again_afterwards() {
    let bed = Bed::sqlite();
    let mut other = Place::of(&bed.config).unwrap().connect(Access::Write).unwrap();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let begun = std::time::Instant::now();
    let answer = bed.store.accept(bed.event()).await;
    assert!(matches!(answer, Err(StoreError::Busy(_))), "{answer:?}");
    assert!(begun.elapsed().as_secs() < 7, "{:?}", begun.elapsed());
    assert!(bed.store.events(EventFilter::default()).await.unwrap().is_empty(), "readers go on");
    other.batch_execute("ROLLBACK").unwrap();
    bed.store.accept(bed.event()).await.unwrap();
    assert!(bed.failures.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_database_is_busy_and_answers_again_when_there_is_room() {
    let bed = Bed::sqlite();
    let pages = |sql: &'static str| bed.store.write(0, move |desk| Ok(desk.conn.batch_execute(sql)?));
    pages("PRAGMA max_page_count = 70").await.unwrap();
    let mut answer = Ok(());
    for _ in 0..500 {
        let mut event = bed.event();
        event.body = (0..2000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        answer = bed.store.accept(event).await.map(drop);
        if answer.is_err() {
            break;
        }
    }
    assert!(matches!(answer, Err(StoreError::Busy(_))), "{answer:?}");
    pages("PRAGMA max_page_count = 1000000").await.unwrap();
    bed.store.accept(bed.event()).await.unwrap();
    assert!(bed.failures.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_lock_on_postgresql_is_told_once_and_nothing_is_acknowledged_after_it() {
    let bed = Bed::postgresql();
    let mut other = Place::of(&bed.config).unwrap().connect(Access::Write).unwrap();
    let Conn::Postgres(c) = &mut other else { panic!("PostgreSQL only") };
    let sql = "SELECT pg_terminate_backend(pid)::int::bigint AS number FROM pg_locks WHERE locktype = 'advisory' \
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    sql_query(sql).load::<Number>(c).unwrap();
    for _ in 0..100 {
        if !bed.failures.lock().unwrap().is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(bed.failures.lock().unwrap().len(), 1);
    assert!(matches!(bed.store.accept(bed.event()).await, Err(StoreError::Failed(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_deleted_or_replaced_while_in_use_is_told_and_nothing_is_acknowledged_after_it() {
    for is_replaced in [false, true] {
        let bed = Bed::sqlite();
        bed.store.accept(bed.event()).await.unwrap();
        let file = file(&bed);
        std::fs::rename(&file, file.with_extension("away")).unwrap();
        if is_replaced {
            std::fs::copy(file.with_extension("away"), &file).unwrap();
        }
        assert!(matches!(bed.store.accept(bed.event()).await, Err(StoreError::Failed(_))), "{is_replaced}");
        let told = bed.failures.lock().unwrap().clone();
        assert!(told.len() == 1 && told[0].contains("bellwire.db") && told[0].contains("backup"), "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_store_notices_that_its_folder_is_gone() {
    let bed = Bed::sqlite();
    std::fs::remove_dir_all(&bed.config.data.dir).unwrap();
    for _ in 0..100 {
        if !bed.failures.lock().unwrap().is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("nobody was told");
}

#[test]
fn both_databases_have_the_same_tables() {
    let folders = ["migrations/sqlite", "migrations/postgresql"].map(|folder| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let mut names: Vec<_> = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    });
    assert_eq!(folders[0], folders[1]);

    let sqlite = "SELECT m.name || '.' || lower(p.name) || CASE WHEN p.\"notnull\" = 1 THEN ' not null ' ELSE ' null ' END || \
                  CASE lower(p.type) WHEN 'bigint' THEN 'number' WHEN 'integer' THEN 'number' WHEN 'smallint' THEN 'number' \
                  WHEN 'blob' THEN 'bytes' ELSE lower(p.type) END AS word \
                  FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table' \
                  AND m.name NOT LIKE 'sqlite%' AND m.name NOT LIKE '\\_\\_%' ESCAPE '\\'";
    let postgresql = "SELECT table_name || '.' || column_name || CASE is_nullable WHEN 'NO' THEN ' not null ' ELSE ' null ' END || \
                      CASE data_type WHEN 'bigint' THEN 'number' WHEN 'integer' THEN 'number' WHEN 'smallint' THEN 'number' \
                      WHEN 'bytea' THEN 'bytes' ELSE data_type END AS word \
                      FROM information_schema.columns WHERE table_schema = current_schema() AND table_name NOT LIKE '\\_\\_%'";
    let columns = |bed: &Bed, sql: &str| {
        let mut conn = Place::of(&bed.config).unwrap().connect(Access::Read).unwrap();
        let rows: Vec<Word> = crate::store::dialect::each!(&mut conn, c => sql_query(sql.to_owned()).load(c)).unwrap();
        let mut words: Vec<String> = rows.into_iter().map(|row| row.word).collect();
        words.sort();
        words
    };
    let (sqlite, postgresql) = (columns(&Bed::sqlite(), sqlite), columns(&Bed::postgresql(), postgresql));
    assert!(sqlite.len() > 80);
    assert_eq!(sqlite, postgresql);
}

#[test]
fn both_databases_take_every_column_that_the_program_knows() {
    use crate::store::schema;
    for bed in [Bed::sqlite(), Bed::postgresql()] {
        let mut conn = Place::of(&bed.config).unwrap().connect(Access::Read).unwrap();
        macro_rules! read {
            ($($table:ident: $row:ty,)*) => {
                $(crate::store::dialect::each!(&mut conn, c => schema::$table::table.limit(1).execute(c)).unwrap();)*
            };
        }
        read!(
            state: (), names: (), channels: (), dictionaries: (), texts: (), sets: (), set_texts: (), events: (), bodies: (),
            dedupe: (), runs: (), attempts: (), outputs: (), requests: (), refusals: (), secrets: (),
            run_events: (), once_keys: (), counted: (), windows: (), suppressed: (), fuses: (), places: (),
            waits: (), wait_keys: (), wait_candidates: (), attributes: (), echoes: (), early_echoes: (),
            grants: (), logins: (), paused: (), paused_sources: (), source_queue: (),
            earlier_secrets: (),
        );
    }
}

//! Secrets in force: environment before database, other processes' changes, wrong and lost keys.

use std::sync::Arc;

use diesel::connection::SimpleConnection as _;

use super::{
    bed::{Bed, NOW},
    on_both,
};
use crate::{
    clock::HeldClock,
    config::Config,
    secret::Secret,
    store::{Mode, Store, Vault, VaultError, dialect::Access, open::Place},
};

fn vault(store: &Store, config: &Config) -> Vault {
    Vault::open(store.clone(), config, HeldClock::at(NOW)).unwrap()
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn value(vault: &Vault, name: &str) -> Result<String, VaultError> {
    vault.get(name).map(|secret| secret.expose().to_owned())
}

on_both! {
    async fn a_secret_is_set_seen_by_the_server_and_removed(bed) {
        let server = vault(&bed.store, &bed.config);
        assert!(matches!(server.get("groove_token"), Err(VaultError::Missing(name)) if name == "groove_token"));
        assert!(matches!(server.set("short", secret("1234567"), Vec::new()).await, Err(VaultError::TooShort(_))));
        let beside = bed.open(Mode::Write).unwrap();
        let command = vault(&beside, &bed.config);
        command.set("groove_token", secret("geheim-12345"), vec!["https://api.groovehq.com".to_owned()]).await.unwrap();
        assert!(!server.has("groove_token"));
        server.refresh().await.unwrap();
        assert_eq!(value(&server, "groove_token").unwrap(), "geheim-12345");
        assert_eq!(server.origins("groove_token"), ["https://api.groovehq.com"]);
        assert!(!server.masker().mask("Bearer geheim-12345").contains("geheim"));
        let listed = server.list().await.unwrap();
        assert_eq!((listed.len(), listed[0].from, listed[0].healthy, listed[0].changed_at), (1, "database", true, Some(NOW)));
        assert!(command.remove("groove_token").await.unwrap());
        assert!(!command.remove("groove_token").await.unwrap());
        server.refresh().await.unwrap();
        assert!(!server.has("groove_token"));
        beside.close();
    }

    async fn the_value_before_counts_until_its_time_is_over(bed) {
        let clock = HeldClock::at(NOW);
        let server = Vault::open(bed.store.clone(), &bed.config, Arc::clone(&clock) as crate::clock::SharedClock).unwrap();
        let day = std::time::Duration::from_hours(24);
        let live = |name: &str| -> Vec<String> {
            server.live(name).unwrap().iter().map(|secret| secret.expose().to_owned()).collect()
        };
        assert_eq!(server.rotate("key", secret("the-first-value"), Vec::new(), day).await.unwrap(), None, "there was none");
        assert_eq!(live("key"), ["the-first-value"]);
        let until = server.rotate("key", secret("the-second-value"), Vec::new(), day).await.unwrap();
        assert_eq!(until, Some(NOW.plus(day)));
        assert_eq!(live("key"), ["the-second-value", "the-first-value"]);
        assert_eq!(value(&server, "key").unwrap(), "the-second-value", "what is sent is the new one");
        assert_eq!(server.masker().mask("the-first-value the-second-value").matches("value").count(), 0);
        assert_eq!(server.list().await.unwrap()[0].overlap_until, until);
        server.rotate("key", secret("the-third-value"), Vec::new(), day).await.unwrap();
        assert_eq!(live("key"), ["the-third-value", "the-second-value"], "two at most");
        assert!(server.retire("key").await.unwrap());
        assert!(!server.retire("key").await.unwrap());
        assert_eq!(live("key"), ["the-third-value"]);
        server.rotate("key", secret("the-fourth-value"), Vec::new(), day).await.unwrap();
        clock.advance(day);
        assert_eq!(live("key"), ["the-fourth-value"], "a day is over");
        server.refresh().await.unwrap();
        assert_eq!(server.list().await.unwrap()[0].overlap_until, None, "and it is gone");
        server.rotate("key", secret("the-fifth-value"), Vec::new(), day).await.unwrap();
        server.set("key", secret("the-sixth-value"), Vec::new()).await.unwrap();
        assert_eq!(live("key"), ["the-sixth-value"], "no overlap ends the one there was");
        server.rotate("key", secret("the-seventh-value"), Vec::new(), day).await.unwrap();
        assert!(server.remove("key").await.unwrap());
        server.set("key", secret("the-eighth-value"), Vec::new()).await.unwrap();
        assert_eq!(live("key"), ["the-eighth-value"], "what was removed does not come back");
    }

    async fn the_environment_wins_over_the_database(bed) {
        let first = vault(&bed.store, &bed.config);
        first.set("key", secret("from-database"), vec!["https://a.example".to_owned()]).await.unwrap();
        let mut config = bed.config.clone();
        config.secrets.environment.insert("key".to_owned(), secret("from-environment"));
        let both = vault(&bed.store, &config);
        assert_eq!(value(&both, "key").unwrap(), "from-environment");
        let listed = both.list().await.unwrap();
        assert_eq!((listed.len(), listed[0].from), (1, "environment"));
        let masked = both.masker().mask("from-database from-environment");
        assert!(!masked.contains("from-"), "both are masked: {masked}");
    }

    async fn a_wrong_or_lost_key_makes_secrets_unhealthy_and_nothing_else(bed) {
        let right = vault(&bed.store, &bed.config);
        right.set("key", secret("sealed-with-the-right-one"), Vec::new()).await.unwrap();
        let mut config = bed.config.clone();
        config.secrets.key_file = bed.config.data.dir.join("other.key");
        let lost = vault(&bed.store, &config);
        assert!(!config.secrets.key_file.exists(), "a lost key is not replaced in silence");
        assert!(matches!(lost.get("key"), Err(VaultError::Sealed { .. })));
        crate::secret::SealingKey::load(&config.secrets.key_file, true).unwrap();
        let wrong = vault(&bed.store, &config);
        let Err(VaultError::Sealed { name, why }) = wrong.get("key") else { panic!("it opened") };
        assert!(name == "key" && why.contains("another key"), "{why}");
        assert!(wrong.has("key"));
        assert!(!wrong.list().await.unwrap()[0].healthy);
        assert_eq!(value(&right, "key").unwrap(), "sealed-with-the-right-one");
    }

    async fn secrets_are_set_again_where_the_key_file_was_lost(bed) {
        let server = vault(&bed.store, &bed.config);
        server.set("one", secret("sealed-with-the-old-key"), Vec::new()).await.unwrap();
        server.set("two", secret("sealed-with-the-old-key"), Vec::new()).await.unwrap();
        let (file, kept) = (&bed.config.secrets.key_file, bed.config.data.dir.join("elsewhere"));
        std::fs::rename(file, &kept).unwrap();
        let beside = bed.open(Mode::Write).unwrap();
        let command = vault(&beside, &bed.config);
        command.set("one", secret("sealed-with-the-new-key"), Vec::new()).await.unwrap();
        for vault in [&command, &server] {
            vault.refresh().await.unwrap();
            assert_eq!(value(vault, "one").unwrap(), "sealed-with-the-new-key");
            assert!(matches!(vault.get("two"), Err(VaultError::Sealed { .. })));
            let healthy: Vec<bool> = vault.list().await.unwrap().iter().map(|row| row.healthy).collect();
            assert_eq!(healthy, [true, false]);
        }
        std::fs::rename(&kept, file).unwrap();
        server.refresh().await.unwrap();
        assert_eq!(value(&server, "two").unwrap(), "sealed-with-the-old-key", "the old key file came back");
        std::fs::write(file, "no key").unwrap();
        let refused = command.set("two", secret("has-no-key-to-it"), Vec::new()).await;
        assert!(matches!(refused, Err(VaultError::Unsealable { .. })), "{refused:?}");
        beside.close();
    }

    async fn a_sealed_value_that_was_moved_to_another_name_does_not_open(bed) {
        let vault = vault(&bed.store, &bed.config);
        vault.set("one", secret("the-first-secret"), Vec::new()).await.unwrap();
        vault.set("two", secret("the-other-secret"), Vec::new()).await.unwrap();
        let mut conn = Place::of(&bed.config).unwrap().connect(Access::Write).unwrap();
        conn.batch_execute(
            "UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE name = 'one') WHERE name = 'two'; \
             UPDATE state SET number = number + 1 WHERE name = 'secrets'",
        )
        .unwrap();
        vault.refresh().await.unwrap();
        assert_eq!(value(&vault, "one").unwrap(), "the-first-secret");
        assert!(matches!(vault.get("two"), Err(VaultError::Sealed { .. })));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_secret_is_in_the_file() {
    let bed = Bed::sqlite();
    let vault = vault(&bed.store, &bed.config);
    vault.set("key", secret("geheim-geheim-geheim"), Vec::new()).await.unwrap();
    bed.store.close();
    let file = std::fs::read(bed.config.data.dir.join("bellwire.db")).unwrap();
    assert!(!file.windows(6).any(|part| part == b"geheim"));
    drop(Arc::new(vault));
}

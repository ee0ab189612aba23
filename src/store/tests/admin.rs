//! Users, sessions, tokens, counts of sign-ins, the audit log and keys of requests.

use std::time::Duration;

use super::{
    bed::{Bed, NOW},
    on_both,
};
use crate::{
    model::{Role, Scope},
    store::{
        ApiToken, AuditFilter, AuditRow, KnownRequest, NewUser, OneTime, SessionRow, Stage, StoreError, TryLimit,
        UserChange,
    },
};

async fn user(bed: &Bed, name: &str, role: Role) -> i64 {
    let id = bed.id();
    assert!(bed.store.add_user(new(id, name, role)).await.unwrap());
    id
}

fn new(id: i64, name: &str, role: Role) -> NewUser {
    NewUser { id, name: name.to_owned(), email: None, role, password: None, remote: None, at: NOW }
}

async fn session(bed: &Bed, user: i64, digest: u8) {
    let session = SessionRow {
        digest: [digest; 32],
        user,
        created_at: NOW,
        seen_at: NOW,
        fresh_until: NOW,
        stage: Stage::Full,
        peer: "127.0.0.1".to_owned(),
        agent: "test".to_owned(),
    };
    bed.store.begin_session(session, None).await.unwrap();
}

fn deed(id: i64, who: &str, action: &str) -> AuditRow {
    AuditRow {
        id,
        at: NOW,
        who: who.to_owned(),
        user: None,
        token: None,
        action: action.to_owned(),
        subject: "x".to_owned(),
        before: None,
        after: Some("{}".to_owned()),
        peer: String::new(),
        outcome: "done".to_owned(),
    }
}

on_both! {
    async fn one_of_two_makes_the_first_owner_and_the_link_is_used_by_that(bed) {
        let link = OneTime { digest: [1; 32], kind: "setup", data: String::new(), until: NOW.plus(Duration::from_secs(60)) };
        bed.store.put_one_time(link.clone(), true, NOW).await.unwrap();
        // A later start's link ends the one before.
        bed.store.put_one_time(OneTime { digest: [2; 32], ..link }, true, NOW).await.unwrap();
        assert!(!bed.store.add_first_user(new(bed.id(), "eve", Role::Owner), [1; 32]).await.unwrap());
        let (first, second) = tokio::join!(
            bed.store.add_first_user(new(bed.id(), "ada", Role::Owner), [2; 32]),
            bed.store.add_first_user(new(bed.id(), "bob", Role::Owner), [2; 32]),
        );
        assert_ne!(first.unwrap(), second.unwrap());
        assert_eq!(bed.store.users().await.unwrap().len(), 1);
    }

    async fn the_last_owner_stays_one(bed) {
        let ada = user(bed, "ada", Role::Owner).await;
        let bob = user(bed, "bob", Role::Editor).await;
        assert!(!bed.store.add_user(new(bed.id(), "bob", Role::Viewer)).await.unwrap(), "the name is taken");
        assert_eq!(bed.store.set_role(ada, Role::Viewer, NOW).await.unwrap(), UserChange::LastOwner);
        assert_eq!(bed.store.set_disabled(ada, true, NOW).await.unwrap(), UserChange::LastOwner);
        assert_eq!(bed.store.remove_user(ada).await.unwrap(), UserChange::LastOwner);
        assert_eq!(bed.store.set_role(bob, Role::Owner, NOW).await.unwrap(), UserChange::Done);
        // Nobody can sign in as one who has no password, or is shut out.
        assert_eq!(bed.store.set_role(ada, Role::Viewer, NOW).await.unwrap(), UserChange::LastOwner);
        for owner in [ada, bob] {
            bed.store.set_password(owner, "hash".to_owned(), None, NOW).await.unwrap();
        }
        assert_eq!(bed.store.set_disabled(bob, true, NOW).await.unwrap(), UserChange::Done);
        assert_eq!(bed.store.remove_user(ada).await.unwrap(), UserChange::LastOwner);
        bed.store.set_disabled(bob, false, NOW).await.unwrap();
        assert_eq!(bed.store.set_disabled(ada, true, NOW).await.unwrap(), UserChange::Done);
        assert_eq!(bed.store.set_disabled(bob, true, NOW).await.unwrap(), UserChange::LastOwner);
        bed.store.set_disabled(ada, false, NOW).await.unwrap();
        assert_eq!(bed.store.remove_user(ada).await.unwrap(), UserChange::Done);
        assert_eq!(bed.store.set_role(ada, Role::Owner, NOW).await.unwrap(), UserChange::Missing);
    }

    async fn a_change_of_role_or_password_ends_sessions(bed) {
        let ada = user(bed, "ada", Role::Owner).await;
        let bob = user(bed, "bob", Role::Editor).await;
        for (whose, digest) in [(bob, 1), (bob, 2), (ada, 3)] {
            session(bed, whose, digest).await;
        }
        bed.store.know_device([9; 32], bob, NOW.plus(Duration::from_secs(9)), NOW).await.unwrap();
        assert!(bed.store.is_device_of([9; 32], bob, NOW).await.unwrap());
        assert!(!bed.store.is_device_of([9; 32], ada, NOW).await.unwrap());
        for n in 100..125_u8 {
            let until = NOW.plus(Duration::from_secs(u64::from(n)));
            bed.store.know_device([n; 32], ada, until, NOW).await.unwrap();
        }
        assert!(!bed.store.is_device_of([104; 32], ada, NOW).await.unwrap(), "only the newest 20 are known");
        assert!(bed.store.is_device_of([105; 32], ada, NOW).await.unwrap());
        assert!(bed.store.is_device_of([9; 32], bob, NOW).await.unwrap(), "they are another's");
        let link = |digest, user: i64| OneTime {
            digest,
            kind: "link",
            data: user.to_string(),
            until: NOW.plus(Duration::from_secs(60)),
        };
        for (digest, user) in [([7; 32], bob), ([8; 32], ada)] {
            bed.store.put_one_time(link(digest, user), true, NOW).await.unwrap();
        }
        bed.store.set_password(bob, "hash".to_owned(), Some([2; 32]), NOW).await.unwrap();
        assert!(bed.store.one_time([7; 32], "link", NOW).await.unwrap().is_none(), "a password was chosen");
        assert!(bed.store.one_time([8; 32], "link", NOW).await.unwrap().is_some(), "it is another's");
        assert!(bed.store.session([1; 32]).await.unwrap().is_none());
        assert_eq!(bed.store.session([2; 32]).await.unwrap().unwrap().1.password.as_deref(), Some("hash"));
        assert!(!bed.store.is_device_of([9; 32], bob, NOW).await.unwrap());
        bed.store.set_role(bob, Role::Viewer, NOW).await.unwrap();
        assert!(bed.store.sessions_of(bob).await.unwrap().is_empty());
        assert!(!bed.store.end_session(bob, [3; 32]).await.unwrap(), "it is somebody else's");
        assert_eq!(bed.store.sessions_of(ada).await.unwrap().len(), 1);
    }

    async fn tokens_are_found_by_digest_alone(bed) {
        let ada = user(bed, "ada", Role::Owner).await;
        let token = ApiToken {
            id: bed.id(),
            digest: [4; 32],
            name: "ci".to_owned(),
            user: ada,
            scopes: vec![Scope::Read, Scope::Run],
            created_at: NOW,
            expires_at: None,
            used_at: None,
        };
        bed.store.add_token(token.clone()).await.unwrap();
        let (found, of) = bed.store.token([4; 32]).await.unwrap().unwrap();
        assert_eq!((found, of.name.as_str()), (token.clone(), "ada"));
        assert!(bed.store.token([5; 32]).await.unwrap().is_none());
        assert!(!bed.store.revoke_token(token.id, Some(ada + 1)).await.unwrap());
        assert!(bed.store.revoke_token(token.id, Some(ada)).await.unwrap());
        assert!(bed.store.tokens(None).await.unwrap().is_empty());
    }

    async fn codes_count_once(bed) {
        let ada = user(bed, "ada", Role::Owner).await;
        assert!(!bed.store.confirm_totp(ada, 7, vec![[1; 32]], None, NOW).await.unwrap(), "none was proposed");
        bed.store.propose_totp(ada, vec![1, 2]).await.unwrap();
        assert!(bed.store.confirm_totp(ada, 7, vec![[1; 32], [2; 32]], None, NOW).await.unwrap());
        let row = bed.store.user(ada).await.unwrap().unwrap();
        assert_eq!((row.totp, row.totp_new), (Some(vec![1, 2]), None));
        for (step, counts) in [(7, false), (8, true), (8, false), (6, false)] {
            assert_eq!(bed.store.use_totp_step(ada, step).await.unwrap(), counts, "{step}");
        }
        assert!(bed.store.use_recovery_code(ada, [1; 32]).await.unwrap());
        assert!(!bed.store.use_recovery_code(ada, [1; 32]).await.unwrap());
        assert_eq!(bed.store.recovery_codes_left(ada).await.unwrap(), 1);
        bed.store.drop_totp(ada, NOW).await.unwrap();
        assert_eq!(bed.store.recovery_codes_left(ada).await.unwrap(), 0);
    }

    async fn tries_at_once_do_not_pass_together(bed) {
        let limit = TryLimit {
            key: "account:ada".to_owned(),
            free: 2,
            delay: Duration::from_secs(10),
            longest: Duration::from_secs(60),
            forgives: Duration::from_secs(900),
        };
        let tries = (0..8).map(|_| bed.store.count_try(vec![limit.clone()], NOW));
        let passed = futures_util::future::join_all(tries).await;
        assert_eq!(passed.into_iter().filter(|tried| matches!(tried, Ok(Ok(())))).count(), 2);
        let later = NOW.plus(Duration::from_secs(10));
        assert_eq!(bed.store.count_try(vec![limit.clone()], later).await.unwrap(), Ok(()));
        bed.store.forgive_try(vec![limit.key.clone()]).await.unwrap();
        assert_eq!(bed.store.count_try(vec![limit.clone()], later).await.unwrap(), Err(Duration::from_secs(10)));
        bed.store.forget_tries(vec![limit.key.clone()]).await.unwrap();
        assert_eq!(bed.store.count_try(vec![limit], later).await.unwrap(), Ok(()));
    }

    async fn the_audit_log_is_only_added_to(bed) {
        for (id, who, action) in [(1, "ada", "rule.save"), (2, "bob", "rule.disable"), (3, "ada", "login")] {
            bed.store.keep_audit(deed(id, who, action)).await.unwrap();
        }
        let ids = async |filter: AuditFilter| -> Vec<i64> {
            bed.store.audit(filter).await.unwrap().into_iter().map(|row| row.id).collect()
        };
        assert_eq!(ids(AuditFilter::default()).await, [3, 2, 1]);
        assert_eq!(ids(AuditFilter { who: Some("ada".to_owned()), ..AuditFilter::default() }).await, [3, 1]);
        assert_eq!(ids(AuditFilter { action: Some("rule.".to_owned()), ..AuditFilter::default() }).await, [2, 1]);
        assert_eq!(ids(AuditFilter { before: Some(3), limit: Some(1), ..AuditFilter::default() }).await, [2]);
        let again = bed.store.keep_audit(deed(2, "eve", "x.y")).await;
        assert!(matches!(again, Err(StoreError::Doubled(_))), "{again:?}");
        let forged = "INSERT INTO audit SELECT id, at, 'eve', user_id, token, action, subject, before, after, peer, outcome FROM audit \
             WHERE id = 2 ON CONFLICT (id) DO UPDATE SET who = 'eve'";
        let replaced = "INSERT OR REPLACE INTO audit SELECT id, at, 'eve', user_id, token, action, subject, before, after, peer, \
             outcome FROM audit WHERE id = 2";
        let replaced_by_row = "INSERT OR REPLACE INTO audit (rowid, id, at, who, action, subject, peer, outcome) \
             SELECT rowid, 99, at, 'eve', action, subject, peer, outcome FROM audit WHERE id = 2";
        let mut tries = vec!["DELETE FROM audit", "UPDATE audit SET who = 'eve'", forged];
        if bed.config.database.url.is_none() {
            tries.extend([replaced, replaced_by_row]);
        }
        for sql in tries {
            let tampered = bed
                .store
                .write(64, move |desk| {
                    use diesel::{RunQueryDsl as _, sql_query};
                    Ok(crate::store::dialect::each!(&mut desk.conn, c => sql_query(sql).execute(c))?)
                })
                .await;
            assert!(tampered.unwrap_err().to_string().contains("append-only"), "{sql}");
        }
        assert_eq!(bed.store.audit_row(2).await.unwrap().unwrap().who, "bob");
    }

    async fn a_request_is_done_once_for_its_key(bed) {
        let until = NOW.plus(Duration::from_secs(60));
        let begin = async |digest: u8, now| {
            bed.store.begin_request(1, "k".to_owned(), [digest; 32], until, now).await.unwrap()
        };
        assert_eq!(begin(1, NOW).await, KnownRequest::New);
        assert_eq!(begin(1, NOW).await, KnownRequest::Running);
        assert_eq!(begin(2, NOW).await, KnownRequest::Other);
        bed.store.abandon_request(1, "k".to_owned()).await.unwrap();
        assert_eq!(begin(1, NOW).await, KnownRequest::New);
        bed.store.finish_request(1, "k".to_owned(), 201, b"{}".to_vec()).await.unwrap();
        bed.store.abandon_request(1, "k".to_owned()).await.unwrap();
        assert_eq!(begin(1, NOW).await, KnownRequest::Answered { status: 201, body: b"{}".to_vec() });
        assert_eq!(begin(2, until).await, KnownRequest::New, "its time is over");
    }
}

//! Users and their sessions.

use store::{
    Error,
    sessions::{self, Kind, Session},
    users,
};
use uuid::Uuid;

use crate::{
    rows::{at, user},
    with::on_both,
};

fn session(user: &users::User, hash: &str, kind: Kind, family: Uuid) -> Session {
    Session {
        token_hash: hash.to_owned(),
        user_id: user.id,
        kind,
        family,
        created_at: at(0),
        expires_at: at(60),
    }
}

#[test]
fn a_user_is_found_by_exactly_that_name() {
    on_both(async |store| {
        let ada = user("Ada");
        users::insert(&store, &ada).await.expect("insert");
        assert_eq!(users::find(&store, ada.id).await.expect("find").as_ref(), Some(&ada));
        for (name, expected) in [("Ada", Some(&ada)), ("ada", None), ("Ada\0", None)] {
            let found = users::find_by_username(&store, name).await.expect("find");
            assert_eq!(found.as_ref(), expected, "{name:?}");
        }
        let error = users::insert(&store, &user("Ada")).await.expect_err("inserted");
        assert!(error.is_duplicate(), "{error:?}");
        users::insert(&store, &user("ada")).await.expect("another name");
        assert!(!format!("{ada:?}").contains("argon2"), "a log would hold the hash");
    });
}

#[test]
fn a_password_is_set_for_one_user() {
    on_both(async |store| {
        let (ada, bob) = (user("ada"), user("bob"));
        for user in [&ada, &bob] {
            users::insert(&store, user).await.expect("insert");
        }
        users::set_password(&store, ada.id, "new", at(5)).await.expect("set");
        let found = users::find(&store, ada.id).await.expect("find").expect("a user");
        assert_eq!((found.password_hash.as_str(), found.password_changed_at), ("new", at(5)));
        assert_eq!(users::find(&store, bob.id).await.expect("find"), Some(bob));
        let error = users::set_password(&store, Uuid::now_v7(), "new", at(5)).await;
        assert!(matches!(error, Err(Error::Missing { noun: "user", .. })));
    });
}

#[test]
fn a_session_is_found_with_its_user_until_it_is_ended() {
    on_both(async |store| {
        let ada = user("ada");
        users::insert(&store, &ada).await.expect("insert");
        let page = session(&ada, "page", Kind::Page, Uuid::now_v7());
        sessions::insert(&store, &page).await.expect("insert");
        let found = sessions::find(&store, "page").await.expect("find");
        assert_eq!(found, Some((page.clone(), ada)));
        assert!(sessions::insert(&store, &page).await.expect_err("twice").is_duplicate());
        assert_eq!(sessions::find(&store, "other").await.expect("find"), None);
        assert!(sessions::delete(&store, "page").await.expect("delete"));
        assert!(!sessions::delete(&store, "page").await.expect("delete again"));
        assert_eq!(sessions::find(&store, "page").await.expect("find"), None);
    });
}

#[test]
fn sessions_end_by_family_by_user_and_by_time() {
    on_both(async |store| {
        let (ada, bob) = (user("ada"), user("bob"));
        for user in [&ada, &bob] {
            users::insert(&store, user).await.expect("insert");
        }
        let family = Uuid::now_v7();
        let mut late = session(&bob, "late", Kind::Page, Uuid::now_v7());
        late.expires_at = at(61);
        for session in [
            session(&ada, "access", Kind::Access, family),
            session(&ada, "refresh", Kind::Refresh, family),
            session(&ada, "page", Kind::Page, Uuid::now_v7()),
            session(&bob, "bob", Kind::Page, Uuid::now_v7()),
            late,
        ] {
            sessions::insert(&store, &session).await.expect("insert");
        }
        let left = async || {
            let mut left = Vec::new();
            for hash in ["access", "refresh", "page", "bob", "late"] {
                if sessions::find(&store, hash).await.expect("find").is_some() {
                    left.push(hash);
                }
            }
            left
        };
        sessions::delete_family(&store, family).await.expect("delete");
        assert_eq!(left().await, ["page", "bob", "late"]);
        sessions::delete_of_user(&store, ada.id).await.expect("delete");
        assert_eq!(left().await, ["bob", "late"]);
        assert_eq!(sessions::delete_expired(&store, at(59)).await.expect("delete"), 0);
        assert_eq!(sessions::delete_expired(&store, at(60)).await.expect("delete"), 1);
        assert_eq!(left().await, ["late"]);
    });
}

//! Tokens of callers.

use store::tokens::{self, Token};
use uuid::Uuid;

use crate::{rows::at, with::on_both};

fn token(name: &str) -> Token {
    Token {
        id: Uuid::now_v7(),
        name: name.to_owned(),
        token_hash: format!("hash of {name}"),
        can_call: true,
        can_author: false,
        created_by: "ada".to_owned(),
        created_at: at(0),
        expires_at: None,
        last_used_at: None,
        revoked_at: None,
    }
}

#[test]
fn a_token_is_found_by_hash_name_and_id() {
    on_both(async |store| {
        let token = token("claude");
        tokens::insert(&store, &token).await.expect("insert");
        let found = tokens::find_by_hash(&store, &token.token_hash).await.expect("find");
        assert_eq!(found.as_ref(), Some(&token));
        let found = tokens::find_by_name(&store, "claude").await.expect("find");
        assert_eq!(found.as_ref(), Some(&token));
        assert_eq!(tokens::find(&store, token.id).await.expect("find"), Some(token));
        assert_eq!(tokens::find_by_hash(&store, "other").await.expect("find"), None);
    });
}

#[test]
fn names_and_hashes_are_unique() {
    on_both(async |store| {
        let first = token("claude");
        tokens::insert(&store, &first).await.expect("insert");
        let same_name = Token { token_hash: "other".to_owned(), ..token("claude") };
        let same_hash = Token { token_hash: first.token_hash.clone(), ..token("cursor") };
        for twin in [same_name, same_hash] {
            let error = tokens::insert(&store, &twin).await.expect_err("inserted");
            assert!(error.is_duplicate(), "{error:?}");
        }
        let second = token("cursor");
        tokens::insert(&store, &second).await.expect("insert");
        assert_eq!(tokens::list(&store).await.expect("list"), [first, second]);
    });
}

#[test]
fn a_token_is_active_until_it_expires_or_is_revoked() {
    on_both(async |store| {
        let lasting = token("lasting");
        let expiring = Token { expires_at: Some(at(60)), ..token("expiring") };
        for token in [&lasting, &expiring] {
            tokens::insert(&store, token).await.expect("insert");
        }
        let active = async |now| tokens::count_active(&store, at(now)).await.expect("count");
        assert_eq!((active(59).await, active(60).await), (2, 1));

        tokens::touch(&store, lasting.id, at(7)).await.expect("touch");
        assert!(tokens::revoke(&store, lasting.id, at(8)).await.expect("revoke"));
        assert!(!tokens::revoke(&store, lasting.id, at(9)).await.expect("revoke again"));
        assert!(!tokens::revoke(&store, Uuid::now_v7(), at(9)).await.expect("revoke none"));
        let found = tokens::find(&store, lasting.id).await.expect("find").expect("a token");
        assert_eq!((found.last_used_at, found.revoked_at), (Some(at(7)), Some(at(8))));
        assert_eq!((active(59).await, active(60).await), (1, 0));
    });
}

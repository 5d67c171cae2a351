//! Locks of packages.

use serde_json::json;
use store::{
    Json,
    package_locks::{self, PackageLock},
    servers::{self, Server},
};

use crate::{
    rows::{at, stored_server},
    with::on_both,
};

fn lock(server: &Server, digest: &str) -> PackageLock {
    PackageLock {
        server_id: server.id,
        digest: digest.to_owned(),
        packages: Json(json!([{ "z": digest, "a": 1 }])),
        updated_at: at(0),
    }
}

#[test]
fn a_lock_is_replaced_only_by_who_knows_the_one_before() {
    on_both(async |store| {
        let server = stored_server(&store, "weather").await;
        let other = stored_server(&store, "other").await;
        let [first, second] = [lock(&server, "first"), lock(&server, "second")];
        let replace = async |from, to| package_locks::replace(&store, from, to).await;
        assert!(!replace(Some("first"), &second).await.expect("no row"), "there is none yet");
        assert!(replace(None, &first).await.expect("insert"));
        assert!(!replace(None, &second).await.expect("insert again"));
        assert!(!replace(Some("second"), &second).await.expect("replace another"));
        assert_eq!(
            package_locks::find(&store, server.id).await.expect("read"),
            Some(first.clone())
        );
        assert!(replace(Some("first"), &second).await.expect("replace"));
        assert!(replace(None, &lock(&other, "second")).await.expect("equal sets"));
        let found = package_locks::find(&store, server.id).await.expect("read");
        assert_eq!(found.as_ref(), Some(&second));
        assert_eq!(found.expect("a lock").packages.to_string(), r#"[{"z":"second","a":1}]"#);
        assert_eq!(package_locks::all(&store).await.expect("read").len(), 2);

        assert!(!package_locks::delete(&store, server.id, "first").await.expect("delete"));
        assert!(package_locks::delete(&store, server.id, "second").await.expect("delete"));
        assert_eq!(package_locks::find(&store, server.id).await.expect("read"), None);
        assert_eq!(package_locks::all(&store).await.expect("read").len(), 1, "the other's stays");
    });
}

#[test]
fn a_lock_goes_with_its_server() {
    on_both(async |store| {
        let server = stored_server(&store, "weather").await;
        let kept = package_locks::replace(&store, None, &lock(&server, "first")).await;
        assert!(kept.expect("insert"));
        servers::delete(&store, server.id).await.expect("delete");
        assert_eq!(package_locks::find(&store, server.id).await.expect("read"), None);
    });
}

//! Grants, and the history of how they came about.

use store::{
    grants::{self, Event, Grant, Kind},
    servers,
};
use uuid::Uuid;

use crate::{
    rows::{at, stored_server},
    with::{ALL, on_both},
};

fn grant(kind: Kind, server_id: Option<Uuid>, name: &str) -> Grant {
    Grant {
        id: Uuid::now_v7(),
        kind,
        server_id,
        name: name.to_owned(),
        request_id: None,
        granted_by: "grace".to_owned(),
        granted_at: at(0),
    }
}

fn names(grants: &[Grant]) -> Vec<&str> {
    grants.iter().map(|grant| grant.name.as_str()).collect()
}

#[test]
fn a_server_has_what_is_its_own_and_what_is_everybodys() {
    on_both(async |store| {
        let weather = stored_server(&store, "weather").await;
        let other = stored_server(&store, "other").await;
        for grant in [
            grant(Kind::Module, None, "sched"),
            grant(Kind::Host, Some(weather.id), "b.example"),
            grant(Kind::Host, Some(weather.id), "a.example:80"),
            grant(Kind::Host, Some(other.id), "c.example"),
        ] {
            assert!(grants::insert(&store, &grant).await.expect("insert"));
        }
        let of = async |id| grants::of(&store, id).await.expect("read");
        assert_eq!(names(&of(Some(weather.id)).await), ["a.example:80", "b.example", "sched"]);
        assert_eq!(names(&of(Some(other.id)).await), ["c.example", "sched"]);
        assert_eq!(names(&of(None).await), ["sched"]);

        let gone = grants::delete(&store, Kind::Host, Some(weather.id), "b.example").await;
        assert!(gone.expect("delete"));
        let again = grants::delete(&store, Kind::Host, Some(weather.id), "b.example").await;
        assert!(!again.expect("delete again"));
        let of_nobody = grants::delete(&store, Kind::Host, None, "c.example").await;
        assert!(!of_nobody.expect("delete another's"));
        assert_eq!(names(&of(Some(weather.id)).await), ["a.example:80", "sched"]);
        assert_eq!(names(&of(Some(other.id)).await), ["c.example", "sched"]);
    });
}

#[test]
fn the_same_thing_is_granted_once() {
    on_both(async |store| {
        let server = stored_server(&store, "weather").await;
        let other = stored_server(&store, "other").await;
        for (grant, new) in [
            (grant(Kind::Module, None, "sched"), true),
            (grant(Kind::Module, None, "sched"), false),
            (grant(Kind::Host, Some(server.id), "sched"), true),
            (grant(Kind::Host, Some(server.id), "sched"), false),
            (grant(Kind::Host, Some(other.id), "sched"), true),
        ] {
            assert_eq!(grants::insert(&store, &grant).await.expect("insert"), new, "{grant:?}");
        }
    });
}

#[test]
fn grants_go_with_their_server_and_the_history_stays() {
    on_both(async |store| {
        let server = stored_server(&store, "weather").await;
        let host = grant(Kind::Host, Some(server.id), "a.example");
        grants::insert(&store, &host).await.expect("insert");
        grants::insert(&store, &grant(Kind::Module, None, "sched")).await.expect("insert");
        let mut events = Vec::new();
        for (second, action, reason) in [(1, "requested", Some("to ask it")), (2, "approved", None)]
        {
            let event = Event {
                id: Uuid::now_v7(),
                kind: Kind::Host,
                server_id: Some(server.id),
                server_name: Some(server.name.clone()),
                tool_id: Some(Uuid::now_v7()),
                name: "a.example".to_owned(),
                action: action.to_owned(),
                actor: "grace".to_owned(),
                reason: reason.map(str::to_owned),
                at: at(second),
            };
            grants::record(&store, &event).await.expect("record");
            events.insert(0, event);
        }
        let ids = [server.id, Uuid::now_v7()];
        let found = servers::existing(&store, &ids).await.expect("read");
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [server.id]);
        assert!(servers::delete(&store, server.id).await.expect("delete"));
        assert!(servers::existing(&store, &ids).await.expect("read").is_empty());
        let left = grants::of(&store, Some(server.id)).await.expect("read");
        assert_eq!(names(&left), ["sched"]);
        let history = grants::history(&store, ALL).await.expect("read");
        assert_eq!((history.total, history.items), (2, events));
    });
}

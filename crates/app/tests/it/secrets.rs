//! Secrets: who may do what, and what is told of them.

use app::audit::{self, Filter};
use app::secrets::{self, Secret};
use app::{Error, Page};
use uuid::Uuid;

use crate::with::{World, model, on_both};

const ALL: Page = Page { number: 1, size: 100 };

async fn listed(world: &World) -> Vec<Secret> {
    secrets::list(&world.app, world.servers[0], ALL).await.expect("listed").1.items
}

#[test]
fn a_placeholder_gets_a_value_loses_it_and_goes() {
    on_both(async |world| {
        let (app, admin, server) = (&world.app, &world.admin, world.servers[0]);
        let made = secrets::create(app, &model(), server, "API_KEY", "of the service").await;
        let made = made.expect("created");
        assert_eq!((made.has_value, made.created_by.as_str()), (false, "claude"));

        let set =
            async |value: &str| secrets::set(app, admin, server, "API_KEY", value.into()).await;
        let long = set("hunter2").await.expect("set");
        assert_eq!((long.has_value, long.is_short, &*long.updated_by), (true, false, "grace"));
        let short = set("12345").await.expect("set");
        assert!(short.is_short, "it is not searched for");
        assert_eq!(listed(&world).await, [short]);
        let cleared = secrets::clear(app, admin, server, "API_KEY").await.expect("cleared");
        assert_eq!((cleared.has_value, cleared.is_short), (false, false));
        secrets::delete(app, admin, server, "API_KEY").await.expect("deleted");
        assert_eq!(listed(&world).await, []);

        let rows = audit::list(app, &Filter::default(), ALL).await.expect("read").items;
        let of_secrets: Vec<_> =
            rows.iter().rev().filter(|row| row.subject_kind == "secret").collect();
        let actions: Vec<_> = of_secrets.iter().map(|row| row.action.as_str()).collect();
        let expected =
            ["secret.created", "secret.set", "secret.set", "secret.cleared", "secret.deleted"];
        assert_eq!(actions, expected);
        for row in &of_secrets {
            assert_eq!(row.subject, "API_KEY");
            let told = format!("{row:?}");
            assert!(told.contains("weather"), "{told}");
            assert!(!told.contains("hunter2") && !told.contains("12345"), "{told}");
        }
        assert_eq!((&*of_secrets[0].actor, &*of_secrets[1].actor), ("claude", "grace"));
    });
}

#[test]
fn what_cannot_be_is_refused_with_what_to_do() {
    on_both(async |world| {
        let (app, admin, server) = (&world.app, &world.admin, world.servers[0]);
        let create = async |server: Uuid, key: &str, description: &str| {
            secrets::create(app, &model(), server, key, description).await
        };
        create(server, "TAKEN", "").await.expect("created");
        let taken = create(server, "TAKEN", "").await.expect_err("twice");
        assert!(matches!(taken, Error::Conflict(_)), "{taken}");
        create(world.servers[1], "TAKEN", "").await.expect("another server's");
        for (key, description) in
            [("lower", ""), ("A\0B", ""), ("A", "x\0"), ("A", &*"x".repeat(2001))]
        {
            let refused = create(server, key, description).await.expect_err("refused");
            assert!(matches!(refused, Error::Invalid { .. }), "{refused}");
        }
        let nowhere = create(Uuid::now_v7(), "A", "").await.expect_err("no server");
        assert!(matches!(nowhere, Error::NotFound { what: "Server", .. }), "{nowhere}");

        let set = async |server: Uuid, key: &str, value: &str| {
            secrets::set(app, admin, server, key, value.into()).await
        };
        for value in ["", "with\0nul", &*"x".repeat(10_001)] {
            let refused = set(server, "TAKEN", value).await.expect_err("refused");
            assert!(matches!(refused, Error::Invalid { field: "value", .. }), "{refused}");
        }
        create(server, "MINE", "").await.expect("created");
        for (server, key) in
            [(world.servers[1], "MINE"), (server, "mine"), (server, "MI\0NE"), (server, "")]
        {
            let refused = set(server, key, "hunter2").await.expect_err("refused");
            assert!(matches!(refused, Error::NotFound { what: "Secret", .. }), "{refused}");
            assert!(secrets::clear(app, admin, server, key).await.is_err(), "{key}");
            assert!(secrets::delete(app, admin, server, key).await.is_err(), "{key}");
        }
        set(server, "MINE", &"€".repeat(10_000)).await.expect("the longest value");
        assert!(listed(&world).await.iter().any(|one| one.key == "TAKEN" && !one.has_value));
    });
}

#[test]
fn of_many_that_make_the_same_one_succeeds() {
    on_both(async |world| {
        let creating = (0..8).map(|_| {
            let (app, server) = (world.app.clone(), world.servers[0]);
            tokio::spawn(async move { secrets::create(&app, &model(), server, "ONE", "").await })
        });
        let mut made = 0;
        for created in creating.collect::<Vec<_>>() {
            match created.await.expect("it ends well") {
                Ok(_) => made += 1,
                Err(error) => {
                    assert!(matches!(error, Error::Conflict(_) | Error::Busy { .. }), "{error}");
                }
            }
        }
        assert_eq!((made, listed(&world).await.len()), (1, 1));
    });
}

//! Lists of sources that are moved, and imports that meet.

use app::external_sources::{self, Choice};
use app::{Error, identity::Who};

use super::place::Place;
use super::server::{Server, tool};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_place_lists_is_forgotten_when_the_source_leaves_it_and_not_kept_when_it_comes_late()
{
    let place = Place::new().await;
    let (old, new) = (Server::start(&[tool("old")]).await, Server::start(&[tool("new")]).await);
    let source = place.added(&old.wish("sums")).await;
    place.discover(source.id).await;
    let moves = async |server: &Server| {
        let wish = server.wish("sums");
        let moved = external_sources::update(&place.app, &place.admin, source.id, &wish).await;
        moved.expect("it is moved");
    };
    let listed = async || {
        let found = external_sources::discovered(&place.app, source.id).await?;
        Ok::<_, Error>(found.tools.into_iter().map(|tool| tool.name).collect::<Vec<_>>())
    };
    assert_eq!(listed().await.expect("kept"), ["old"]);
    old.keeps_lists(true);
    new.keeps_lists(true);
    let who: Who = place.admin.clone().into();
    let before = old.connections();
    let asking = external_sources::discover(&place.app, &who, source.id);
    let meanwhile = async {
        while old.connections() == before {
            tokio::task::yield_now().await;
        }
        moves(&new).await;
        assert!(matches!(listed().await, Err(Error::Conflict(_))), "of the old place");
        old.keeps_lists(false);
    };
    let (late, ()) = tokio::join!(asking, meanwhile);
    late.expect_err("it comes from elsewhere");
    assert!(listed().await.is_err());
    new.keeps_lists(false);
    place.discover(source.id).await;
    assert_eq!(listed().await.expect("kept"), ["new"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_imports_of_a_source_make_each_tool_once_and_say_nothing_wrong() {
    let place = Place::new().await;
    let tools: Vec<_> = (0..20).map(|number| tool(&format!("tool_{number}"))).collect();
    let server = Server::start(&tools).await;
    let source = place.added(&server.wish("sums")).await;
    place.discover(source.id).await;
    let who: Who = place.admin.clone().into();
    let import = || external_sources::import(&place.app, &who, source.id, Choice::All, true);
    let (one, other) = tokio::join!(import(), import());
    let (one, other) = (one.expect("imported"), other.expect("nothing is left"));
    assert_eq!(one.created.len() + other.created.len(), tools.len());
    assert!(one.skipped.is_empty() && other.skipped.is_empty());
}

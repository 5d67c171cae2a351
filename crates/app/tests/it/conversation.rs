//! What a tool says to the client that called it, and asks of it.

mod client;
mod place;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use app::calls::FailureKind;
use app::conversation::{Abilities, Level, LogEntry, Progress, QuestionKind, Silent};
use app::drafts::{self, Seen};
use app::identity::Who;
use app::settings::Asking;
use client::{ALL, Client, Reply, roots};
use place::{Place, VALUE, caller, line, logged, value};
use serde_json::{Map, Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_a_tool_says_and_asks_reaches_its_client() {
    let place = Place::new(Asking::default()).await;
    let said = json!({"role": "assistant", "content": {"type": "text", "text": "4"}, "model": "m"});
    let client = Client::new(&[
        ("elicit-1", Reply::Say(json!({"action": "accept", "content": {"name": "Ada"}}))),
        ("elicit-2", Reply::Say(json!({"action": "decline"}))),
        ("visit", Reply::Say(json!({"action": "cancel"}))),
        ("sample-1", Reply::Say(said)),
        ("roots-1", Reply::Say(json!({"roots": [{"uri": "file:///a"}]}))),
    ]);
    let body = "form = {'type': 'object', 'properties': {'name': {'type': 'string', 'default': 'x'}}}\n\
                ctx.progress(1, 2, 'one')\n\
                ctx.progress(2, 2)\n\
                ctx.log({'rows': 3}, level='warning', logger='reader')\n\
                first = await ctx.elicit('Who?', form)\n\
                second = await ctx.elicit('Who else?', form)\n\
                visit = await ctx.elicit_url('Pay', 'https://pay.example/', key='visit')\n\
                answer = await ctx.sample('2 + 2?')\n\
                roots = await ctx.list_roots()\n\
                return [first.content, second.action, visit.action, answer.text, roots[0].uri]";
    let (report, row) = place.run("all", body, &client).await;
    let expected = json!([{"name": "Ada"}, "decline", "cancel", "4", "file:///a"]);
    assert_eq!(value(&report), expected);
    assert!(report.succeeded() && row.success);
    let progress = |progress, message: Option<&str>| Progress {
        progress,
        total: Some(2.0),
        message: message.map(str::to_owned),
    };
    let told = client.progress.lock().expect("whole").clone();
    assert_eq!(told, [progress(1.0, Some("one")), progress(2.0, None)]);
    let entry = LogEntry {
        level: Level::Warning,
        logger: Some("reader".to_owned()),
        data: json!({"rows": 3}),
    };
    assert_eq!(*client.entries.lock().expect("whole"), [entry]);
    let asked = client.asked();
    let kinds: Vec<_> = asked.iter().map(|question| question.kind).collect();
    let elicit = QuestionKind::Elicit;
    assert_eq!(kinds, [elicit, elicit, elicit, QuestionKind::Sample, QuestionKind::Roots]);
    let form =
        json!({"type": "object", "properties": {"name": {"type": "string", "default": "x"}}});
    let expected = json!({"message": "Who?", "requestedSchema": form});
    assert_eq!(Value::Object(asked[0].params.clone()), expected);
    let expected = [
        line("elicit", "elicit-1", "accept"),
        line("elicit", "elicit-2", "decline"),
        line("elicit", "visit", "cancel"),
        line("sample", "sample-1", "answered"),
        line("roots", "roots-1", "answered"),
    ];
    assert_eq!(logged(&row), expected);
    let told = row.requests.to_string();
    assert!(!told.contains("Ada") && !told.contains("Who"), "no content: {told}");
    place.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_of_a_step_come_together_without_those_that_cannot_be_asked() {
    let place = Place::new(Asking::default()).await;
    let body = "answers = await asyncio.gather(ctx.list_roots(key='a'), ctx.sample('x', key='b'),\n    \
                ctx.list_roots(key='c'), return_exceptions=True)\n\
                again = await ctx.list_roots(key='a')\n\
                return [type(answer).__name__ for answer in answers]";
    place.tool("step", body).await;
    let said = Reply::Say(json!({"content": {"type": "text", "text": "y"}}));
    let replies = [("a", roots()), ("b", said), ("c", roots())];
    let count = |key: &str, together| (key.to_owned(), together);

    let client = Client::new(&replies);
    let (report, _) = place.call("step", &client).await;
    assert_eq!(value(&report), json!(["list", "Sample", "list"]));
    assert_eq!(client.keys(), [count("a", 3), count("b", 3), count("c", 3), count("a", 1)]);

    let client = Client::able(Abilities { sample: false, ..ALL }, &replies);
    let (report, row) = place.call("step", &client).await;
    assert_eq!(value(&report), json!(["list", "ClientCapabilityError", "list"]));
    assert_eq!(client.keys(), [count("a", 2), count("c", 2), count("a", 1)]);
    let expected = [
        line("roots", "a", "answered"),
        line("sample", "b", "unsupported"),
        line("roots", "c", "answered"),
        line("roots", "a", "answered"),
    ];
    assert_eq!(logged(&row), expected);
    place.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_client_lacks_ends_the_call_by_its_name_unless_it_is_caught() {
    let place = Place::new(Asking::default()).await;
    let bodies = [
        ("form", "elicitation", "ctx.elicit('x', {'type': 'object', 'properties': {}})"),
        ("url", "elicitation.url", "ctx.elicit_url('x', 'https://a.example/')"),
        ("model", "sampling", "ctx.sample('x')"),
        ("folders", "roots", "ctx.list_roots()"),
    ];
    let lacking = Client::able(Abilities::default(), &[]);
    for (name, capability, asked) in bodies {
        let (report, row) = place.run(name, &format!("return await {asked}"), &lacking).await;
        let failure = report.outcome.expect_err("nobody answers");
        assert_eq!(failure.kind, FailureKind::ClientCapability, "{}", failure.message);
        assert_eq!(failure.detail.expect("a detail")["capability"], capability);
        assert!(failure.message.contains("ctx.client."), "{}", failure.message);
        assert_eq!((row.success, row.error_kind.as_deref()), (false, Some("client_capability")));
        assert_eq!(logged(&row)[0].2, "unsupported");
        let caught = format!(
            "try:\n    await {asked}\nexcept mcpbox.ClientCapabilityError as error:\n    return error.capability"
        );
        let (report, _) = place.run(&format!("{name}_caught"), &caught, &lacking).await;
        assert_eq!(value(&report), json!(capability));
    }
    let together = "return await asyncio.gather(ctx.list_roots(), ctx.sample('x'), ctx.elicit_url('x', 'https://a.example/'))";
    for number in 0..10 {
        let (report, _) = place.run(&format!("together_{number}"), together, &lacking).await;
        let failure = report.outcome.expect_err("nobody answers");
        assert_eq!(failure.detail.expect("a detail")["capability"], "roots", "the first is told");
    }
    assert_eq!(lacking.asked(), [], "it is never asked");
    place.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_value_of_a_secret_reaches_no_client() {
    let place = Place::new(Asking::default()).await;
    let declined = Reply::Say(json!({"action": "decline"}));
    let client = Client::new(&[
        ("[secret API_KEY]", declined.clone()),
        ("elicit-1", declined),
        ("sample-1", Reply::Say(json!({"content": {"type": "text", "text": "y"}}))),
    ]);
    let body = "key = secrets['API_KEY']\n\
                form = {'type': 'object', 'properties': {key: {'type': 'string', 'default': key}}}\n\
                await ctx.elicit('Is it ' + key + '?', form, key=key)\n\
                await ctx.elicit_url('x', 'https://a.example/?k=' + key)\n\
                await ctx.sample(key, system_prompt=key, stop_sequences=[key])\n\
                ctx.progress(1, message='with ' + key)\n\
                ctx.log({'key': [key]}, logger=key)\n\
                return len(key)";
    let (report, row) = place.run("leaky", body, &client).await;
    assert_eq!(value(&report), json!(VALUE.len()), "the tool itself has it");
    let told = format!(
        "{:?} {:?} {:?} {}",
        client.asked(),
        client.progress.lock().expect("whole"),
        client.entries.lock().expect("whole"),
        row.requests
    );
    assert!(!told.contains("hunter2"), "{told}");
    assert_eq!(client.asked().len(), 3);
    let asked = &client.asked()[0];
    assert_eq!(asked.params["message"], "Is it [secret API_KEY]?");
    assert!(told.contains("with [secret API_KEY]"), "{told}");
    place.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_speaks_for_itself_is_held_to_the_same() {
    let place = Place::new(Asking { each: Duration::from_secs(5), ..Asking::default() }).await;
    let client = Client::new(&[("a", roots()), ("b", roots())]);
    let ask = "import json\n\
               from mcpbox_host import call\n\
               async def ask(**sent):\n    \
               return json.loads(await call('client.ask', json.dumps(sent).encode()))\n";
    let body = format!(
        "{ask}\
         good = await ask(key='a', kind='roots', params={{}}, together=1)\n\
         told = []\n\
         for sent in [\n    \
         dict(key='a', kind='roots', params={{'_meta': {{}}}}, together=1),\n    \
         dict(key='', kind='roots', params={{}}, together=1),\n    \
         dict(key='a', kind='tasks', params={{}}, together=1),\n    \
         dict(key='a', kind='elicit', params={{'message': 'x', 'mode': 'url', 'url': 'file:///'}}, together=1),\n    \
         dict(key='a', kind='roots', params={{}}, together='many'),\n    \
         dict(key='a', kind='sample', params={{'messages': 'x' * 3_000_000}}, together=1),\n]:\n    \
         told.append((await ask(**sent))['error']['kind'])\n\
         for data in [b'', b'[]', b'\\xff', b'{{' * 10_000]:\n    \
         told.append(json.loads(await call('client.ask', data))['error']['kind'])\n    \
         await call('client.progress', data)\n    \
         await call('client.log', data)\n\
         twice = await asyncio.gather(*(ask(key='b', kind='roots', params={{}}, together=2) for _ in 'xy'))\n\
         alone = await ask(key='a', kind='roots', params={{}}, together=9)\n\
         return [good, set(told), [sorted(one) for one in twice], alone]"
    );
    let (report, _) = place.run("hostile", &body, &client).await;
    let answer = json!({"answer": {"roots": []}});
    let twice = json!([["answer"], ["error"]]);
    assert_eq!(value(&report), json!([answer, ["invalid"], twice, answer]));
    let count = |key: &str| (key.to_owned(), 1);
    assert_eq!(client.keys(), [count("a"), count("b"), count("a")]);
    assert_eq!(*client.entries.lock().expect("whole"), []);
    place.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_that_is_an_error_is_kept_and_no_success() {
    let place = Place::new(Asking::default()).await;
    let client = Client::new(&[]);
    let body = "ctx.is_error = True\nreturn {'why': 'the shop is closed'}";
    let (report, row) = place.run("closed", body, &client).await;
    assert!(report.is_error && !report.succeeded());
    let result = json!({"why": "the shop is closed"});
    assert_eq!(value(&report), result);
    assert_eq!((row.success, row.error_kind.as_deref()), (false, Some("reported")));
    assert_eq!(row.result, Some(result));
    assert!(row.error.is_some_and(|error| error.contains("ctx.is_error")));
    let (report, row) = place.run("open", "ctx.is_error = False\nreturn 1", &client).await;
    assert!(!report.is_error && report.succeeded() && row.success);
    assert_eq!((row.error, row.error_kind), (None, None));
    place.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_talks_to_the_client_that_tests_it_and_from_a_page_to_nobody() {
    let place = Place::new(Asking::default()).await;
    let id = place.draft("draft", "ctx.info('x')\nreturn await ctx.list_roots()").await;
    let client = Client::new(&[("roots-1", roots())]);
    let (app, who) = (&place.app, Who::from(caller()));
    let with = Arc::<Client>::clone(&client);
    let report = drafts::test(app, &who, id, Map::new(), with).await.expect("it runs");
    assert_eq!(value(&report), json!([]));
    assert_eq!(client.entries.lock().expect("whole").len(), 1);
    let report = drafts::test(app, &who, id, Map::new(), Arc::new(Silent)).await.expect("it runs");
    assert_eq!(report.outcome.expect_err("nobody").kind, FailureKind::ClientCapability);
    let seen = Seen::default();
    let report = drafts::test_by_admin(app, &place.admin, id, Map::new(), seen).await;
    let failure = report.expect("it runs").outcome.expect_err("nobody");
    assert_eq!(failure.kind, FailureKind::ClientCapability);
    place.app.close().await;
}

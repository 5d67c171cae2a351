//! `http` and `import httpx` in tools: what they offer, and what they ask of the host.

mod examples;
mod host;

use std::sync::Arc;
use std::time::Duration;

use sandbox::{Failure, Limits, ModulePolicy, Run, Sandbox};
use serde_json::{Value, json};

use self::host::WebHost;
use crate::{GROUP, sandbox, tool};

/// A tool whose `main` consists of these lines.
fn asking(body: &str) -> Run {
    let lines: Vec<String> = body.lines().map(|line| format!("    {line}\n")).collect();
    tool(&format!("import asyncio, httpx, json\nasync def main():\n{}", lines.concat()))
}

async fn ask(sandbox: &Sandbox, host: &Arc<WebHost>, body: &str) -> Result<Value, Failure> {
    let outcome = sandbox.run(asking(body), Arc::<WebHost>::clone(host)).await;
    outcome.result.map(|text| serde_json::from_str(&text).expect("JSON"))
}

async fn answer(body: &str) -> Value {
    let host = Arc::new(WebHost::default());
    ask(&sandbox(1).await, &host, body)
        .await
        .unwrap_or_else(|failure| panic!("{body}: {failure:?}"))
}

async fn failure(body: &str) -> Failure {
    let host = Arc::new(WebHost::default());
    ask(&sandbox(1).await, &host, body).await.expect_err(body)
}

#[tokio::test]
async fn the_host_is_told_what_a_request_is() {
    let sandbox = sandbox(1).await;
    let host = Arc::new(WebHost::default());
    let body = "
await http.post('https://user:pass@a.example:443/p q?x=1#part', params={'k': 'ü'}, content=b'body', timeout=httpx.Timeout(9, read=3))
async with httpx.AsyncClient(base_url='http://b.example/v1') as client:
    await client.get('/items', headers={'X-Name': 'Jürgen'.encode(), 'User-Agent': 'me'}, timeout=None)
";
    ask(&sandbox, &host, body).await.expect("they are answered");
    let automatic = [["Accept", "*/*"], ["Accept-Encoding", "gzip, deflate, br, zstd"]];
    let seen = host.seen();
    assert_eq!(
        seen[0],
        json!({
            "method": "POST", "url": "https://a.example/p%20q?k=%C3%BC", "body": "body",
            "headers": [automatic[0], automatic[1], ["User-Agent", "mcpbox"], ["Authorization", "Basic dXNlcjpwYXNz"]],
            "timeout": { "connect": 9, "read": 3, "write": 9, "pool": 9 },
            "follow_redirects": false, "max_redirects": 0,
        })
    );
    assert_eq!(seen[1]["url"], "http://b.example/v1/items");
    let headers =
        json!([automatic[0], automatic[1], ["X-Name", "J\u{c3}\u{bc}rgen"], ["User-Agent", "me"]]);
    assert_eq!(seen[1]["headers"], headers);
    let never = json!({ "connect": null, "read": null, "write": null, "pool": null });
    assert_eq!(seen[1]["timeout"], never);
}

#[tokio::test]
async fn each_redirect_is_a_request_of_its_own_with_the_cookies_set_meanwhile() {
    let sandbox = sandbox(1).await;
    let host = Arc::new(WebHost::default());
    let body = "
response = await http.post('https://a.example/redirect?to=https%3A%2F%2Fb.example%2Fend', content='x', auth=('u', 'p'), follow_redirects=True)
again = await http.get('https://a.example/')
return [str(response.url), response.request.method, [str(one.status_code) for one in response.history], again.json()['headers'][-1]]
";
    let found = ask(&sandbox, &host, body).await.expect("it is followed");
    assert_eq!(found, json!(["https://b.example/end", "GET", ["302"], ["Cookie", "step=1"]]));
    let seen = host.seen();
    assert_eq!(seen.len(), 3);
    let names = |place: usize| {
        let headers = seen[place]["headers"].as_array().expect("a list").clone();
        headers.iter().map(|pair| pair[0].to_string()).collect::<Vec<_>>().join(" ")
    };
    assert!(names(0).contains("Authorization"), "{seen:?}");
    assert!(!names(1).contains("Authorization") && !names(1).contains("Cookie"), "{seen:?}");
    let second = host.seen().len();
    let again = ask(&sandbox, &host, "return (await http.get('https://a.example/')).json()").await;
    assert!(!again.expect("an answer").to_string().contains("Cookie"), "a call keeps nothing");
    assert_eq!(host.seen().len(), second + 1);
}

#[tokio::test]
async fn redirects_are_followed_only_when_asked_for_and_not_for_ever() {
    let sandbox = sandbox(1).await;
    let host = Arc::new(WebHost::default());
    let body = "
stay = await http.get('https://a.example/redirect?to=/end')
return [stay.status_code, stay.has_redirect_location, str(stay.next_request.url), (await http.send(stay.next_request)).status_code]
";
    let found = ask(&sandbox, &host, body).await.expect("it is answered");
    assert_eq!(found, json!([302, true, "https://a.example/end", 200]));
    assert_eq!(host.seen().len(), 2);
    let looping = "await http.get('https://a.example/loop', follow_redirects=True)";
    let failed = ask(&sandbox, &host, looping).await.expect_err("it ends");
    assert!(failed.message.starts_with("httpx.TooManyRedirects: more than 10"), "{failed:?}");
    assert_eq!(host.seen().len(), 2 + 11);
    let fewer = "await httpx.get('https://a.example/loop', follow_redirects=True, max_redirects=1)";
    assert!(ask(&sandbox, &host, fewer).await.is_err());
    assert_eq!(host.seen().len(), 2 + 11 + 2);
}

#[tokio::test]
async fn what_fails_has_the_class_of_its_kind_and_the_hosts_words() {
    for (kind, class, above) in [
        ("HostNotApproved", "HostNotApproved", "ConnectError"),
        ("AddressRefused", "AddressRefused", "ConnectError"),
        ("ConnectError", "ConnectError", "NetworkError"),
        ("ConnectTimeout", "ConnectTimeout", "TimeoutException"),
        ("PoolTimeout", "PoolTimeout", "TimeoutException"),
        ("ReadTimeout", "ReadTimeout", "TimeoutException"),
        ("WriteTimeout", "WriteTimeout", "TimeoutException"),
        ("ReadError", "ReadError", "NetworkError"),
        ("WriteError", "WriteError", "NetworkError"),
        ("ResponseTooLarge", "ResponseTooLarge", "ReadError"),
        ("RequestTooLarge", "RequestTooLarge", "LocalProtocolError"),
        ("LocalProtocolError", "LocalProtocolError", "ProtocolError"),
        ("RemoteProtocolError", "RemoteProtocolError", "ProtocolError"),
        ("UnsupportedProtocol", "UnsupportedProtocol", "TransportError"),
        ("DecodingError", "DecodingError", "RequestError"),
        ("TooManyRedirects", "TooManyRedirects", "RequestError"),
        ("ProxyError", "ProxyError", "TransportError"),
        ("InvalidURL", "InvalidURL", "Exception"),
        ("SomethingNew", "TransportError", "RequestError"),
    ] {
        let url = format!("https://a.example/error?kind={kind}&message=ask+a+person");
        let body = format!(
            "caught = httpx.{above} if hasattr(httpx, '{above}') else Exception\ntry:\n    await http.get('{url}')\nexcept caught as error:\n    url = error.request.url.host if isinstance(error, httpx.RequestError) else None\n    return [type(error).__name__, str(error), url]"
        );
        let place = if kind == "InvalidURL" { Value::Null } else { json!("a.example") };
        assert_eq!(answer(&body).await, json!([class, "ask a person", place]), "{kind}");
    }
    for (path, text) in
        [("refused", "ConnectError: the host refuses"), ("broken", "RemoteProtocolError: ")]
    {
        let failed = failure(&format!("await http.get('https://a.example/{path}')")).await;
        assert!(failed.message.contains(text), "{failed:?}");
    }
    let failed =
        failure("await http.get('https://a.example/error?kind=HostNotApproved&message=ask')").await;
    assert_eq!(failed.message, "httpx.HostNotApproved: ask (line 3, in main)");
}

#[tokio::test]
async fn an_error_status_tells_status_url_and_body_and_nothing_of_the_module() {
    let body = "response = await http.get('https://a.example/status?code=404&reason=Not+Found')\nresponse.raise_for_status()";
    let failed = failure(body).await;
    let text = "httpx.HTTPStatusError: Client error '404 Not Found' for url 'https://a.example/status?code=404&reason=Not+Found'";
    assert_eq!(failed.message, format!("{text} (line 4, in main)"));
    let detail = failed.detail.expect("a detail");
    let http = json!({ "status": 404, "url": "https://a.example/status?code=404&reason=Not+Found", "body": "no such thing" });
    assert_eq!(detail["http"], http, "{detail}");
    let traceback = detail["traceback"].to_string();
    assert!(!traceback.contains("httpx.") || !traceback.contains("File \\\"httpx"), "{traceback}");
    let body = "return (await http.get('https://a.example/status?code=204')).raise_for_status().is_success";
    assert_eq!(answer(body).await, json!(true));
}

#[tokio::test]
async fn requests_overlap_as_far_as_the_limits_allow_and_the_rest_waits() {
    for (client, requests, most) in [
        ("http", 300, 100),
        ("httpx.AsyncClient(limits=httpx.Limits(max_connections=7), timeout=20)", 30, 7),
        ("httpx.AsyncClient(limits=httpx.Limits(), timeout=20)", 400, 250),
    ] {
        let sandbox = sandbox(1).await;
        let host = Arc::new(WebHost::default());
        let body = format!(
            "client = {client}\nanswers = await asyncio.gather(*(client.get(f'https://a.example/together?of={most}&n={{n}}') for n in range({requests})))\nreturn [str(answer.url)[-3:] for answer in answers] == [f'={{n}}'[-3:] if n > 9 else f'n={{n}}' for n in range({requests})]"
        );
        let found = ask(&sandbox, &host, &body).await;
        assert_eq!(found.expect("all are answered"), json!(true), "{client}");
        assert_eq!(host.most(), most, "{client}");
    }
}

#[tokio::test]
async fn waiting_ends_by_cancellation_and_by_the_times_of_the_client() {
    let sandbox = sandbox(1).await;
    let host = Arc::new(WebHost::default());
    let body = "
said = []
try:
    await asyncio.wait_for(http.get('https://a.example/never'), 0.05)
except TimeoutError as error:
    said.append(type(error).__name__)
try:
    async with asyncio.timeout(0.05):
        await http.get('https://a.example/never')
except TimeoutError as error:
    said.append(type(error).__name__)
try:
    await http.get('https://a.example/never', timeout=0.02)
except httpx.TimeoutException as error:
    said.append(type(error).__name__)
async with httpx.AsyncClient(limits=httpx.Limits(max_connections=1), timeout=httpx.Timeout(20, pool=0.05)) as client:
    first = asyncio.create_task(client.get('https://a.example/never'))
    await asyncio.sleep(0)
    try:
        await client.get('https://a.example/')
    except httpx.PoolTimeout as error:
        said.append(type(error).__name__)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    said.append((await client.get('https://a.example/')).status_code)
return said
";
    let found = ask(&sandbox, &host, body).await.expect("it goes on");
    assert_eq!(found, json!(["TimeoutError", "TimeoutError", "ReadTimeout", "PoolTimeout", 200]));
    assert_eq!(host.given_up(), 4, "the host carries out nothing that nobody waits for");
}

#[tokio::test]
async fn a_call_that_ends_gives_its_requests_up() {
    let sandbox = sandbox(1).await;
    let host = Arc::new(WebHost::default());
    let limits = Limits { wall: Duration::from_millis(300), ..Limits::default() };
    let run = Run { limits, ..asking("await http.get('https://a.example/never')") };
    let outcome = sandbox.run(run, Arc::<WebHost>::clone(&host)).await;
    assert!(outcome.result.is_err());
    assert_eq!(host.given_up(), 1);
    let body = "asyncio.create_task(http.get('https://a.example/never'))\nawait asyncio.sleep(0)\nreturn 1";
    assert_eq!(ask(&sandbox, &host, body).await.expect("it returns"), json!(1));
    assert_eq!(host.given_up(), 2);
}

#[tokio::test]
async fn inspections_and_module_levels_reach_nothing() {
    let sandbox = sandbox(1).await;
    let source = "
import asyncio
try:
    ANSWER = asyncio.run(http.get('https://a.example/'))
except Exception as error:
    SAID = f'{type(error).__name__}: {error}'
async def main(said: str = SAID):
    return said
";
    let inspection = sandbox
        .inspect(source, &ModulePolicy::default(), None, GROUP)
        .await
        .expect("it is inspected");
    let schema = inspection.input_schema.expect("a schema").to_string();
    assert!(schema.contains("ConnectError: ") && schema.contains("is not available"), "{schema}");
}

#[tokio::test]
async fn what_cannot_work_in_a_tool_says_what_does() {
    for (body, text) in [
        (
            "return http.get('https://a.example/').json()",
            "`response = await ….get(…)`, then `response.json`",
        ),
        (
            "return httpx.get('https://a.example/').status_code",
            "`response = await ….get(…)`, then `response.status_code`",
        ),
        ("httpx.Client()", "async with httpx.AsyncClient() as client"),
        ("with httpx.AsyncClient() as client:\n    pass", "async with httpx.AsyncClient()"),
        ("httpx.AsyncClient(proxy='http://p:1')", "proxy= is not for tools"),
        ("httpx.AsyncClient(cert='x')", "cert= is not for tools"),
        ("await http.get('https://a.example/', verfy=1)", "unexpected keyword argument 'verfy'"),
        ("await http.get('/relative')", "httpx.UnsupportedProtocol"),
        ("await http.get('ftp://a.example/')", "httpx.UnsupportedProtocol"),
        ("await http.get('https://a.example:x/')", "httpx.InvalidURL: 'x' is not a port"),
        ("http.fetch", "http has no 'fetch'"),
        ("httpx.Proxy('http://p:1')", "has no attribute 'Proxy': the host opens the connections"),
        ("httpx.nothing", "module 'httpx' has no attribute 'nothing'"),
        ("httpx.NetRCAuth()", "secrets"),
        ("import http.client", "http"),
        (
            "async with httpx.AsyncClient() as client:\n    pass\nawait client.get('https://a.example/')",
            "the client was closed",
        ),
    ] {
        let failed = failure(body).await;
        assert!(failed.message.contains(text), "{body}: {}", failed.message);
    }
    let body = "
async with httpx.AsyncClient(verify=False, http2=True, trust_env=False) as client:
    return [(await client.get('https://a.example/')).status_code, (await httpx.get('https://a.example/', verify=False)).status_code]";
    assert_eq!(answer(body).await, json!([200, 200]));
}

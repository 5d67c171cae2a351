//! What the documentation of httpx shows, as far as it applies to tools: each with what it gives.

use std::sync::Arc;

use serde_json::{Value, json};

use super::ask;
use super::host::WebHost;
use crate::sandbox;

const ECHO: &str = "https://a.example/echo";

/// Lines of a tool, in which `ECHO` is a URL that answers with what it was asked, and the result.
#[expect(clippy::too_many_lines, reason = "a table")]
fn examples() -> Vec<(&'static str, Value)> {
    vec![
        (
            "r = await httpx.get(ECHO)\nreturn [repr(r), r.status_code, r.headers['content-type'], r.http_version, r.reason_phrase]",
            json!(["<Response [200 OK]>", 200, "application/json", "HTTP/2", "OK"]),
        ),
        (
            "return [(await getattr(http, name)(ECHO)).json()['method'] for name in 'get post put patch delete head options'.split()]",
            json!(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]),
        ),
        (
            "return [(await http.request('propfind', ECHO)).json()['method'], (await httpx.request('GET', ECHO)).json()['method']]",
            json!(["PROPFIND", "GET"]),
        ),
        (
            "r = await http.get(ECHO, params={'key1': 'value1', 'key2': ['value2', 'value3']})\nreturn str(r.url)",
            json!("https://a.example/echo?key1=value1&key2=value2&key2=value3"),
        ),
        (
            "r = await http.get(ECHO)\nreturn [type(r.content).__name__, r.text == r.content.decode(), r.encoding, r.num_bytes_downloaded == len(r.content)]",
            json!(["bytes", true, "utf-8", true]),
        ),
        (
            "r = await http.get('https://a.example/latin')\nfirst = [r.encoding, r.text, r.headers['X-Name']]\nr = await http.get('https://a.example/latin')\nr.encoding = 'cp437'\nreturn [*first, r.text]",
            json!(["iso-8859-1", "café", "Jürgen", "cafΘ"]),
        ),
        (
            "return (await http.get(ECHO, headers={'user-agent': 'my-app/0.0.1'})).json()['headers'][-1]",
            json!(["user-agent", "my-app/0.0.1"]),
        ),
        (
            "r = await http.post(ECHO, data={'key1': ['value1', 'value2'], 'b': 'ä c'})\nreturn [r.json()['body'], r.request.headers['content-type']]",
            json!(["key1=value1&key1=value2&b=%C3%A4+c", "application/x-www-form-urlencoded"]),
        ),
        (
            "r = await http.post(ECHO, json={'integer': 123, 'list': ['a', 'ü']})\nreturn [r.json()['body'], r.request.headers['content-type'], r.request.headers['content-length']]",
            json!(["{\"integer\":123,\"list\":[\"a\",\"ü\"]}", "application/json", "33"]),
        ),
        (
            "r = await http.post(ECHO, content=b'Hello', headers={'Content-Type': 'text/x'})\nreturn r.json()['body']",
            json!("Hello"),
        ),
        (
            "import io\nfiles = {'upload-file': ('report.xls', io.BytesIO(b'cells'), 'application/vnd.ms-excel')}\nr = await http.post(ECHO, data={'m': 'x'}, files=files, headers={'Content-Type': 'multipart/form-data; boundary=B'})\nreturn r.json()['body']",
            json!(
                "--B\r\nContent-Disposition: form-data; name=\"m\"\r\n\r\nx\r\n--B\r\nContent-Disposition: form-data; name=\"upload-file\"; filename=\"report.xls\"\r\nContent-Type: application/vnd.ms-excel\r\n\r\ncells\r\n--B--\r\n"
            ),
        ),
        (
            "r = await http.post(ECHO, files=[('images', ('foo.png', b'1', 'image/png')), ('images', ('bar.csv', b'2'))])\nreturn [r.json()['body'].count('name=\"images\"'), 'text/csv' in r.json()['body'], r.request.headers['content-type'][:30]]",
            json!([2, true, "multipart/form-data; boundary="]),
        ),
        (
            "async def parts():\n    yield b'a'\n    yield b'b'\nreturn (await http.post(ECHO, content=parts())).json()['body']",
            json!("ab"),
        ),
        (
            "return [(await http.post(ECHO, content=(part for part in [b'x', b'y']))).json()['body']]",
            json!(["xy"]),
        ),
        (
            "r = await http.get('https://a.example/status?code=404')\nreturn [r.status_code == httpx.codes.NOT_FOUND, r.reason_phrase, r.is_error, r.is_client_error, r.is_server_error, r.is_redirect]",
            json!([true, "Not Found", true, true, false, false]),
        ),
        (
            "try:\n    (await http.get('https://a.example/status?code=503')).raise_for_status()\nexcept httpx.HTTPStatusError as exc:\n    return [exc.response.status_code, str(exc.request.url), isinstance(exc, httpx.HTTPError), str(exc)]",
            json!([
                503,
                "https://a.example/status?code=503",
                true,
                "Server error '503 Service Unavailable' for url 'https://a.example/status?code=503'"
            ]),
        ),
        (
            "h = (await http.get(ECHO)).headers\nreturn [h['CONTENT-TYPE'], h.get('x-a'), h.get_list('X-A'), 'nope' in h, dict(h)['x-a']]",
            json!(["application/json", "1, 2", ["1", "2"], false, "1, 2"]),
        ),
        (
            "async with httpx.AsyncClient() as client, client.stream('GET', 'https://a.example/lines') as r:\n    try:\n        r.text\n    except httpx.ResponseNotRead:\n        return [line async for line in r.aiter_lines()]",
            json!(["one", "two", "thrée"]),
        ),
        (
            "async with httpx.stream('GET', 'https://a.example/lines') as r:\n    return [part async for part in r.aiter_text(4)]",
            json!(["one\r", "\ntwo", "\nthr", "ée"]),
        ),
        (
            "async with http.stream('GET', ECHO) as r:\n    if int(r.headers.get('Content-Length', 0)) < 100:\n        await r.aread()\n        return r.json()['method']",
            json!("GET"),
        ),
        (
            "async with http.stream('GET', 'https://a.example/lines') as r:\n    sizes = [len(part) async for part in r.aiter_bytes(chunk_size=4)]\n    return [sizes, r.num_bytes_downloaded, r.is_closed]",
            json!([[4, 4, 4, 3], 15, true]),
        ),
        (
            "r = await http.get('https://a.example/cookies')\nsent = (await http.get(ECHO, cookies={'c': '3'})).json()['headers'][-1]\nreturn [r.cookies['a'], sorted(http.cookies.keys()), sent[0], sorted(sent[1].split('; '))]",
            json!(["1", ["a", "b"], "Cookie", ["a=1", "b=2", "c=3"]]),
        ),
        (
            "cookies = httpx.Cookies()\ncookies.set('on', 'yes', domain='a.example')\ncookies.set('off', 'no', domain='b.example')\nasync with httpx.AsyncClient(cookies=cookies) as client:\n    return (await client.get(ECHO)).json()['headers'][-1]",
            json!(["Cookie", "on=yes"]),
        ),
        (
            "r = await http.get('https://a.example/redirect?to=/end')\nreturn [r.status_code, r.history, str(r.next_request.url)]",
            json!([302, [], "https://a.example/end"]),
        ),
        (
            "r = await http.get('https://a.example/redirect?to=/end', follow_redirects=True)\nreturn [str(r.url), r.history[0].status_code, r.history[0].headers['location'], r.history[0].text]",
            json!(["https://a.example/end", 302, "/end", "moved"]),
        ),
        (
            "return [(await http.get(ECHO, auth=('user', 'secret'))).json()['headers'][-1], (await http.get(ECHO, auth=httpx.BasicAuth('u', 'p'))).json()['headers'][-1]]",
            json!([["Authorization", "Basic dXNlcjpzZWNyZXQ="], ["Authorization", "Basic dTpw"]]),
        ),
        (
            "auth = httpx.DigestAuth('Mufasa', 'Circle of Life')\nr = await http.get('https://a.example/digest', auth=auth)\nagain = await http.get('https://a.example/digest', auth=auth)\nreturn [r.status_code, r.text[:24], 'nc=00000001' in r.text, len(r.history), 'nc=00000002' in again.text, len(again.history)]",
            json!([200, "Digest username=\"Mufasa\"", true, 1, true, 0]),
        ),
        (
            "class Signed(httpx.Auth):\n    requires_response_body = True\n    def auth_flow(self, request):\n        response = yield request\n        if 'X-Token' not in request.headers:\n            request.headers['X-Token'] = str(len(response.content) > 1)\n            yield request\nreturn (await http.get(ECHO, auth=Signed())).json()['headers'][-1]",
            json!(["X-Token", "True"]),
        ),
        (
            "def sign(request):\n    request.headers['X-Sign'] = request.method\n    return request\nreturn (await http.get(ECHO, auth=sign)).json()['headers'][-1]",
            json!(["X-Sign", "GET"]),
        ),
        (
            "async with httpx.AsyncClient(headers={'X-Auth': 'from-client'}, params={'client_id': 'c1'}) as client:\n    r = await client.get(ECHO, headers={'X-Custom': 'from-request'}, params={'q': '1'})\n    return [str(r.url), r.json()['headers'][-2:]]",
            json!([
                "https://a.example/echo?client_id=c1&q=1",
                [["X-Auth", "from-client"], ["X-Custom", "from-request"]]
            ]),
        ),
        (
            "async with httpx.AsyncClient(base_url='https://api.example/v2') as client:\n    return [str((await client.get(path)).url) for path in ('items', '/items', 'https://b.example/x')]",
            json!([
                "https://api.example/v2/items",
                "https://api.example/v2/items",
                "https://b.example/x"
            ]),
        ),
        (
            "request = httpx.Request('GET', ECHO, headers={'X-A': 'b'})\nasync with httpx.AsyncClient() as client:\n    built = client.build_request('POST', ECHO, json=1)\n    return [(await client.send(request)).json()['headers'], (await client.send(built)).json()['body']]",
            json!([[["X-A", "b"]], "1"]),
        ),
        (
            "seen = []\nasync def log_request(request):\n    seen.append(f'{request.method} {request.url.path}')\nasync def log_response(response):\n    await response.aread()\n    seen.append(response.status_code)\nasync with httpx.AsyncClient(event_hooks={'request': [log_request], 'response': [log_response]}) as client:\n    await client.get(ECHO)\nreturn seen",
            json!(["GET /echo", 200]),
        ),
        (
            "def handler(request):\n    return httpx.Response(200, json={'text': request.url.path})\nasync with httpx.AsyncClient(transport=httpx.MockTransport(handler)) as client:\n    return (await client.get('http://any.example/x')).json()",
            json!({"text": "/x"}),
        ),
        (
            "transport = httpx.AsyncHTTPTransport(retries=2)\nasync with httpx.AsyncClient(transport=transport) as client:\n    try:\n        await client.get('https://a.example/error?kind=ConnectError')\n    except httpx.ConnectError:\n        return (await client.get(ECHO)).status_code",
            json!(200),
        ),
        (
            "class Hello(httpx.AsyncBaseTransport):\n    async def handle_async_request(self, request):\n        return httpx.Response(200, text='hello', headers={'X': 'y'})\nasync with httpx.AsyncClient(transport=Hello()) as client:\n    return (await client.get(ECHO)).text",
            json!("hello"),
        ),
        (
            "r = await http.get('https://a.example/links')\nreturn r.links['next']['url']",
            json!("https://api.example/?page=2"),
        ),
        (
            "r = await http.get(ECHO)\nreturn [r.elapsed.total_seconds(), r.is_closed, r.is_stream_consumed, str(r.request.url)]",
            json!([0.25, true, true, ECHO]),
        ),
        (
            "u = httpx.URL('https://jo%40email.com:a%20secret@müller.de:1234/pa%20th?search=ab#anchorlink')\nreturn [u.scheme, u.username, u.password, u.host, u.raw_host.decode(), u.port, u.path, u.query.decode(), u.fragment, repr(u)]",
            json!([
                "https",
                "jo@email.com",
                "a secret",
                "müller.de",
                "xn--mller-kva.de",
                1234,
                "/pa th",
                "search=ab",
                "anchorlink",
                "URL('https://jo%40email.com:[secure]@xn--mller-kva.de:1234/pa%20th?search=ab#anchorlink')"
            ]),
        ),
        (
            "q = httpx.QueryParams('a=123&b=456&a=789')\nreturn [str(q.set('a', 'x')), q['a'], q.get_list('a'), str(q.merge({'c': True})), str(httpx.URL('https://a.example/p').join('../q').copy_merge_params({'z': 1}))]",
            json!([
                "a=x&b=456",
                "123",
                ["123", "789"],
                "a=123&a=789&b=456&c=true",
                "https://a.example/q?z=1"
            ]),
        ),
        (
            "timeout = httpx.Timeout(10.0, connect=60.0)\nasync with httpx.AsyncClient(timeout=timeout) as client:\n    return [(await client.get(ECHO)).json()['timeout'], (await client.get(ECHO, timeout=1)).json()['timeout']['read'], (await httpx.get(ECHO)).json()['timeout']['read'], (await http.get(ECHO)).json()['timeout']['read']]",
            json!([{"connect": 60.0, "read": 10.0, "write": 10.0, "pool": 10.0}, 1, 5.0, 30.0]),
        ),
        (
            "async with asyncio.TaskGroup() as group:\n    tasks = [group.create_task(http.get(f'{ECHO}?n={n}')) for n in range(3)]\nreturn [task.result().url.params['n'] for task in tasks]",
            json!(["0", "1", "2"]),
        ),
        (
            "async with http.AsyncClient() as client:\n    r = await client.get(ECHO)\nreturn [r.status_code, http.codes.OK == 200, http.HTTPStatusError is httpx.HTTPStatusError]",
            json!([200, true, true]),
        ),
        (
            "from httpx import AsyncClient, HTTPError\nimport httpx as h\nreturn [AsyncClient is h.AsyncClient, issubclass(h.ConnectTimeout, HTTPError), h.get is httpx.get]",
            json!([true, true, true]),
        ),
        (
            "r = await http.get('https://a.example/lines')\ntry:\n    r.json()\nexcept json.JSONDecodeError as error:\n    return error.pos",
            json!(0),
        ),
        (
            "r = await http.post(ECHO, files={'upload-file': (None, 'text content', 'text/plain')}, headers={'Content-Type': 'multipart/form-data; boundary=B'})\nreturn r.json()['body']",
            json!(
                "--B\r\nContent-Disposition: form-data; name=\"upload-file\"\r\nContent-Type: text/plain\r\n\r\ntext content\r\n--B--\r\n"
            ),
        ),
        (
            "r = await http.get(ECHO, params=[('a', 1), ('a', True), ('b', None)])\nreturn [str(r.url), r.url.params.get_list('a'), (await http.get(ECHO + '?kept=1', params={})).url.query.decode()]",
            json!(["https://a.example/echo?a=1&a=true&b=", ["1", "true"], ""]),
        ),
        (
            "async with httpx.AsyncClient() as client:\n    r = await client.send(client.build_request('GET', 'https://a.example/lines'), stream=True)\n    before = [r.is_closed, r.is_stream_consumed]\n    parts = [part async for part in r.aiter_raw()]\n    try:\n        await r.aread()\n    except httpx.StreamConsumed:\n        return [before, b''.join(parts).decode(), r.is_closed]",
            json!([[false, false], "one\r\ntwo\nthr\u{e9}e", true]),
        ),
        (
            "def guess(body):\n    return 'latin-1' if b'\\xc3' in body else 'utf-8'\nfound = []\nfor encoding in ('utf-16-le', guess):\n    async with httpx.AsyncClient(default_encoding=encoding) as client:\n        found.append((await client.get('https://a.example/lines')).encoding)\nreturn found",
            json!(["utf-16-le", "latin-1"]),
        ),
        (
            "import hashlib\nclass Hashed(httpx.Auth):\n    requires_request_body = True\n    def auth_flow(self, request):\n        request.headers['X-Hash'] = hashlib.sha256(request.content).hexdigest()[:8]\n        yield request\nasync def parts():\n    yield b'abc'\nr = await http.post(ECHO, content=parts(), auth=Hashed())\nreturn [r.json()['headers'][-1], r.json()['body']]",
            json!([["X-Hash", "ba7816bf"], "abc"]),
        ),
        (
            "class Refreshing(httpx.Auth):\n    def __init__(self):\n        self.lock = asyncio.Lock()\n    async def async_auth_flow(self, request):\n        async with self.lock:\n            token = await http.post(ECHO, content='token')\n        request.headers['X-Token'] = token.json()['body']\n        yield request\nreturn (await http.get(ECHO, auth=Refreshing())).json()['headers'][-1]",
            json!(["X-Token", "token"]),
        ),
        (
            "async with httpx.AsyncClient(auth=('u', 'p')) as client:\n    first = await client.get(ECHO)\n    none = await client.get(ECHO, auth=None)\n    default = await client.get(ECHO, auth=httpx.USE_CLIENT_DEFAULT)\nreturn ['authorization' in r.request.headers for r in (first, none, default)]",
            json!([true, false, true]),
        ),
        (
            "async def check(response):\n    await response.aread()\n    response.raise_for_status()\nasync with httpx.AsyncClient(event_hooks={'response': [check]}) as client:\n    await client.get(ECHO)\n    client.event_hooks['response'].append(check)\n    try:\n        await client.get('https://a.example/status?code=400')\n    except httpx.HTTPStatusError as error:\n        return [error.response.status_code, error.response.text]",
            json!([400, "no such thing"]),
        ),
        (
            "r = await http.get(ECHO, extensions={'timeout': {'connect': 2, 'read': 3}})\nplain = await http.send(httpx.Request('GET', ECHO))\nreturn [r.json()['timeout'], plain.json()['timeout']['read']]",
            json!([{"connect": 2, "read": 3, "write": null, "pool": null}, 30.0]),
        ),
        (
            "r = await http.get('https://a.example/redirect?status=307&to=/redirect%3Fto%3D/end', follow_redirects=True)\nreturn [[one.status_code for one in r.history], [len(one.history) for one in r.history], r.url.path]",
            json!([[307, 302], [0, 1], "/end"]),
        ),
        (
            "async with httpx.AsyncClient() as client:\n    client.headers['X-All'] = '1'\n    client.headers.update({'X-More': '2'})\n    client.cookies.set('a', '1')\n    client.params = {'p': 1}\n    client.base_url = 'https://a.example/'\n    sent = (await client.get('echo')).json()\nreturn [sent['url'], sent['headers'][-3:], client.is_closed]",
            json!([
                "https://a.example/echo?p=1",
                [["X-All", "1"], ["X-More", "2"], ["Cookie", "a=1"]],
                true
            ]),
        ),
        (
            "async with httpx.AsyncClient(limits=httpx.Limits(max_keepalive_connections=5, max_connections=2)) as client:\n    return [r.status_code for r in await asyncio.gather(*[client.get(ECHO) for _ in range(5)])]",
            json!([200, 200, 200, 200, 200]),
        ),
    ]
}

#[tokio::test]
async fn the_examples_of_the_documentation_give_what_they_say() {
    let mut wrong = Vec::new();
    for (body, expected) in examples() {
        let host = Arc::new(WebHost::default());
        let body = format!("ECHO = '{ECHO}'\n{body}");
        let found = ask(&sandbox(1).await, &host, &body).await;
        if !found.as_ref().is_ok_and(|found| *found == expected) {
            wrong.push(format!("{body}\n  gives {found:?}\n  and not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

//! What a source can ask of its caller, and that an address for the caller's user is no host of the tool.

use sandbox::{Asking, Inspection, ModulePolicy, Sandbox};

use crate::{GROUP, main_of, sandbox};

async fn inspect(sandbox: &Sandbox, source: &str) -> Inspection {
    let found = sandbox.inspect(source, &ModulePolicy::default(), None, GROUP).await;
    let found = found.expect("it can be inspected");
    assert!(found.valid, "{source}: {found:?}");
    found
}

#[tokio::test]
async fn what_is_asked_of_the_caller_is_noted_with_its_lines() {
    let sandbox = sandbox(1).await;
    for (body, asked) in [
        ("return await ctx.elicit('x', {})", vec![Asking::Form]),
        ("return await ctx.elicit_url('x', 'https://a.example')", vec![Asking::Address]),
        ("ask = ctx.sample\nreturn await ask('x')", vec![Asking::Model]),
        ("return await ctx.list_roots()", vec![Asking::Roots]),
        ("def inner(): return ctx.sample('x')\nreturn await inner()", vec![Asking::Model]),
        (
            "return await asyncio.gather(ctx.list_roots(), ctx.elicit('x', {}))",
            vec![Asking::Form, Asking::Roots],
        ),
        ("return await helper(ctx)", vec![Asking::Unknown]),
        ("return await getattr(ctx, 'sam' + 'ple')('x')", vec![Asking::Unknown]),
        ("return await ctx._ask('sample', {}, None, list)", vec![Asking::Unknown]),
        (
            "async def ask(ctx=ctx): return ctx.sample('x')\nreturn await ask()",
            vec![Asking::Unknown],
        ),
        ("[0 for ctx in []]\nreturn await ctx.sample('x')", vec![Asking::Model]),
        ("ctx.log('x'); ctx.info(1); ctx.progress(1)\nctx.is_error = ctx.client.sample", vec![]),
        ("import random\nreturn random.sample([1], 1)", vec![]),
        ("import decimal\nctx = decimal.Context()\nreturn ctx.sample", vec![]),
    ] {
        let found = inspect(&sandbox, &main_of(body)).await;
        assert_eq!(Asking::among(&found.notes), asked, "{body}: {:?}", found.notes);
    }
    let source = "async def main(q, ctx):\n    return await ctx.sample(q)\n";
    assert_eq!(Asking::among(&inspect(&sandbox, source).await.notes), []);
    let source = "async def main(q):\n    await ctx.sample(q)\n    return await ctx.sample(q)\n";
    assert_eq!(
        inspect(&sandbox, source).await.notes,
        ["lines 2, 3: it can use the caller's model"]
    );
}

#[tokio::test]
async fn an_address_for_the_user_is_no_host_of_the_tool() {
    let sandbox = sandbox(1).await;
    let nothing: &[&str] = &[];
    let a = &["a.example"][..];
    for (body, hosts) in [
        ("await ctx.elicit_url('x', 'https://a.example/x')", nothing),
        ("await ctx.elicit_url('x', url='https://a.example/x')", nothing),
        ("await ctx.elicit_url('x', f'https://a.example/{1}', key='k')", nothing),
        ("await ctx.elicit_url('x', 'https://a.example/' + '1')", nothing),
        ("await ctx.elicit_url('x', 'https://{}/'.format('a'))", nothing),
        ("host = 'a'\nawait ctx.elicit_url('x', f'https://{host}/')", nothing),
        ("url = f'https://a.example/{1}'\nawait ctx.elicit_url('x', url)", nothing),
        ("url = 'https://a.example/'\nawait ctx.elicit_url('x', url)\nawait http.get(url)", a),
        (
            "await ctx.elicit_url('x', 'https://b.example/')\nawait http.get('https://a.example/')",
            a,
        ),
        ("await ctx.elicit_url('x', (await http.get('https://a.example/')).text)", a),
        ("await ctx.elicit_url('https://a.example/', 'https://b.example/')", a),
        ("await ctx.sample('https://a.example/', 'https://a.example/')", a),
    ] {
        let found = inspect(&sandbox, &main_of(body)).await;
        assert_eq!(found.capabilities.hosts, hosts, "{body}");
        let computed = found.notes.iter().any(|note| note.contains("is computed"));
        assert!(!computed, "{body}: {:?}", found.notes);
    }
    let hidden = main_of("await ctx.elicit_url('x', eval('1'))");
    let notes = inspect(&sandbox, &hidden).await.notes;
    assert!(notes.iter().any(|note| note.contains("`eval`")), "{notes:?}");
}

#[tokio::test]
async fn a_parameter_that_hides_the_client_is_noted() {
    let sandbox = sandbox(1).await;
    let source = "async def main(\n    city: str,\n    ctx: object = None,\n): ...\n";
    let notes = inspect(&sandbox, source).await.notes;
    let told = "line 3: the parameter `ctx` of `main` is an argument that clients give";
    assert!(notes.iter().any(|note| note.starts_with(told)), "{notes:?}");
    let found = inspect(&sandbox, "async def main(city):\n    ctx.log(city)\n").await;
    assert!(found.notes.is_empty(), "{:?}", found.notes);
}

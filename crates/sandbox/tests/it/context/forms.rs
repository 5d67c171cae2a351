//! Forms: a schema as it is given, or made of a type.

use std::sync::Arc;

use sandbox::Abilities;
use serde_json::{Value, json};

use super::{Client, returned};
use crate::{sandbox, tool};

fn accepted(content: &Value) -> Value {
    json!({"answer": {"action": "accept", "content": content}})
}

#[tokio::test]
async fn a_form_is_asked_for_as_it_is_given() {
    let sandbox = sandbox(1).await;
    let answer = json!({"name": "Ada", "age": 36});
    let client = Client::answering(&[
        ("elicit-1", accepted(&answer)),
        ("elicit-2", json!({"answer": {"action": "decline"}})),
        ("again", json!({"answer": {"action": "cancel", "content": null}})),
    ]);
    let client = Arc::new(client);
    let schema = "{'type': 'object', 'properties': {'name': {'type': 'string', 'oneOf': \
                  [{'const': 'a', 'title': 'A'}], 'default': 'a'}, 'age': {'type': 'integer'}}, \
                  'required': ['name']}";
    let body = format!(
        "schema = {schema}\n\
         first = await ctx.elicit('Who?', schema)\n\
         second = await ctx.elicit('Sure?', schema)\n\
         third = await ctx.elicit('Again?', schema, key='again')\n\
         return [[one.action, one.content] for one in (first, second, third)]"
    );
    let expected = json!([["accept", answer], ["decline", null], ["cancel", null]]);
    assert_eq!(returned(&sandbox, &body, &client).await, expected);
    let asked = client.of(Abilities::ASK);
    let schema = json!({
        "type": "object",
        "properties": {
            "name": {"type": "string", "oneOf": [{"const": "a", "title": "A"}], "default": "a"},
            "age": {"type": "integer"},
        },
        "required": ["name"],
    });
    let params = json!({"message": "Who?", "requestedSchema": schema});
    let expected = json!({"key": "elicit-1", "kind": "elicit", "params": params, "together": 1});
    assert_eq!(asked[0], expected);
}

#[tokio::test]
async fn an_answer_that_is_none_is_an_error_that_says_so() {
    let sandbox = sandbox(1).await;
    let body = "import mcpbox\n\
                form = {'type': 'object', 'properties': {}}\n\
                try:\n    answer = await ctx.elicit('Who?', form, key='form')\n\
                except mcpbox.ClientRefusedError as error:\n    return str(error)\n\
                return [answer.action, answer.content]";
    let answered = async |answer: Value| {
        let client = Arc::new(Client::answering(&[("form", json!({ "answer": answer }))]));
        returned(&sandbox, body, &client).await
    };
    for (answer, part) in [
        (json!({}), "lacks 'action'"),
        (json!({"action": "accepted", "content": {}}), "'accepted', not accept"),
        (json!({"action": null}), "None, not accept"),
        (json!({"action": ["accept"]}), "['accept'], not accept"),
        (json!({"action": "accept", "content": "Ada"}), "'Ada', not an object"),
        (json!({"action": "accept", "content": []}), "[], not an object"),
        (json!("accept"), "'accept', not an object"),
        (json!([]), "[], not an object"),
    ] {
        let told = answered(answer.clone()).await;
        let told = told.as_str().unwrap_or_else(|| panic!("taken: {answer}: {told}"));
        assert!(told.contains("cannot be read") && told.contains(part), "{answer}: {told}");
    }
    assert_eq!(answered(json!({"action": "accept"})).await, json!(["accept", null]));
    let more = json!({"action": "accept", "content": {"a": 1}, "_meta": {}});
    assert_eq!(answered(more).await, json!(["accept", {"a": 1}]));
}

#[tokio::test]
async fn a_form_is_made_of_a_type() {
    let sandbox = sandbox(1).await;
    let source = "from dataclasses import dataclass\n\
                  from typing import Annotated, Literal, NotRequired, TypedDict\n\
                  @dataclass\nclass Trip:\n    \"\"\"Where to.\"\"\"\n    place: str\n    \
                  days: int = 3\n    kind: Literal['sea', 'land'] = 'sea'\n    note: str | None = None\n\
                  class Sure(TypedDict):\n    sure: bool\n    why: NotRequired[str]\n\
                  @dataclass\nclass Deep:\n    trip: Trip\n\
                  async def main():\n    \
                  await ctx.elicit('Where?', Trip)\n    await ctx.elicit('Sure?', Sure)\n    \
                  await ctx.elicit('Deep?', Deep)\n";
    let answer = json!({"answer": {"action": "cancel"}});
    let client = Arc::new(Client::answering(&[("elicit-1", answer.clone()), ("elicit-2", answer)]));
    let outcome = sandbox.run(tool(source), Arc::<Client>::clone(&client)).await;
    let failure = outcome.result.expect_err("a type in a type is no form");
    assert!(failure.message.contains("'trip'"), "{}", failure.message);
    let asked = client.of(Abilities::ASK);
    let trip = &asked[0]["params"]["requestedSchema"];
    assert_eq!(trip["type"], "object");
    assert_eq!(trip["required"], json!(["place"]));
    let properties = &trip["properties"];
    assert_eq!(properties["place"]["type"], "string");
    assert_eq!(properties["days"]["type"], "integer");
    assert_eq!(properties["days"]["default"], 3);
    assert_eq!(properties["kind"]["enum"], json!(["sea", "land"]));
    assert_eq!(properties["kind"]["type"], "string");
    assert_eq!(properties["note"]["type"], "string");
    let sure = &asked[1]["params"]["requestedSchema"];
    assert_eq!(sure["required"], json!(["sure"]));
    assert_eq!(sure["properties"]["sure"]["type"], "boolean");
}

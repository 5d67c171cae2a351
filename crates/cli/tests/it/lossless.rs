//! A schema that an author gave, as clients of both eras get it: compared as text, for a reader of JSON hides what was lost.

use serde_json::{Value, json};

use crate::exchange::ask;
use crate::wire::Session;
use crate::world::World;

/// Neither its keys nor its numbers are as anybody would write them who made it anew.
const SCHEMA: &str = concat!(
    r#"{"required":["zeta","alpha"],"$schema":"https://json-schema.org/draft/2020-12/schema","#,
    r#""properties":{"zeta":{"maximum":340282366920938463463374607431768211456,"type":"integer","#,
    r#""minimum":-9007199254740993},"alpha":{"type":"number","multipleOf":0.10,"maximum":1E3,"#,
    r#""default":1.000000000000000000000001},"beta":{"$ref":"\u0023there"}},"#,
    r#""then":{"required":["beta"]},"if":{"properties":{"zeta":{"const":18446744073709551617}}},"#,
    r#""$defs":{"There":{"$anchor":"there","enum":["b","a"]}},"type":"object","x-own":[1.0,1,null]}"#
);

#[test]
fn a_given_schema_is_listed_letter_by_letter() {
    let World { program, model, api, .. } = &mut World::new();
    let server = model.ok("mcpbox_create_server", &json!({"name": "given"}));
    // Escapes and exponents may be written in another way.
    let schema = SCHEMA.replace("\\u0023", "#").replace("1E3", "1e+3");
    let given: Value = serde_json::from_str(SCHEMA).expect("JSON");
    assert_eq!(given.to_string(), schema, "the test itself loses nothing");
    let new = json!({
        "name": "open", "python_code": "async def main(**values):\n    return values\n",
        "input_schema": given,
    });
    let path = format!("/api/servers/{}/tools", server["id"].as_str().expect("an id"));
    let tool = api.ok("POST", &path, &new)["id"].clone();
    model.ok("mcpbox_request_publish", &json!({"tool_id": tool}));
    api.approve(tool.as_str().expect("an id"));

    let session = Session::open(&program.mcp, &json!({}), None);
    let listed = format!(r#""inputSchema":{schema}"#);
    for answer in
        [ask(&program.mcp, "tools/list", &json!({}), &[]), session.ask("tools/list", &json!({}))]
    {
        assert!(answer.body.contains(r#""name":"given__open""#), "{answer:?}");
        assert!(answer.body.contains(&listed), "{schema} in {answer:?}");
    }
}

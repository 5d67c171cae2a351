//! Schemas that authors give.

use app::tools::{self, Changes, Kind, New};
use serde_json::{Value, json};

use super::{field, model, on_both, value};

#[test]
fn a_given_schema_is_kept_as_it_is_and_checked_at_the_call() {
    on_both(async |world| {
        let text = r##"{"type":"object","title":"Z","properties":{"b":{"$ref":"#n"},"a":{"enum":["x"]}},
            "$defs":{"N":{"$anchor":"n","type":"integer","maximum":123456789012345678901234567890}},
            "if":{"required":["a"]},"then":{"required":["b"]},"additionalProperties":false}"##;
        let schema: Value = serde_json::from_str(text).expect("JSON");
        let code = "async def main(b=0):\n    return [b, arguments.get('a')]\n";
        let new = world.written("count", Kind::Tool, None, code);
        let revision = world.live(New { input_schema: Some(schema.clone()), ..new }).await;
        let kept = tools::version(&world.app, revision.tool_id, 1).await.expect("read");
        assert!(kept.schema_given);
        assert_eq!(kept.input_schema.to_string(), schema.to_string(), "order and digits");
        assert!(kept.input_schema.to_string().contains("123456789012345678901234567890"));
        assert_eq!(tools::digest_of(&kept), kept.digest);

        let called =
            async |arguments| world.call("weather__count", arguments).await.expect("it runs");
        assert_eq!(value(&called(json!({"a": "x", "b": 2})).await), json!([2, "x"]));
        for (wrong, part) in [
            (json!({"b": "2"}), "b must be an integer"),
            (json!({"a": "x"}), "with 'b'"),
            (json!({"c": 1}), "without 'c'"),
        ] {
            let text = called(wrong).await.text_of_failure();
            assert!(text.contains(part), "{text}");
        }
        let back = Changes { input_schema: Some(Value::Null), ..Changes::default() };
        let made = world.update(revision.tool_id, back.clone()).await.expect("that of main");
        assert!(!made.schema_given && made.input_schema["properties"].get("a").is_none());
        let again =
            tools::update(&world.app, &model(), revision.tool_id, back).await.expect("read");
        assert!(!again.new_revision, "nothing changed");
        let same = Changes { input_schema: Some(made.input_schema.clone()), ..Changes::default() };
        let given = world.update(revision.tool_id, same).await.expect("the same, given");
        assert!(given.schema_given && given.digest != made.digest);
        let other = Changes {
            python_code: Some("async def main(c):\n    return c\n".to_owned()),
            ..Changes::default()
        };
        assert_eq!(field(world.update(revision.tool_id, other).await), "input_schema");
    });
}

#[test]
fn a_schema_that_some_client_would_choke_on_never_gets_into_a_list() {
    on_both(async |world| {
        let open = "async def main(**values):\n    return 1\n";
        for wrong in [
            json!(1),
            json!({}),
            json!({"type": "object", "properties": {"a": true}}),
            json!({"type": "object", "properties": {"a": {"$ref": "https://a.example"}}}),
            json!({"type": "object", "properties": {"a": {"type": "text"}}}),
        ] {
            let new = world.written("one", Kind::Tool, None, open);
            let refused = world.create(New { input_schema: Some(wrong.clone()), ..new }).await;
            assert_eq!(field(refused), "input_schema", "{wrong}");
        }
        let needs = world.written("one", Kind::Tool, None, "async def main(a):\n    return a\n");
        let unknown = Some(json!({"type": "object", "properties": {"b": {}}}));
        let refused = world.create(New { input_schema: unknown, ..needs.clone() }).await;
        assert_eq!(field(refused), "input_schema");
        let known = Some(json!({"type": "object", "properties": {"a": {}}}));
        world.create(New { input_schema: known, ..needs }).await.expect("it knows `a`");
    });
}

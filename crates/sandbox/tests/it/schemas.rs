//! Arguments against a schema that an author gave, checked inside the sandbox.

use std::fmt::Write as _;
use std::sync::Arc;

use sandbox::{Arguments, Failure, FailureKind, NoHost, Purpose, Run, Sandbox};
use serde_json::{Value, json};

use crate::{sandbox, tool};

/// Takes anything.
const OPEN: &str = "async def main(**values):\n    return values\n";

async fn call(
    sandbox: &Sandbox,
    source: &str,
    schema: &Value,
    (purpose, values): (Purpose, &Value),
) -> Result<String, Failure> {
    let schema = Some(schema.to_string());
    let arguments = Arguments { values: values.to_string(), purpose, schema };
    sandbox.run(Run { arguments, ..tool(source) }, Arc::new(NoHost)).await.result
}

/// Schemas of one value, and values for it.
#[expect(clippy::too_many_lines, reason = "a table")]
fn cases() -> Vec<(Value, Vec<Value>)> {
    let numbers = || {
        vec![
            json!(0),
            json!(1),
            json!(1.0),
            json!(1.5),
            json!(-3),
            json!(7),
            json!(10),
            json!("7"),
            json!(true),
        ]
    };
    let texts = || {
        vec![
            json!(""),
            json!("a"),
            json!("abc"),
            json!("a\n"),
            json!("ä€"),
            json!("12"),
            json!(12),
            json!(null),
        ]
    };
    let lists = || {
        vec![
            json!([]),
            json!([1]),
            json!([1, 1]),
            json!([1, 1.0]),
            json!([1, true]),
            json!(["a", 2, null]),
            json!([[1], [1]]),
            json!({}),
        ]
    };
    let objects = || {
        vec![
            json!({}),
            json!({"a": 1}),
            json!({"a": "x"}),
            json!({"b": 1}),
            json!({"a": 1, "b": 2}),
            json!({"a": 1, "b": "x", "c": 3}),
            json!({"x-1": 1}),
            json!({"x-1": "t"}),
            json!([1]),
            json!("a"),
        ]
    };
    let all = || [numbers(), texts(), lists(), objects()].concat();
    vec![
        (json!({}), all()),
        (json!(true), all()),
        (json!(false), all()),
        (json!({"type": "integer"}), all()),
        (json!({"type": "number"}), all()),
        (json!({"type": ["string", "null"]}), all()),
        (json!({"type": "boolean"}), all()),
        (json!({"enum": [1, "a", null, [1], {"a": 1}]}), all()),
        (json!({"enum": [1.0, true]}), all()),
        (json!({"const": 1}), all()),
        (json!({"const": {"a": [1]}}), vec![json!({"a": [1.0]}), json!({"a": [true]}), json!({})]),
        (json!({"minimum": 1, "maximum": 7}), all()),
        (json!({"exclusiveMinimum": 1, "exclusiveMaximum": 10}), all()),
        (json!({"multipleOf": 0.5}), numbers()),
        (json!({"multipleOf": 0.1}), vec![json!(0.3), json!(0.35), json!(1)]),
        (json!({"minLength": 1, "maxLength": 2}), all()),
        (json!({"pattern": "^a"}), all()),
        (json!({"pattern": "a$"}), texts()),
        (json!({"pattern": "^\\d+$"}), [texts(), vec![json!("٣")]].concat()),
        (json!({"pattern": "^\\w+$"}), texts()),
        (json!({"pattern": "^\\p{L}+$"}), texts()),
        (json!({"pattern": "^[\\w€.-]*$"}), [texts(), vec![json!("a.b"), json!("a b")]].concat()),
        (json!({"pattern": "^(?!a)(?<rest>.*)$"}), texts()),
        (json!({"minItems": 1, "maxItems": 2}), all()),
        (json!({"uniqueItems": true}), lists()),
        (json!({"items": {"type": "integer"}}), lists()),
        (
            json!({"prefixItems": [{"type": "string"}], "items": {"type": ["integer", "null"]}}),
            lists(),
        ),
        (json!({"prefixItems": [true, true], "items": false}), lists()),
        (json!({"contains": {"type": "string"}}), lists()),
        (json!({"contains": {"const": 1}, "minContains": 2}), lists()),
        (json!({"contains": {"const": 1}, "minContains": 0, "maxContains": 1}), lists()),
        (json!({"required": ["a"]}), objects()),
        (json!({"properties": {"a": {"type": "integer"}}}), objects()),
        (json!({"properties": {"a": {}}, "additionalProperties": false}), objects()),
        (json!({"properties": {"a": {}}, "additionalProperties": {"type": "integer"}}), objects()),
        (
            json!({"patternProperties": {"^x-": {"type": "string"}}, "additionalProperties": {"type": "integer"}}),
            objects(),
        ),
        (json!({"propertyNames": {"maxLength": 1}}), objects()),
        (json!({"minProperties": 1, "maxProperties": 2}), objects()),
        (json!({"dependentRequired": {"a": ["b"]}}), objects()),
        (json!({"dependentSchemas": {"a": {"required": ["b"]}}}), objects()),
        (
            json!({"allOf": [{"required": ["a"]}, {"properties": {"a": {"type": "integer"}}}]}),
            objects(),
        ),
        (json!({"anyOf": [{"type": "integer"}, {"minLength": 2}]}), all()),
        (json!({"oneOf": [{"type": "integer"}, {"minimum": 2}]}), all()),
        (json!({"not": {"type": ["integer", "array"]}}), all()),
        (
            json!({"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": {"maxProperties": 1}}),
            objects(),
        ),
        (json!({"if": {"type": "integer"}, "else": {"type": "string"}}), all()),
        (json!({"$ref": "#/$defs/Word"}), all()),
        (json!({"$ref": "#word", "maxLength": 1}), all()),
        (json!({"$ref": "#/$defs/a~1b%25"}), all()),
        (
            json!({"$ref": "#/$defs/Tree"}),
            vec![
                json!({"next": {"next": null}}),
                json!({"next": {"next": 1}}),
                json!({"other": 1}),
            ],
        ),
        (json!({"$ref": "#/$defs/Loop"}), all()),
        (json!({"allOf": [{"properties": {"a": {}}}], "unevaluatedProperties": false}), objects()),
        (
            json!({"anyOf": [{"properties": {"a": {"const": 1}}, "required": ["a"]}, {"properties": {"b": {}}, "required": ["b"]}],
                   "unevaluatedProperties": {"type": "string"}}),
            objects(),
        ),
        (
            json!({"if": {"properties": {"a": {"const": 1}}, "required": ["a"]}, "then": {"properties": {"b": {}}},
                   "unevaluatedProperties": false}),
            objects(),
        ),
        (json!({"prefixItems": [{}], "unevaluatedItems": {"type": "integer"}}), lists()),
        (json!({"allOf": [{"prefixItems": [{}]}], "unevaluatedItems": false}), lists()),
        (json!({"format": "date", "contentEncoding": "base64", "title": "x", "default": 3}), all()),
    ]
}

#[tokio::test]
async fn the_validator_agrees_with_another_one() {
    let sandbox = sandbox(1).await;
    let mut wrong = String::new();
    for (schema, values) in cases() {
        let document = json!({
            "type": "object",
            "properties": {"value": schema},
            "$defs": {
                "Word": {"$anchor": "word", "type": "string"},
                "a/b%": {"type": "array"},
                "Tree": {"type": ["object", "null"], "properties": {"next": {"$ref": "#/$defs/Tree"}}, "additionalProperties": false},
                "Loop": {"anyOf": [{"$ref": "#/$defs/Loop"}, {"type": "string"}], "not": {"type": "null"}},
            },
        });
        // The other one has no end for a schema that leads to itself.
        let other = (schema != json!({"$ref": "#/$defs/Loop"}))
            .then(|| jsonschema::draft202012::new(&document).expect("a schema"));
        for value in values {
            let arguments = json!({ "value": value });
            let result = call(&sandbox, OPEN, &document, (Purpose::Tool, &arguments)).await;
            let fits = match &result {
                Ok(_) => true,
                Err(failure) if failure.kind == FailureKind::Arguments => false,
                Err(failure) => panic!("{schema} of {value}: {failure:?}"),
            };
            if let Some(other) = &other
                && other.is_valid(&arguments) != fits
            {
                writeln!(wrong, "{schema} of {value}: {result:?}").expect("it is written");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[tokio::test]
async fn a_mistake_names_its_place_and_what_is_expected() {
    let sandbox = sandbox(1).await;
    let schema = json!({
        "type": "object",
        "properties": {
            "city": {"type": "string", "minLength": 2},
            "days": {"type": "array", "items": {"type": "object", "properties": {"n": {"maximum": 7}}}},
            "unit": {"enum": ["c", "f"]},
            "either": {"anyOf": [{"type": "integer"}, {"type": "object", "required": ["x"]}]},
        },
        "required": ["city"],
        "additionalProperties": false,
        "dependentRequired": {"days": ["unit"]},
    });
    for (values, part) in [
        (json!({}), "the arguments must be an object with 'city', got an object, {}"),
        (json!({"city": "x"}), "argument city must be a string of at least 2 characters"),
        (
            json!({"city": "xx", "unit": "k"}),
            "argument unit must be one of \"c\", \"f\", got a string, \"k\"",
        ),
        (
            json!({"city": "xx", "unit": "c", "days": [{"n": 8}]}),
            "argument days[0].n must be at most 7",
        ),
        (json!({"city": "xx", "town": 1}), "without 'town'; known are 'city', 'days'"),
        (json!({"city": "xx", "days": []}), "with 'unit', because it has 'days'"),
        (
            json!({"city": "xx", "either": "a"}),
            "either must be an integer or an object, got a string",
        ),
    ] {
        let failure = call(&sandbox, OPEN, &schema, (Purpose::Tool, &values)).await;
        let failure = failure.expect_err("it does not fit");
        assert_eq!(failure.kind, FailureKind::Arguments);
        assert!(failure.message.contains(part), "{values}: {}", failure.message);
    }
}

#[tokio::test]
async fn what_main_does_not_name_is_in_arguments() {
    let sandbox = sandbox(1).await;
    let schema = json!({"type": "object", "properties": {"a": {}, "b": {"type": "integer"}}});
    let values = json!({"a": 1, "b": 2});
    for (source, result) in [
        ("async def main(a):\n    return [a, arguments]\n", json!([1, {"a": 1, "b": 2}])),
        ("async def main(a, **others):\n    return [a, others]\n", json!([1, {"b": 2}])),
        ("async def main():\n    return arguments['b']\n", json!(2)),
    ] {
        let found = call(&sandbox, source, &schema, (Purpose::Tool, &values)).await;
        let found: Value = serde_json::from_str(&found.expect("a result")).expect("JSON");
        assert_eq!(found, result, "{source}");
    }
    // The signature is kept to as well.
    let strict = "async def main(a: str):\n    return a\n";
    let failure = call(&sandbox, strict, &schema, (Purpose::Tool, &values)).await;
    assert!(failure.expect_err("a number").message.contains("a must be a string"));
}

#[tokio::test]
async fn texts_of_a_prompt_become_what_the_schema_asks_for() {
    let sandbox = sandbox(1).await;
    let schema = json!({
        "type": "object",
        "properties": {"n": {"type": "integer", "minimum": 3}, "b": {"type": "boolean"}, "s": {"type": "string"}},
    });
    let source = "async def main(n, b=None, s=''):\n    return repr([n, b, s])\n";
    let values = json!({"n": "5", "b": "true", "s": "5"});
    let found =
        call(&sandbox, source, &schema, (Purpose::Prompt, &values)).await.expect("a result");
    assert!(found.contains("[5, True, '5']"), "{found}");
    let failure = call(&sandbox, source, &schema, (Purpose::Prompt, &json!({"n": "2"}))).await;
    let failure = failure.expect_err("too small");
    assert!(failure.message.contains("argument n must be"), "{}", failure.message);
}

#[tokio::test]
async fn a_hostile_schema_costs_its_own_call_alone() {
    let sandbox = sandbox(1).await;
    let evil = json!({"type": "object", "properties": {"s": {"pattern": "^(a|a)*$"}}});
    let values = json!({"s": format!("{}b", "a".repeat(40))});
    let arguments = Arguments {
        values: values.to_string(),
        purpose: Purpose::Tool,
        schema: Some(evil.to_string()),
    };
    let limits =
        sandbox::Limits { cpu: std::time::Duration::from_secs(1), ..sandbox::Limits::default() };
    let run = Run { arguments, limits, ..tool(OPEN) };
    let outcome = sandbox.run(run, Arc::new(NoHost)).await;
    // It ends, one way or the other.
    assert!(outcome.result.is_err(), "{outcome:?}");
    crate::assert_works(&sandbox).await;
}

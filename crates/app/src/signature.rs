//! Whether what an author gives beside the source fits the signature of `main`.

use sandbox::Inspection;
use serde_json::Value;

use crate::resources::Template;
use crate::revisions::{Content, Kind};
use crate::{Error, Result, schema};

/// Refuses a URI or a schema that the source contradicts, and schemas that some client would choke on.
pub(crate) fn check(content: &Content, inspection: &Inspection) -> Result<()> {
    let made = inspection.input_schema.as_ref();
    check_uri(content, inspection)?;
    match content.input_schema.as_ref().filter(|_| content.schema_given) {
        Some(given) => check_given(content.kind, given, made)?,
        None => check_made("input", made)?,
    }
    if content.kind == Kind::Tool {
        check_made("output", inspection.output_schema.as_ref())?;
    }
    Ok(())
}

fn check_made(which: &str, schema: Option<&Value>) -> Result<()> {
    match schema.and_then(schema::fault) {
        Some(fault) => Err(Error::invalid(
            "python_code",
            format!(
                "the {which} schema made from the signature of `main` cannot be used: {fault}; simplify the annotations"
            ),
        )),
        None => Ok(()),
    }
}

/// A schema that an author gives, and the one that the signature makes.
fn check_given(kind: Kind, given: &Value, made: Option<&Value>) -> Result<()> {
    if let Some(fault) = schema::fault(given) {
        return Err(Error::invalid("input_schema", fault));
    }
    let known = |name: &str| given.get("properties").and_then(|all| all.get(name)).is_some();
    if let Some(name) = made.into_iter().flat_map(required).find(|name| !known(name)) {
        return Err(Error::invalid(
            "input_schema",
            format!(
                "`main` requires `{name}`, which is not in `properties`: add it there, or give the parameter a default"
            ),
        ));
    }
    let takes = |name: &str| made.is_none_or(|made| takes(made, name));
    if let Some(name) = required(given).find(|name| kind == Kind::Resource && !takes(name)) {
        return Err(Error::invalid(
            "input_schema",
            format!("`required` names `{name}`, which is no variable of the `uri`"),
        ));
    }
    Ok(())
}

/// A resource has a URI, whose variables are what `main` is given; nothing else has one.
fn check_uri(content: &Content, inspection: &Inspection) -> Result<()> {
    let uri = match (content.kind, &content.uri) {
        (Kind::Resource, Some(uri)) => uri,
        (Kind::Resource, None) => {
            let reason = "missing; a resource is read under a URI such as `notes://today`, or many under a template such as `notes://{day}`";
            return Err(Error::invalid("uri", reason));
        }
        (_, None) => return Ok(()),
        (kind, Some(_)) => {
            return Err(Error::invalid("uri", format!("a {kind} has none; leave it out")));
        }
    };
    let template = Template::parse(uri).map_err(|fault| Error::invalid("uri", fault))?;
    let variables: Vec<&str> = template.variables().collect();
    let parameters: Vec<&str> =
        inspection.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
    let takes_any = inspection.input_schema.as_ref().is_some_and(takes_others);
    let lacking = variables.iter().find(|name| !takes_any && !parameters.contains(name));
    if let Some(name) = lacking {
        return Err(Error::invalid(
            "uri",
            format!("`main` has no parameter `{name}` for the value of `{{{name}}}`"),
        ));
    }
    match parameters.iter().find(|name| !variables.contains(name)) {
        Some(name) => Err(Error::invalid(
            "uri",
            format!(
                "`main` takes `{name}`, which no variable `{{{name}}}` of the URI gives: the parameters of a resource are the variables of its URI"
            ),
        )),
        None => Ok(()),
    }
}

/// The names that an object has to have.
fn required(schema: &Value) -> impl Iterator<Item = &str> {
    let names = schema.get("required").and_then(Value::as_array);
    names.into_iter().flatten().filter_map(Value::as_str)
}

/// Whether `main` takes an argument of that name, by the schema that its signature makes.
fn takes(made: &Value, name: &str) -> bool {
    takes_others(made) || made.get("properties").is_some_and(|all| all.get(name).is_some())
}

fn takes_others(made: &Value) -> bool {
    made.get("additionalProperties") != Some(&Value::Bool(false))
}

#[cfg(test)]
mod tests {
    use sandbox::Parameter;
    use serde_json::json;

    use super::*;
    use crate::capabilities::Capabilities;

    fn content(kind: Kind, uri: Option<&str>, schema: Option<Value>) -> Content {
        Content {
            name: "look".to_owned(),
            description: "Looks.".to_owned(),
            kind,
            uri: uri.map(str::to_owned),
            imported: None,
            python_code: String::new(),
            timeout_ms: 30_000,
            timeout_inherited: true,
            capabilities: Capabilities::default(),
            schema_given: schema.is_some(),
            input_schema: schema,
            output_schema: None,
            remarks: Vec::new(),
        }
    }

    /// Of `async def main(id, more=0)`, or of one with `**others` too.
    fn inspection(names: &[&str], others: bool) -> Inspection {
        let of = |name: &&str| Parameter { name: (*name).to_owned(), type_text: None };
        let properties: Value = names.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
        let required: Vec<&str> = names.iter().copied().filter(|name| *name != "more").collect();
        let schema = json!({
            "type": "object", "properties": properties, "required": required,
            "additionalProperties": if others { json!({}) } else { json!(false) },
        });
        Inspection {
            valid: true,
            has_main: true,
            parameters: names.iter().map(of).collect(),
            input_schema: Some(schema),
            ..Inspection::default()
        }
    }

    fn field(checked: &Result<()>) -> &'static str {
        match checked {
            Ok(()) => "",
            Err(Error::Invalid { field, .. }) => field,
            Err(_) => "another",
        }
    }

    #[test]
    fn a_resource_alone_has_a_uri_whose_variables_main_takes() {
        let of = |kind, uri, names: &[&str]| {
            field(&check(&content(kind, uri, None), &inspection(names, false)))
        };
        let template = Some("x://{id}");
        assert_eq!(of(Kind::Resource, template, &["id"]), "");
        assert_eq!(of(Kind::Resource, Some("x://a"), &[]), "");
        assert_eq!(of(Kind::Resource, None, &[]), "uri");
        assert_eq!(of(Kind::Resource, template, &[]), "uri");
        assert_eq!(of(Kind::Resource, template, &["id", "more"]), "uri");
        assert_eq!(of(Kind::Resource, Some("mcpbox://x"), &[]), "uri");
        assert_eq!(of(Kind::Tool, template, &["id"]), "uri");
        assert_eq!(of(Kind::Prompt, template, &["id"]), "uri");
        assert_eq!(of(Kind::Prompt, None, &["id"]), "");
        let any = check(&content(Kind::Resource, template, None), &inspection(&[], true));
        assert_eq!(field(&any), "");
    }

    #[test]
    fn a_schema_knows_what_main_requires() {
        let given = json!({"type": "object", "properties": {"id": {"type": "string"}}});
        let of = |names: &[&str]| {
            field(&check(
                &content(Kind::Tool, None, Some(given.clone())),
                &inspection(names, false),
            ))
        };
        assert_eq!(of(&["id"]), "");
        assert_eq!(of(&["id", "more"]), "");
        assert_eq!(of(&[]), "", "what main does not take is in `arguments`");
        assert_eq!(of(&["other"]), "input_schema");
    }

    #[test]
    fn a_schema_that_clients_would_choke_on_is_refused_whoever_wrote_it() {
        let bad = json!({"type": "object", "properties": {"id": true}});
        let given = check(&content(Kind::Tool, None, Some(bad.clone())), &inspection(&[], false));
        assert_eq!(field(&given), "input_schema");
        let mut made = inspection(&[], false);
        made.input_schema = Some(bad);
        assert_eq!(field(&check(&content(Kind::Tool, None, None), &made)), "python_code");
    }

    #[test]
    fn a_schema_of_a_resource_requires_only_what_its_uri_gives() {
        let given = json!({
            "type": "object", "properties": {"id": {}, "other": {}}, "required": ["other"],
        });
        let content = content(Kind::Resource, Some("x://{id}"), Some(given));
        assert_eq!(field(&check(&content, &inspection(&["id"], false))), "input_schema");
    }
}

//! Management tools that look at what there is, and tests of a tool.

use anyhow::{Result, ensure};
use rand::RngExt as _;
use serde_json::{Value, json};

use crate::tools;
use crate::visitor::Visitor;

pub(super) async fn look(visitor: &mut Visitor) -> Result<()> {
    let add = visitor.stage.kept.named("add")?;
    match visitor.random.random_range(0..4) {
        0 => {
            let servers = visitor.manage("mcpbox_list_servers", &json!({})).await?;
            let names = servers.get("servers").and_then(Value::as_array).into_iter().flatten();
            let found =
                names.filter(|server| server.get("name").is_some_and(|name| name == tools::SERVER));
            ensure!(found.count() == 1, "{servers}");
        }
        1 => {
            let tool = visitor.manage("mcpbox_get_tool", &json!({"tool_id": add})).await?;
            ensure!(tool.get("name").is_some_and(|name| name == "add"), "{tool}");
        }
        2 => {
            let validated =
                visitor.manage("mcpbox_validate_code", &json!({"code": tools::LATE})).await?;
            ensure!(validated.get("valid") == Some(&Value::Bool(true)), "{validated}");
        }
        _ => {
            let few = json!({"tool_id": add, "limit": 5});
            let logs = visitor.manage("mcpbox_get_tool_logs", &few).await?;
            let rows = logs.get("logs").and_then(Value::as_array).into_iter().flatten();
            let mut sums = rows.filter_map(|row| row.pointer("/result/sum"));
            ensure!(sums.all(Value::is_number), "{logs}");
        }
    }
    Ok(())
}

pub(super) async fn test(visitor: &mut Visitor) -> Result<()> {
    let add = visitor.stage.kept.named("add")?;
    let arguments = json!({"number": visitor.stage.number(), "left": 20, "right": 3});
    let test = json!({"tool_id": add, "arguments": arguments});
    let tested = visitor.manage("mcpbox_test_code", &test).await?;
    ensure!(tested.pointer("/result/sum") == Some(&json!(23)), "{tested}");
    Ok(())
}

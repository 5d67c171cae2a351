//! `/health` on both doors, and the start's output.

use serde_json::json;

use crate::database::Database;
use testkit::http::send;
use testkit::program::Start;

#[test]
fn both_doors_tell_how_the_program_is() {
    let database = Database::sqlite();
    let program = database.serve();
    for door in [&program.admin, &program.mcp] {
        let health = send(door, "GET", "/health", &[], "");
        assert_eq!(health.status, 200, "{health:?}");
        let health = health.json();
        let expected = json!({
            "status": "healthy",
            "version": env!("CARGO_PKG_VERSION"),
            "database": "connected",
            "sandbox": "connected",
            "walls": health["walls"],
            "memory_reset": health["memory_reset"],
        });
        assert_eq!(health, expected);
        let recipe = health["memory_reset"]["recipe"].as_str().expect("a recipe");
        assert!(recipe.parse::<app::settings::MemoryReset>().is_ok(), "{recipe}");
        assert!(health["walls"]["seccomp"].is_object(), "{health}");
    }
}

#[test]
fn the_state_is_readable_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let database = Database::sqlite();
    let _program = database.serve();
    let mode = |path: std::path::PathBuf| {
        std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777
    };
    assert_eq!(mode(database.data_dir()), 0o700);
    assert_eq!(mode(database.data_dir().join("mcpbox.db")), 0o600);
}

#[test]
fn a_file_of_settings_in_the_working_directory_is_read_and_flags_win() {
    let database = Database::sqlite();
    let dir = database.data_dir();
    let file = dir.parent().expect("a parent").join(".env");
    std::fs::write(&file, "MCPBOX_MCP_REQUIRE_TOKEN=true\nMCPBOX_WORKERS=7\nMCPBOX_MAX_CALLS=\n")
        .expect("written");
    let arguments = ["--workers", "1"];
    let start =
        Start { command: "serve", data_dir: &dir, database_url: None, arguments: &arguments };
    let program = start.run();
    assert_eq!(program.workers().len(), 1, "the flag wins, and nothing stands for the default");
    assert_eq!(send(&program.mcp, "GET", "/mcp", &[], "").status, 401, "the file is read");
    drop(program);
    std::fs::write(&file, "this is not a setting\n").expect("written");
    assert!(start.refused().contains(".env"));
}

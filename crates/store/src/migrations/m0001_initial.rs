//! The first tables: servers, tools, their history, calls, permissions, users, sessions, tokens.

mod permissions;

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, blob, boolean, integer, integer_null, pk_uuid, text, text_null, text_uniq,
        timestamp_with_time_zone, timestamp_with_time_zone_null, uuid, uuid_null,
    },
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [servers(), tools(), revisions(), approvals(), calls()] {
            manager.create_table(table).await?;
        }
        for table in [artifacts(), artifact_chunks()] {
            manager.create_table(table).await?;
        }
        for table in [users(), sessions(), tokens(), changes(), installation()] {
            manager.create_table(table).await?;
        }
        for table in permissions::tables() {
            manager.create_table(table).await?;
        }
        for (table, unique, columns) in INDEXES.iter().chain(permissions::INDEXES) {
            manager.create_index(index(table, *unique, columns)).await?;
        }
        for index in permissions::partial_indexes() {
            manager.create_index(index).await?;
        }
        let first = Query::insert()
            .into_table("changes")
            .columns(["id", "counter"])
            .values_panic([1.into(), 0.into()])
            .to_owned();
        manager.execute(first).await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("there is nothing before the first tables".to_owned()))
    }
}

/// Table, whether rows must differ, columns.
type Columns = (&'static str, bool, &'static [&'static str]);

const INDEXES: &[Columns] = &[
    ("servers", false, &["tool_prefix"]),
    ("tools", true, &["server_id", "name"]),
    ("tools", false, &["live_revision"]),
    ("revisions", true, &["tool_id", "number"]),
    ("revisions", false, &["name"]),
    ("revisions", false, &["state", "requested_at"]),
    ("approvals", false, &["tool_id", "at"]),
    ("approvals", false, &["action", "at"]),
    ("calls", false, &["created_at", "id"]),
    ("calls", false, &["tool_id", "created_at"]),
    ("calls", false, &["server_id", "created_at"]),
    ("artifacts", false, &["call_id"]),
    ("artifacts", false, &["owner", "created_at"]),
    ("artifacts", false, &["expires_at"]),
    ("sessions", false, &["user_id"]),
    ("sessions", false, &["family"]),
    ("sessions", false, &["expires_at"]),
];

fn index(
    table: &'static str,
    unique: bool,
    columns: &'static [&'static str],
) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(format!("{table}_{}", columns.join("_"))).table(table);
    for column in columns {
        index.col(*column);
    }
    if unique {
        index.unique();
    }
    index
}

fn table(name: &'static str, columns: impl IntoIterator<Item = ColumnDef>) -> TableCreateStatement {
    let mut table = Table::create();
    table.table(name);
    for column in columns {
        table.col(column);
    }
    table
}

/// A row goes with the row it belongs to.
fn belonging(
    mut table: TableCreateStatement,
    from: (&'static str, &'static str),
    to: &'static str,
) -> TableCreateStatement {
    let mut key = ForeignKey::create();
    key.name(format!("{}_{}", from.0, from.1))
        .from(from.0, from.1)
        .to(to, "id")
        .on_delete(ForeignKeyAction::Cascade);
    table.foreign_key(&mut key);
    table
}

fn servers() -> TableCreateStatement {
    table(
        "servers",
        [
            pk_uuid("id"),
            text_uniq("name"),
            text("description"),
            text("status"),
            text_null("tool_prefix"),
            integer("default_timeout_ms"),
            timestamp_with_time_zone("created_at"),
            timestamp_with_time_zone("updated_at"),
        ],
    )
}

fn tools() -> TableCreateStatement {
    let columns = [
        pk_uuid("id"),
        uuid("server_id"),
        text("name"),
        text("description"),
        boolean("enabled"),
        uuid_null("live_revision"),
        timestamp_with_time_zone("created_at"),
        timestamp_with_time_zone("updated_at"),
    ];
    belonging(table("tools", columns), ("tools", "server_id"), "servers")
}

/// Outlives its tool, as the decisions about it do.
fn revisions() -> TableCreateStatement {
    let columns = vec![
        pk_uuid("id"),
        uuid("tool_id"),
        integer("number"),
        text("digest"),
        text("name"),
        text("description"),
        text("kind"),
        text_null("uri"),
        text("python_code"),
        integer_null("timeout_ms"),
        boolean("timeout_inherited"),
        text("capabilities"),
        text("input_schema"),
        boolean("schema_given"),
        text_null("output_schema"),
        text("remarks"),
        text("state"),
        text("change_summary"),
        text("change_source"),
        text("created_by"),
        timestamp_with_time_zone("created_at"),
        timestamp_with_time_zone_null("requested_at"),
        text_null("requested_by"),
        text_null("notes"),
        timestamp_with_time_zone_null("decided_at"),
        text_null("decided_by"),
        text_null("rejection_reason"),
    ];
    table("revisions", columns)
}

/// Belongs to nothing: what was decided stays known when the tool is gone.
fn approvals() -> TableCreateStatement {
    let columns = [
        pk_uuid("id"),
        uuid("tool_id"),
        uuid("revision_id"),
        text("digest"),
        text("action"),
        text("actor"),
        text_null("reason"),
        timestamp_with_time_zone("at"),
    ];
    table("approvals", columns)
}

/// Belongs to nothing: the log outlives what it tells of.
fn calls() -> TableCreateStatement {
    table(
        "calls",
        [
            pk_uuid("id"),
            uuid("server_id"),
            uuid("tool_id"),
            uuid("revision_id"),
            text("digest"),
            text("tool_name"),
            text("kind"),
            text("caller"),
            boolean("is_test"),
            text("arguments"),
            text_null("result"),
            text("requests"),
            text("refused"),
            text("stdout"),
            text_null("error"),
            text_null("error_kind"),
            boolean("success"),
            big_integer("duration_us"),
            timestamp_with_time_zone("created_at"),
        ],
    )
}

/// Belongs to nothing: an artifact ends by itself, whatever becomes of the tool that made it.
fn artifacts() -> TableCreateStatement {
    let columns = [
        pk_uuid("id"),
        uuid("call_id"),
        text("owner"),
        text("mime_type"),
        text_null("name"),
        boolean("is_text"),
        big_integer("bytes"),
        boolean("complete"),
        timestamp_with_time_zone("created_at"),
        timestamp_with_time_zone("expires_at"),
    ];
    table("artifacts", columns)
}

fn artifact_chunks() -> TableCreateStatement {
    let columns = [uuid("artifact_id"), integer("number"), blob("bytes")];
    let mut chunks = table("artifact_chunks", columns);
    chunks.primary_key(Index::create().col("artifact_id").col("number"));
    belonging(chunks, ("artifact_chunks", "artifact_id"), "artifacts")
}

fn users() -> TableCreateStatement {
    table(
        "users",
        [
            pk_uuid("id"),
            text_uniq("username"),
            text("password_hash"),
            text("role"),
            timestamp_with_time_zone("created_at"),
            timestamp_with_time_zone("password_changed_at"),
        ],
    )
}

fn sessions() -> TableCreateStatement {
    let columns = [
        text("token_hash").primary_key().take(),
        uuid("user_id"),
        text("kind"),
        uuid("family"),
        timestamp_with_time_zone("created_at"),
        timestamp_with_time_zone("expires_at"),
    ];
    belonging(table("sessions", columns), ("sessions", "user_id"), "users")
}

fn tokens() -> TableCreateStatement {
    table(
        "tokens",
        [
            pk_uuid("id"),
            text_uniq("name"),
            text_uniq("token_hash"),
            boolean("can_call"),
            boolean("can_author"),
            text("created_by"),
            timestamp_with_time_zone("created_at"),
            timestamp_with_time_zone_null("expires_at"),
            timestamp_with_time_zone_null("last_used_at"),
            timestamp_with_time_zone_null("revoked_at"),
        ],
    )
}

/// Holds one row, once a key was bound.
fn installation() -> TableCreateStatement {
    table("installation", [integer("id").primary_key().take(), text("key_check")])
}

/// Holds one row.
fn changes() -> TableCreateStatement {
    table("changes", [integer("id").primary_key().take(), big_integer("counter")])
}

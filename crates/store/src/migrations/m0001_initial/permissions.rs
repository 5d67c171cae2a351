//! The tables of what tools may do: asked for, granted, taken away, refused.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, integer, pk_uuid, text, text_null, timestamp_with_time_zone,
        timestamp_with_time_zone_null, uuid, uuid_null,
    },
};

use super::{Columns, belonging, index, table};

/// After the tables of servers and tools.
pub(super) fn tables() -> [TableCreateStatement; 6] {
    [requests(), grants(), removed_modules(), grant_events(), package_locks(), refusals()]
}

pub(super) const INDEXES: &[Columns] = &[
    ("requests", false, &["kind", "state", "created_at"]),
    ("requests", false, &["tool_id", "created_at"]),
    ("requests", false, &["server_id"]),
    ("grants", true, &["server_id", "kind", "name"]),
    ("grant_events", false, &["at", "id"]),
    ("grant_events", false, &["kind", "name", "at"]),
    ("refusals", false, &["server_id", "last_at"]),
];

/// Indexes of some rows alone.
pub(super) fn partial_indexes() -> [IndexCreateStatement; 2] {
    [one_pending_request(), one_grant_of_the_installation()]
}

/// A request goes with its tool; what was decided stays in the events.
fn requests() -> TableCreateStatement {
    let columns = [
        pk_uuid("id"),
        text("kind"),
        uuid("server_id"),
        uuid("tool_id"),
        text("name"),
        text("justification"),
        text_null("plan"),
        text("state"),
        text("requested_by"),
        timestamp_with_time_zone("created_at"),
        timestamp_with_time_zone_null("reviewed_at"),
        text_null("reviewed_by"),
        text_null("rejection_reason"),
    ];
    let requests = belonging(table("requests", columns), ("requests", "server_id"), "servers");
    belonging(requests, ("requests", "tool_id"), "tools")
}

/// What belongs to no server is granted to the whole installation.
fn grants() -> TableCreateStatement {
    let columns = [
        pk_uuid("id"),
        text("kind"),
        uuid_null("server_id"),
        text("name"),
        uuid_null("request_id"),
        text("granted_by"),
        timestamp_with_time_zone("granted_at"),
    ];
    belonging(table("grants", columns), ("grants", "server_id"), "servers")
}

/// What a person took from the list of modules that every tool may import from the start.
fn removed_modules() -> TableCreateStatement {
    let columns = [
        text("name").primary_key().take(),
        text("removed_by"),
        timestamp_with_time_zone("removed_at"),
    ];
    table("removed_modules", columns)
}

/// What the packages of a server were resolved to; a server without packages has no row.
fn package_locks() -> TableCreateStatement {
    let columns = [
        uuid("server_id").primary_key().take(),
        text("digest"),
        text("packages"),
        timestamp_with_time_zone("updated_at"),
    ];
    belonging(table("package_locks", columns), ("package_locks", "server_id"), "servers")
}

/// Belongs to nothing: who allowed what stays known.
fn grant_events() -> TableCreateStatement {
    let columns = [
        pk_uuid("id"),
        text("kind"),
        uuid_null("server_id"),
        text_null("server_name"),
        uuid_null("tool_id"),
        text("name"),
        text("action"),
        text("actor"),
        text_null("reason"),
        timestamp_with_time_zone("at"),
    ];
    table("grant_events", columns)
}

/// A tool waits for the same thing once.
fn one_pending_request() -> IndexCreateStatement {
    let columns = &["tool_id", "kind", "name"];
    let mut index = index("requests", true, columns);
    index.and_where(Expr::col("state").eq("pending"));
    index
}

/// Databases take missing servers for different ones.
fn one_grant_of_the_installation() -> IndexCreateStatement {
    let mut index = index("grants", true, &["kind", "name"]);
    index.and_where(Expr::col("server_id").is_null());
    index
}

/// What is told of a server goes with it.
fn refusals() -> TableCreateStatement {
    let columns = [
        uuid("server_id"),
        text("tool_name"),
        text("host"),
        integer("port"),
        text("reason"),
        big_integer("count"),
        timestamp_with_time_zone("last_at"),
    ];
    let mut refusals = table("refusals", columns);
    let key = ["server_id", "tool_name", "host", "port"];
    refusals.primary_key(key.iter().fold(&mut Index::create(), |index, column| index.col(*column)));
    belonging(refusals, ("refusals", "server_id"), "servers")
}

//! What people set, a value for each key that is not as it was from the start, and the audit log.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, text, text_null, timestamp_with_time_zone, uuid_null},
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(settings()).await?;
        manager.create_table(audit()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["audit", "settings"] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}

fn settings() -> TableCreateStatement {
    let columns = [
        text("key").primary_key().take(),
        text("value"),
        timestamp_with_time_zone("updated_at"),
        text("updated_by"),
    ];
    table("settings", columns)
}

/// Belongs to nothing, and nothing takes rows away. Each row holds the hash of the one before it.
fn audit() -> TableCreateStatement {
    let columns = [
        big_integer("number").primary_key().take(),
        timestamp_with_time_zone("at"),
        text("actor"),
        text_null("address"),
        text("action"),
        text("subject_kind"),
        text("subject"),
        uuid_null("subject_id"),
        text_null("digest"),
        text("detail"),
        text("previous_hash"),
        text("hash"),
    ];
    table("audit", columns)
}

fn table(name: &'static str, columns: impl IntoIterator<Item = ColumnDef>) -> TableCreateStatement {
    let mut table = Table::create();
    table.table(name);
    for column in columns {
        table.col(column);
    }
    table
}

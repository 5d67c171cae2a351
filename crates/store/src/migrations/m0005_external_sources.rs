//! External sources, the tokens that open them, and what is imported from them.

use sea_orm_migration::{
    prelude::*,
    schema::{
        boolean, integer, pk_uuid, text, text_null, timestamp_with_time_zone,
        timestamp_with_time_zone_null, uuid, uuid_null,
    },
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(sources()).await?;
        let one_of_a_name = Index::create()
            .name("external_sources_server_id_name")
            .table("external_sources")
            .col("server_id")
            .col("name")
            .unique()
            .to_owned();
        manager.create_index(one_of_a_name).await?;
        manager.create_table(tokens()).await?;
        for (table, mut column) in [
            ("revisions", text_null("imported")),
            ("tools", text_null("quarantine")),
            ("secrets", uuid_null("source_id")),
        ] {
            let added = Table::alter().table(table).add_column(&mut column).to_owned();
            manager.alter_table(added).await?;
        }
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("imported tools cannot be kept without these tables".to_owned()))
    }
}

/// A source goes with its server.
fn sources() -> TableCreateStatement {
    let mut of_server = ForeignKey::create();
    of_server
        .name("external_sources_server_id")
        .from("external_sources", "server_id")
        .to("servers", "id")
        .on_delete(ForeignKeyAction::Cascade);
    let mut table = Table::create();
    table.table("external_sources");
    table
        .col(pk_uuid("id"))
        .col(uuid("server_id"))
        .col(text("name"))
        .col(text("description"))
        .col(text("transport"))
        .col(text_null("url"))
        .col(text_null("command"))
        .col(text("auth_type"))
        .col(text_null("auth_secret_name"))
        .col(text_null("auth_header_name"))
        .col(text_null("oauth"))
        .col(text("refresh_owner"))
        .col(boolean("imports_all"))
        .col(boolean("enabled"))
        .col(text_null("managed_by"))
        .col(text("grants"))
        .col(timestamp_with_time_zone_null("granted_at"))
        .col(text_null("granted_by"))
        .col(text_null("rejection_reason"))
        .col(text_null("failure"))
        .col(timestamp_with_time_zone_null("failed_at"))
        .col(text_null("discovered"))
        .col(integer("tool_count"))
        .col(timestamp_with_time_zone_null("last_discovered_at"))
        .col(text("created_by"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"));
    table.foreign_key(&mut of_server).to_owned()
}

/// The tokens themselves are sealed, in `secrets`.
fn tokens() -> TableCreateStatement {
    let mut of_source = ForeignKey::create();
    of_source
        .name("source_tokens_source_id")
        .from("source_tokens", "source_id")
        .to("external_sources", "id")
        .on_delete(ForeignKeyAction::Cascade);
    let mut table = Table::create();
    table.table("source_tokens");
    for mut column in vec![
        uuid("source_id").primary_key().take(),
        text("issuer"),
        text("resource"),
        text("owner"),
        uuid("secret_id"),
        integer("version"),
        text("state"),
        text_null("failure"),
        boolean("has_refresh_token"),
        text_null("scope"),
        timestamp_with_time_zone_null("expires_at"),
        timestamp_with_time_zone_null("renewing_until"),
        timestamp_with_time_zone("updated_at"),
    ] {
        table.col(&mut column);
    }
    table.foreign_key(&mut of_source).to_owned()
}

//! Sessions of clients at the MCP door.

use sea_orm_migration::{
    prelude::*,
    schema::{text, text_null, timestamp_with_time_zone, uuid_null},
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TABLE: &str = "client_sessions";
const BY_USE: &str = "client_sessions_used_at";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut table = Table::create();
        table.table(TABLE);
        for mut column in [
            text("id_hash").primary_key().take(),
            uuid_null("owner"),
            text("protocol_version"),
            text_null("client"),
            text("abilities"),
            text_null("log_level"),
            text("subscriptions"),
            timestamp_with_time_zone("created_at"),
            timestamp_with_time_zone("used_at"),
        ] {
            table.col(&mut column);
        }
        manager.create_table(table).await?;
        let by_use = Index::create().name(BY_USE).table(TABLE).col("used_at").take();
        manager.create_index(by_use).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(TABLE).take()).await
    }
}

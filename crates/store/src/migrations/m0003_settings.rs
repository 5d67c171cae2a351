//! What people set: a value for each key that is not as it was from the start.

use sea_orm_migration::{
    prelude::*,
    schema::{text, timestamp_with_time_zone},
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = [
            text("key").primary_key().take(),
            text("value"),
            timestamp_with_time_zone("updated_at"),
            text("updated_by"),
        ];
        let mut table = Table::create();
        table.table("settings");
        for column in columns {
            table.col(column);
        }
        manager.create_table(table.take()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("settings").take()).await
    }
}

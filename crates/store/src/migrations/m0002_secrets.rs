//! Secrets of servers, and the data keys that they are sealed with.

use sea_orm_migration::{
    prelude::*,
    schema::{
        blob, blob_null, boolean, integer, integer_null, pk_uuid, text, text_null,
        timestamp_with_time_zone, uuid,
    },
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let next =
            Table::alter().table("installation").add_column(text_null("next_key_check")).to_owned();
        manager.alter_table(next).await?;
        manager.create_table(data_keys()).await?;
        manager.create_table(secrets()).await?;
        let one_of_a_key = Index::create()
            .name("secrets_server_id_key")
            .table("secrets")
            .col("server_id")
            .col("key")
            .unique()
            .to_owned();
        manager.create_index(one_of_a_key).await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("what is sealed cannot be kept without these tables".to_owned()))
    }
}

/// Each is sealed with the master key, and while that is replaced with the next one as well.
fn data_keys() -> TableCreateStatement {
    Table::create()
        .table("data_keys")
        .col(integer("generation").primary_key())
        .col(blob("sealed"))
        .col(blob_null("sealed_next"))
        .col(timestamp_with_time_zone("created_at"))
        .to_owned()
}

/// A secret goes with its server. A data key that a value is sealed with cannot be removed.
fn secrets() -> TableCreateStatement {
    let mut of_server = ForeignKey::create();
    of_server
        .name("secrets_server_id")
        .from("secrets", "server_id")
        .to("servers", "id")
        .on_delete(ForeignKeyAction::Cascade);
    let mut sealed_with = ForeignKey::create();
    sealed_with
        .name("secrets_generation")
        .from("secrets", "generation")
        .to("data_keys", "generation")
        .on_delete(ForeignKeyAction::Restrict);
    Table::create()
        .table("secrets")
        .col(pk_uuid("id"))
        .col(uuid("server_id"))
        .col(text("key"))
        .col(text("description"))
        .col(blob_null("sealed"))
        .col(integer_null("generation"))
        .col(boolean("is_short"))
        .col(text("created_by"))
        .col(timestamp_with_time_zone("created_at"))
        .col(text("updated_by"))
        .col(timestamp_with_time_zone("updated_at"))
        .foreign_key(&mut of_server)
        .foreign_key(&mut sealed_with)
        .to_owned()
}

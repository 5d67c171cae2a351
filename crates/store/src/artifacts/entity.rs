//! The tables of artifacts.

use super::Artifact;

pub(super) mod row {
    //! What is known of an artifact.

    use chrono::{DateTime, Utc};
    use sea_orm::{ActiveValue::Set, entity::prelude::*};

    use super::Artifact;

    /// An [`Artifact`] as a row.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "artifacts")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub call_id: Uuid,
        pub owner: String,
        pub mime_type: String,
        pub name: Option<String>,
        pub is_text: bool,
        pub bytes: i64,
        /// Whether all its chunks are there.
        pub complete: bool,
        pub created_at: DateTime<Utc>,
        pub expires_at: DateTime<Utc>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    impl From<&Artifact> for ActiveModel {
        fn from(artifact: &Artifact) -> Self {
            Self {
                id: Set(artifact.id),
                call_id: Set(artifact.call_id),
                owner: Set(artifact.owner.clone()),
                mime_type: Set(artifact.mime_type.clone()),
                name: Set(artifact.name.clone()),
                is_text: Set(artifact.is_text),
                bytes: Set(artifact.bytes),
                complete: Set(false),
                created_at: Set(artifact.created_at),
                expires_at: Set(artifact.expires_at),
            }
        }
    }

    impl From<Model> for Artifact {
        fn from(row: Model) -> Self {
            Self {
                id: row.id,
                call_id: row.call_id,
                owner: row.owner,
                mime_type: row.mime_type,
                name: row.name,
                is_text: row.is_text,
                bytes: row.bytes,
                created_at: row.created_at,
                expires_at: row.expires_at,
            }
        }
    }
}

pub(super) mod chunk {
    //! The data of artifacts in pieces.

    use sea_orm::entity::prelude::*;

    /// A piece; all but the last have the same length.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "artifact_chunks")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) artifact_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) number: i32,
        pub(crate) bytes: Vec<u8>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

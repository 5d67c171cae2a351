//! JSON kept as text: unlike a database's own JSON type, text leaves the keys in their order.

use std::{fmt, str::FromStr};

use sea_orm::DeriveValueType;
use serde::Serialize;
use serde_json::Value;

/// A JSON value in a text column.
#[derive(Clone, Debug, PartialEq, Serialize, DeriveValueType)]
#[sea_orm(value_type = "String")]
pub struct Json(pub Value);

impl fmt::Display for Json {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for Json {
    type Err = serde_json::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        serde_json::from_str(text).map(Self)
    }
}

//! What may be chosen of the recipes, and what came of the choice.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Recipe;

/// Which recipes may be used, as a setting.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum MemoryReset {
    /// The fastest that works on this machine.
    #[default]
    Auto,
    /// This one or none.
    Only(Recipe),
}

impl MemoryReset {
    /// The recipes that may be tried, the fastest first.
    pub(crate) fn recipes(self) -> Vec<Recipe> {
        match self {
            Self::Auto => Recipe::OWN.into_iter().chain([Recipe::Pool]).collect(),
            Self::Only(recipe) => vec![recipe],
        }
    }
}

impl FromStr for MemoryReset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let mut recipes = Recipe::OWN.into_iter().chain([Recipe::Pool]);
        recipes.find(|recipe| recipe.as_str() == text).map(Self::Only).ok_or_else(|| {
            "expected auto, userfaultfd, pagemap-scan, pagemap, drop or pool".to_owned()
        })
    }
}

/// How memories are reset in this installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryReport {
    /// The recipe in use.
    pub recipe: Recipe,
    /// The faster ones that were tried first, each with the reason why it is not used.
    pub skipped: Vec<(Recipe, String)>,
}

#[cfg(test)]
mod tests {
    use super::{MemoryReset, Recipe};

    #[test]
    fn every_recipe_can_be_chosen_by_its_name() {
        for recipe in Recipe::OWN.into_iter().chain([Recipe::Pool]) {
            assert_eq!(recipe.as_str().parse(), Ok(MemoryReset::Only(recipe)));
        }
        assert_eq!("auto".parse(), Ok(MemoryReset::Auto));
        assert!("none".parse::<MemoryReset>().is_err());
    }
}

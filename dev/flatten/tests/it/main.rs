//! Flattens small components and runs them before and after.

//! Flattens small components and runs them before and after.

mod components;
mod host;
mod linking;
mod reduction;
mod refusals;

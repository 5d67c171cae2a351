//! A network of its own for a test.

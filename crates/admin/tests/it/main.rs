//! The admin door seen from outside.
#![expect(clippy::expect_used, reason = "a test that cannot set up has failed")]

mod route_table;

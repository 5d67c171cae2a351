//! The admin door seen from outside.
mod route_table;

//! What knows no noun: tables, items, batches, queries, changes, transactions, the audit table, and below them
//! [`Backend`], the few operations of a store.
//!
//! A backend speaks for a store: the crate `dynamodb` for DynamoDB, `local` for the store within its process. The engine
//! and all above it see neither.

pub(crate) mod attribute;
pub mod audit;
pub mod backend;
pub(crate) mod change;
mod convert;
mod error;
#[cfg(test)]
pub(crate) mod fields;
pub mod item;
pub(crate) mod list;
pub mod meter;
pub(crate) mod nonce;
pub(crate) mod read;
pub(crate) mod row;
pub mod table;
pub mod transaction;

pub use backend::Backend;
pub use error::StoreError;
pub use item::{Item, Value};

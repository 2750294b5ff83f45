//! The store: DynamoDB tables, their keys and rows, the server key layer, and mail.
//!
//! A function gets handles, and a handle is a capability: without [`Values`] nobody can name a row of the values
//! table, so the code can do no more than the function's role allows. Reads that decide something are strongly
//! consistent. What has to hold together is one [`Transaction`], and a change that is audited carries its record in
//! the same one. Nothing scans; every query pages.

pub mod accounts;
pub mod agents;
pub mod audit;
pub mod client;
mod dynamo;
mod error;
mod item;
pub mod key_layer;
pub mod lockout;
pub mod mail;
pub mod meter;
mod rows;
pub mod stats;
pub mod tables;
pub mod transaction;
pub mod values;
pub mod vaults;

pub use audit::{Audit, NonceError, Signer, Walk};
pub use dynamo::{Batch, Fetched, Store};
pub use error::{StoreError, describe};
pub use item::{Key, Row};
pub use key_layer::{KeyError, KeyLayer, KeyMaker, Keys, LocalKeyLayer};
pub use mail::{Mail, MailError, Mailer};
pub use transaction::{CommitError, Transaction, Update};
pub use values::{StoredValue, Values};

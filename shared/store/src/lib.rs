//! The store: DynamoDB tables, their keys and rows, the server key layer, and mail.
//!
//! A function gets handles, and a handle is a capability: without [`Values`] nobody can name a row of the values
//! table, so the code can do no more than the function's role allows. Reads that decide something are strongly
//! consistent. What has to hold together is one [`Transaction`], and a change that is audited carries its record in
//! the same one. Nothing scans; every query pages.

mod engine;
pub mod key_layer;
pub mod mail;
mod nouns;
pub mod rewrap;

pub use engine::attribute::{Attribute, Condition};
pub use engine::audit::{Audit, Walk};
pub use engine::change::Change;
pub use engine::list::{List, Part, Place};
pub use engine::nonce::{NonceError, Signer};
pub use engine::read::{Batch, Fetched, Lists, Store, backoff};
pub use engine::row::{Put, Row, RowKey};
pub use engine::transaction::{CommitError, Step, Transaction};
pub use engine::{Backend, Item, StoreError, Value, audit, backend, item, meter, table as tables, transaction};
pub use key_layer::{KeyError, KeyLayer, KeyMaker, KeyRing, LocalKeyLayer};
pub use mail::{Mail, MailError, Mailer};
pub use nouns::*;
pub use value::{StoredValue, Values};

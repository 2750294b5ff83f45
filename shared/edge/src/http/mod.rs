//! What goes over HTTP: routes, bodies, answers, pages and errors, and the document that describes them.

pub mod answer;
mod approval;
pub mod body;
mod code;
pub(crate) mod error;
pub mod listing;
pub mod names;
pub mod openapi;
pub mod page;
pub mod paging;
mod routes;
pub mod script;

pub use answer::{Json, done};
pub use approval::Approval;
pub use body::{Body, Ids};
pub use code::Code;
pub use error::Error;
pub use routes::{Managed, Route, Routes};

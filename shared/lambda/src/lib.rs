//! Runs a function on AWS Lambda.
//!
//! A function's `main` says what it is and what it needs; `functions/programs/src/bin/manage-secrets.rs` is one.
//!
//! Everything that can be done before the first request is done at the start, which Lambda gives more time and CPU:
//! the environment is read and checked, connections are opened, keys unwrapped. What is wrong with the environment
//! ends the process there, with a line that names the variable.

mod clients;
mod direct;
mod function;
mod http;
mod invoke;
mod start;

pub use clients::{Aws, NotOnAws, knock, once};
pub use dynamodb::{Counter, describe, retries, timeouts};
pub use function::Function;
pub use start::{Later, OpenKeyLayer, Start, StartError};

//! The store's backend on DynamoDB, by the AWS client; and what all AWS clients share: how long and how often a call is
//! tried, how its attempts are counted, and what may be said of its errors.
//!
//! A crate of its own, so that nothing but functions on AWS, and tests, compiles an AWS client.

mod backend;
mod client;
mod error;
mod image;

pub use backend::DynamoDb;
pub use client::{Counter, bounded, retries, timeouts};
pub use error::describe;
pub use image::Image;

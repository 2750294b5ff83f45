//! What is stored: one file for each noun, with its keys, its place in the index, its end, its attributes and its lists.

pub mod agent;
pub mod alerts;
mod between;
pub mod bundle;
pub mod canary;
pub mod day;
pub mod deployment;
mod effect;
pub mod expiry;
pub mod grant;
pub mod hold_back;
pub mod hour;
pub mod link;
pub mod lockout;
pub mod machine;
pub mod member;
pub mod passkey;
pub mod person;
pub mod policy;
pub mod project;
pub mod schedule;
pub mod second_factor;
pub mod secret;
pub mod session;
pub mod share;
pub mod ticket;
pub mod token;
pub mod usage;
pub mod value;
pub mod vault;
pub mod webhook;

pub use between::Between;
pub use effect::bring_about;

/// How far behind a time may be that is noted from the audit log, in seconds: what is used all the time costs one write a
/// minute.
const NOTED_SECONDS: u64 = 60;

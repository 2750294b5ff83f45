//! `seal-secret` in another process: an operation on its way there, and the reply on its way back.
//!
//! A message says until when it may be worked on. The sender waits a little longer than that, so a write cannot begin
//! after its caller gave up. When the time ran out, nobody knows whether the last write was made, and the caller is told so.

use std::borrow::Cow;
use std::time::Duration;

use async_trait::async_trait;
use rules::Time;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use super::{Operation, Perform};
use crate::{Clock, Code, Error};

/// How long a message may be worked on, in seconds. It makes a few calls to the store, each of which may take 4 s at
/// worst, and clients give up after 15 s.
const WORK_SECONDS: u64 = 10;
/// Longest that a reply is waited for: two seconds more than it is worked on.
pub const WAIT: Duration = Duration::from_secs(12);

/// What a caller is told when it is not known whether its write was made.
pub fn unknown(inside: impl Into<String>) -> Error {
    Error::new(Code::OutcomeUnknown, "It is not known whether this was written, look before you try again")
        .inside(inside)
}

/// The reply to a message: the answer, or the error as the caller's caller is to see it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the parts of an Error")]
pub enum Reply {
    /// It was done.
    Done(Value),
    /// It was refused or failed.
    Error { code: String, outside: String, reason: Option<String> },
}

impl From<Result<Value, Error>> for Reply {
    fn from(result: Result<Value, Error>) -> Self {
        match result {
            Ok(answer) => Self::Done(answer),
            Err(error) => Self::Error {
                code: error.code().name().to_owned(),
                outside: error.outside().to_owned(),
                reason: error.reason().map(str::to_owned),
            },
        }
    }
}

impl From<Reply> for Result<Value, Error> {
    fn from(reply: Reply) -> Self {
        match reply {
            Reply::Done(answer) => Ok(answer),
            Reply::Error { code, outside, reason } => {
                let code = Code::named(&code).unwrap_or(Code::Internal);
                let error = Error::new(code, Cow::Owned(outside));
                Err(match reason {
                    Some(reason) => error.inside(reason),
                    None => error,
                })
            }
        }
    }
}

/// An operation on its way, and until when it may be worked on.
#[derive(Serialize, Deserialize)]
pub struct Message {
    deadline: Time,
    operation: Operation,
}

impl Message {
    /// The operation's name, for the log.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.operation.name()
    }

    /// Does what the message asks for, as long as there is time.
    pub async fn perform(self, seal: &dyn Perform, clock: &Clock) -> Result<Value, Error> {
        let left = Duration::from_millis(self.deadline.ms().saturating_sub(clock.now().ms()));
        if left.is_zero() {
            return Err(Error::unavailable("This took too long to begin, try again").inside("came past its deadline"));
        }
        let done = tokio::time::timeout(left, seal.perform(self.operation)).await;
        done.unwrap_or_else(|_| Err(unknown("not done by its deadline")))
    }
}

/// Takes a message to `seal-secret` and brings the reply back, as JSON both. It must not send a message twice.
#[async_trait]
pub trait Carrier: Send + Sync {
    /// One message, one reply.
    async fn carry(&self, message: Zeroizing<Vec<u8>>) -> Result<Vec<u8>, Error>;
}

/// `seal-secret` in another process.
pub struct Remote<C> {
    carrier: C,
    clock: Clock,
}

impl<C: Carrier> Remote<C> {
    /// Reached by this carrier.
    pub fn by(carrier: C, clock: Clock) -> Self {
        Self { carrier, clock }
    }
}

#[async_trait]
impl<C: Carrier> Perform for Remote<C> {
    async fn perform(&self, operation: Operation) -> Result<Value, Error> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(operation.size().saturating_mul(2).saturating_add(4_096)));
        let message = Message { deadline: self.clock.now().plus_seconds(WORK_SECONDS), operation };
        serde_json::to_writer(&mut *bytes, &message).map_err(|error| Error::internal(error.to_string()))?;
        let reply = self.carrier.carry(bytes).await?;
        // The library's message can quote the reply, which holds nothing secret.
        let reply: Reply = serde_json::from_slice(&reply)
            .map_err(|error| Error::internal(format!("seal-secret gave no reply: {error}")))?;
        reply.into()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::super::MakeIdentity;
    use super::*;
    use protocol::VaultId;
    use rules::nouns::BundleId;

    /// A `seal-secret` that takes as long as the test says.
    struct Slow(Duration);

    #[async_trait]
    impl Perform for Slow {
        async fn perform(&self, _: Operation) -> Result<Value, Error> {
            tokio::time::sleep(self.0).await;
            Err(Error::new(Code::ChangedMeanwhile, "done"))
        }
    }

    async fn after(waiting: u64, working: u64) -> Error {
        let ms = Arc::new(AtomicU64::new(1_000));
        let vault = VaultId::from_entropy([1; 16]);
        let operation = MakeIdentity { vault, bundle: BundleId::from_entropy([2; 16]) }.into();
        let clock = Clock::Manual(ms.clone());
        let message = Message { deadline: clock.now().plus_seconds(WORK_SECONDS), operation };
        ms.fetch_add(waiting * 1_000, Ordering::Relaxed);
        message.perform(&Slow(Duration::from_secs(working)), &clock).await.unwrap_err()
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_begun_or_gone_on_with_after_the_deadline() {
        assert_eq!(after(9, 0).await.outside(), "done");
        assert_eq!(after(0, 9).await.outside(), "done");
        let late = after(10, 0).await;
        assert_eq!((late.status().as_u16(), late.outside()), (503, "This took too long to begin, try again"));
        for error in [after(0, 11).await, after(9, 2).await] {
            assert_eq!(error.status().as_u16(), 503);
            assert!(error.outside().starts_with("It is not known whether"), "{error:?}");
        }
        assert!(WAIT > Duration::from_secs(WORK_SECONDS), "who sent it waits for that answer");
    }
}

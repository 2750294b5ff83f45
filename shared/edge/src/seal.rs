//! The door to `seal-secret`, the only writer of values.
//!
//! Functions that people and AI agents can reach hold no right to open a value or to read the values table. They hand
//! plaintext to `seal-secret` by asking it ([`Seal::ask`]) and get metadata back. No operation returns a value.
//!
//! An operation is a struct here, with what it is answered, and an arm where `seal-secret` performs it. `seal-secret` itself
//! implements [`Perform`]. Where it is another process, [`Remote`] does: it makes each operation a message for whatever
//! carries messages there, and [`Message::perform`] is what that message meets.
//!
//! A message says until when it may be worked on. Who sent it waits a little longer than that, so a write cannot begin
//! after its caller gave up; and when the time ran out nobody knows whether the last one was made, which is what the
//! caller is told.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use crypto::{Generator, Plaintext, PublicKey, Sealed};
use http::StatusCode;
use protocol::{BundleId, SecretId, VaultId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use store::meter::{self, Counted};
use vault::Time;
use vault::audit::Record;
use vault::model::Secret;
use zeroize::Zeroizing;

use crate::{Clock, Error};

/// How long a message may be worked on, in seconds. It makes a few calls to the store, each of which may take 4 s at
/// worst, and clients give up after 15 s.
const WORK_SECONDS: u64 = 10;
/// Longest that a reply is waited for: two seconds more than it is worked on.
pub const WAIT: Duration = Duration::from_secs(12);

/// What a caller is told when it is not known whether its write was made.
pub fn unknown(inside: impl Into<String>) -> Error {
    Error::unavailable("It is not known whether this was written, look before you try again").inside(inside)
}

/// Something that `seal-secret` is asked for.
pub trait Ask: Into<Operation> {
    /// What it answers.
    type Answer: Serialize + DeserializeOwned;

    /// Whether the record that went with it was written.
    fn is_recorded(_: &Self::Answer) -> bool {
        true
    }
}

macro_rules! operations {
    ($($(#[$doc:meta])* $operation:ident $name:literal { $($(#[$field_doc:meta])* $field:ident: $type:ty,)+ })+) => {
        $(
            $(#[$doc])*
            #[derive(Serialize, Deserialize)]
            pub struct $operation {
                $($(#[$field_doc])* pub $field: $type,)+
            }

            impl From<$operation> for Operation {
                fn from(operation: $operation) -> Self {
                    Self::$operation(Box::new(operation))
                }
            }
        )+

        /// Any operation, as a message has it.
        #[derive(Serialize, Deserialize)]
        #[expect(missing_docs, reason = "each is its own type")]
        pub enum Operation {
            $(#[serde(rename = $name)] $operation(Box<$operation>),)+
        }

        impl Operation {
            /// Its name, for the log.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$operation(_) => $name,)+
                }
            }
        }
    };
}

operations! {
    /// A new secret with its first version. 404 if its project is gone.
    Create "create" {
        /// The secret, without its value.
        secret: Secret,
        /// The value.
        #[serde(serialize_with = "in_clear")]
        value: Plaintext,
        /// The record of it.
        record: Record,
    }

    /// A new version of a secret. The secret's state is checked in the same transaction: one that was deleted meanwhile is a
    /// 404.
    Replace "replace" {
        /// The vault it is in.
        vault: VaultId,
        /// The secret.
        secret: SecretId,
        /// The value.
        #[serde(serialize_with = "in_clear")]
        value: Plaintext,
        /// The record of it.
        record: Record,
    }

    /// A new version with generated content. Of a structured secret the named fields are generated and the others kept.
    Rotate "rotate" {
        /// The vault it is in.
        vault: VaultId,
        /// The secret.
        secret: SecretId,
        /// What is generated.
        how: Rotation,
        /// The record of it.
        record: Record,
    }

    /// An old version's value as a new version. A version that is not kept is a 404.
    RollBack "roll_back" {
        /// The vault it is in.
        vault: VaultId,
        /// The secret.
        secret: SecretId,
        /// The old version.
        to: u64,
        /// The record of it.
        record: Record,
    }

    /// The end of a secret's values, all versions, and of its row.
    Destroy "destroy" {
        /// The vault it is in.
        vault: VaultId,
        /// The secret.
        secret: SecretId,
        /// The record of it, if it has one of its own.
        record: Option<Record>,
    }

    /// A key pair for a bundle, the private key file sealed under the vault's key.
    MakeIdentity "make_identity" {
        /// The vault.
        vault: VaultId,
        /// The bundle.
        bundle: BundleId,
    }
}

/// How a value is rotated.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rotation {
    /// What generates it.
    pub generator: Generator,
    /// The fields of a structured secret that change; nothing means all.
    pub fields: Option<Vec<String>>,
}

/// The version that a secret has now.
#[derive(Debug, Serialize, Deserialize)]
pub struct NewVersion {
    /// Its number.
    pub version: u64,
}

/// Whether there was something to destroy.
#[derive(Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the name says it")]
pub struct Destroyed {
    pub was_there: bool,
}

/// A key pair that was made.
#[derive(Debug, Serialize, Deserialize)]
pub struct Identity {
    /// The public half.
    pub public_key: PublicKey,
    /// The private key file, sealed.
    pub private_key: Sealed,
}

impl Ask for Create {
    type Answer = NewVersion;
}

impl Ask for Replace {
    type Answer = NewVersion;
}

impl Ask for Rotate {
    type Answer = NewVersion;
}

impl Ask for RollBack {
    type Answer = NewVersion;
}

impl Ask for Destroy {
    type Answer = Destroyed;

    fn is_recorded(answer: &Destroyed) -> bool {
        answer.was_there
    }
}

impl Ask for MakeIdentity {
    type Answer = Identity;

    fn is_recorded(_: &Identity) -> bool {
        false
    }
}

/// The one place where a value is written out in clear: on its way to `seal-secret`.
fn in_clear<S: Serializer>(value: &Plaintext, to: S) -> Result<S::Ok, S::Error> {
    let text = value.expose_str().ok_or_else(|| serde::ser::Error::custom("a value that is not UTF-8"))?;
    to.serialize_str(text)
}

impl Operation {
    /// About how long its message is beside what all have: a buffer that grows leaves copies behind.
    fn size(&self) -> usize {
        match self {
            Self::Create(create) => create.value.len(),
            Self::Replace(replace) => replace.value.len(),
            _ => 0,
        }
    }
}

/// What performs operations: `seal-secret`, here or elsewhere.
#[async_trait]
pub trait Perform: Send + Sync {
    /// Performs one, and answers as its [`Ask::Answer`] is in JSON.
    async fn perform(&self, operation: Operation) -> Result<Value, Error>;
}

/// An answer as [`Perform`] gives it.
pub fn answer<A: Ask>(answer: &A::Answer) -> Result<Value, Error> {
    serde_json::to_value(answer).map_err(|error| Error::internal(error.to_string()))
}

/// `seal-secret`, as the functions have it that may ask for something.
#[derive(Clone)]
pub struct Seal(Arc<dyn Perform>);

impl Seal {
    /// By what performs its operations.
    pub fn by(performer: impl Perform + 'static) -> Self {
        Self(Arc::new(performer))
    }

    /// Asks for this.
    pub async fn ask<A: Ask>(&self, ask: A) -> Result<A::Answer, Error> {
        let answer = self.0.perform(ask.into()).await?;
        // The library's message can quote the answer, which holds nothing secret.
        let answer: A::Answer = serde_json::from_value(answer)
            .map_err(|error| Error::internal(format!("seal-secret answered another question: {error}")))?;
        if A::is_recorded(&answer) {
            // With what it wrote went the record of it.
            meter::count(Counted::Record);
        }
        Ok(answer)
    }
}

/// The reply to a message: the answer, or the error as the caller's caller is to see it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the parts of an Error")]
pub enum Reply {
    /// It was done.
    Done(Value),
    /// It was refused or failed.
    Error { status: u16, outside: String, reason: Option<String> },
}

impl From<Result<Value, Error>> for Reply {
    fn from(result: Result<Value, Error>) -> Self {
        match result {
            Ok(answer) => Self::Done(answer),
            Err(error) => Self::Error {
                status: error.status().as_u16(),
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
            Reply::Error { status, outside, reason } => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let error = Error::new(status, Cow::Owned(outside));
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
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// A `seal-secret` that takes as long as the test says.
    struct Slow(Duration);

    #[async_trait]
    impl Perform for Slow {
        async fn perform(&self, _: Operation) -> Result<Value, Error> {
            tokio::time::sleep(self.0).await;
            Err(Error::conflict("done"))
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

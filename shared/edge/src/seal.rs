//! The door to `seal-secret`, the only writer of values.
//!
//! Functions that people and AI agents can reach hold no right to open a value or to read the values table. They hand
//! plaintext to `seal-secret` through this interface and get metadata back. No operation returns a value.
//!
//! `seal-secret` itself implements [`Seal`]. Where it is another process, [`Remote`] does: it makes each operation a
//! message for whatever carries messages there, and [`Message::perform`] is what that message meets.
//!
//! A message says until when it may be worked on. Who sent it waits a little longer than that, so a write cannot begin
//! after its caller gave up; and when the time ran out nobody knows whether the last one was made, which is what the
//! caller is told.

use std::borrow::Cow;
use std::time::Duration;

use async_trait::async_trait;
use crypto::{Generator, Plaintext, PublicKey, Sealed};
use http::StatusCode;
use protocol::{BundleId, SecretId, VaultId};
use serde::{Deserialize, Serialize};
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

/// What `seal-secret` does for others.
#[async_trait]
pub trait Seal: Send + Sync {
    /// Writes a new secret with its first version and the record of it.
    async fn create(&self, secret: Secret, value: Plaintext, record: Record) -> Result<(), Error>;

    /// Writes a new version of a secret and the record of it; says which version it is.
    ///
    /// The secret's state is checked in the same transaction: one that was deleted meanwhile is a 404.
    async fn replace(&self, vault: VaultId, secret: SecretId, value: Plaintext, record: Record) -> Result<u64, Error>;

    /// Writes a new version with generated content and the record of it; says which version it is. Of a structured
    /// secret the named fields are generated and the others kept; none named means all.
    async fn rotate(&self, vault: VaultId, secret: SecretId, how: Rotation, record: Record) -> Result<u64, Error>;

    /// Writes an old version's value as a new version, with the record of it; says which version that is. A version
    /// that is not kept is a 404.
    async fn roll_back(&self, vault: VaultId, secret: SecretId, to: u64, record: Record) -> Result<u64, Error>;

    /// Destroys a secret's values, all versions, and its row, with the record of it; says whether it was there.
    async fn destroy(&self, vault: VaultId, secret: SecretId, record: Option<Record>) -> Result<bool, Error>;

    /// Makes a key pair for a bundle: the public half, and the private key file sealed under the vault's key.
    async fn make_identity(&self, vault: VaultId, bundle: BundleId) -> Result<(PublicKey, Sealed), Error>;
}

/// How a value is rotated.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rotation {
    /// What generates it.
    pub generator: Generator,
    /// The fields of a structured secret that change; nothing means all.
    pub fields: Option<Vec<String>>,
}

/// An operation as a message; `V` is the value in clear, borrowed to be sent and owned when it arrives.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the arguments of the operations of Seal")]
pub enum Operation<V> {
    /// [`Seal::create`].
    Create { secret: Box<Secret>, value: V, record: Box<Record> },
    /// [`Seal::replace`].
    Replace { vault: VaultId, secret: SecretId, value: V, record: Box<Record> },
    /// [`Seal::rotate`].
    Rotate { vault: VaultId, secret: SecretId, how: Rotation, record: Box<Record> },
    /// [`Seal::roll_back`].
    RollBack { vault: VaultId, secret: SecretId, to: u64, record: Box<Record> },
    /// [`Seal::destroy`].
    Destroy { vault: VaultId, secret: SecretId, record: Option<Box<Record>> },
    /// [`Seal::make_identity`].
    MakeIdentity { vault: VaultId, bundle: BundleId },
}

impl<V> Operation<V> {
    /// Its name, for the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Replace { .. } => "replace",
            Self::Rotate { .. } => "rotate",
            Self::RollBack { .. } => "roll_back",
            Self::Destroy { .. } => "destroy",
            Self::MakeIdentity { .. } => "make_identity",
        }
    }
}

/// What came of an operation.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the results of the operations of Seal")]
pub enum Done {
    /// Of [`Seal::create`].
    Created {},
    /// Of [`Seal::replace`], [`Seal::rotate`] and [`Seal::roll_back`].
    Replaced { version: u64 },
    /// Of [`Seal::destroy`].
    Destroyed { was_there: bool },
    /// Of [`Seal::make_identity`].
    Identity { public_key: PublicKey, private_key: Sealed },
}

/// The answer to a message: what came of it, or the error as the caller's caller is to see it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the parts of an Error")]
pub enum Reply {
    /// It was done.
    Done(Done),
    /// It was refused or failed.
    Error { status: u16, outside: String, reason: Option<String> },
}

impl From<Result<Done, Error>> for Reply {
    fn from(result: Result<Done, Error>) -> Self {
        match result {
            Ok(done) => Self::Done(done),
            Err(error) => Self::Error {
                status: error.status().as_u16(),
                outside: error.outside().to_owned(),
                reason: error.reason().map(str::to_owned),
            },
        }
    }
}

impl From<Reply> for Result<Done, Error> {
    fn from(reply: Reply) -> Self {
        match reply {
            Reply::Done(done) => Ok(done),
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
pub struct Message<V> {
    deadline: Time,
    operation: Operation<V>,
}

impl<V> Message<V> {
    /// The operation's name, for the log.
    pub fn name(&self) -> &'static str {
        self.operation.name()
    }
}

impl Message<Plaintext> {
    /// Does what the message asks for, as long as there is time.
    pub async fn perform(self, seal: &dyn Seal, clock: &Clock) -> Result<Done, Error> {
        let left = Duration::from_millis(self.deadline.ms().saturating_sub(clock.now().ms()));
        if left.is_zero() {
            return Err(Error::unavailable("This took too long to begin, try again").inside("came past its deadline"));
        }
        let done = tokio::time::timeout(left, perform(seal, self.operation)).await;
        done.unwrap_or_else(|_| Err(unknown("not done by its deadline")))
    }
}

async fn perform(seal: &dyn Seal, operation: Operation<Plaintext>) -> Result<Done, Error> {
    match operation {
        Operation::Create { secret, value, record } => {
            seal.create(*secret, value, *record).await.map(|()| Done::Created {})
        }
        Operation::Replace { vault, secret, value, record } => {
            let version = seal.replace(vault, secret, value, *record).await?;
            Ok(Done::Replaced { version })
        }
        Operation::Rotate { vault, secret, how, record } => {
            let version = seal.rotate(vault, secret, how, *record).await?;
            Ok(Done::Replaced { version })
        }
        Operation::RollBack { vault, secret, to, record } => {
            let version = seal.roll_back(vault, secret, to, *record).await?;
            Ok(Done::Replaced { version })
        }
        Operation::Destroy { vault, secret, record } => {
            let was_there = seal.destroy(vault, secret, record.map(|record| *record)).await?;
            Ok(Done::Destroyed { was_there })
        }
        Operation::MakeIdentity { vault, bundle } => {
            let (public_key, private_key) = seal.make_identity(vault, bundle).await?;
            Ok(Done::Identity { public_key, private_key })
        }
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

    /// `size` is about how long the value is: a buffer that grows leaves copies behind.
    async fn send(&self, operation: Operation<&str>, size: usize) -> Result<Done, Error> {
        let mut message = Zeroizing::new(Vec::with_capacity(size.saturating_mul(2).saturating_add(4_096)));
        let with_deadline = Message { deadline: self.clock.now().plus_seconds(WORK_SECONDS), operation };
        serde_json::to_writer(&mut *message, &with_deadline).map_err(|error| Error::internal(error.to_string()))?;
        let reply = self.carrier.carry(message).await?;
        // The library's message can quote the reply, which holds nothing secret.
        let reply: Reply = serde_json::from_slice(&reply)
            .map_err(|error| Error::internal(format!("seal-secret gave no reply: {error}")))?;
        let done = Result::from(reply)?;
        if matches!(done, Done::Created {} | Done::Replaced { .. } | Done::Destroyed { was_there: true }) {
            // With what it wrote went the record of it.
            meter::count(Counted::Record);
        }
        Ok(done)
    }

    async fn new_version(&self, operation: Operation<&str>, size: usize) -> Result<u64, Error> {
        match self.send(operation, size).await? {
            Done::Replaced { version } => Ok(version),
            other => Err(unexpected(&other)),
        }
    }
}

fn text(value: &Plaintext) -> Result<&str, Error> {
    value.expose_str().ok_or_else(|| Error::internal("a value that is not UTF-8 came this far"))
}

fn unexpected(done: &Done) -> Error {
    Error::internal(format!("seal-secret answered another question: {done:?}"))
}

#[async_trait]
impl<C: Carrier> Seal for Remote<C> {
    async fn create(&self, secret: Secret, value: Plaintext, record: Record) -> Result<(), Error> {
        let (secret, record) = (Box::new(secret), Box::new(record));
        match self.send(Operation::Create { secret, value: text(&value)?, record }, value.len()).await? {
            Done::Created {} => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    async fn replace(&self, vault: VaultId, secret: SecretId, value: Plaintext, record: Record) -> Result<u64, Error> {
        let operation = Operation::Replace { vault, secret, value: text(&value)?, record: Box::new(record) };
        self.new_version(operation, value.len()).await
    }

    async fn rotate(&self, vault: VaultId, secret: SecretId, how: Rotation, record: Record) -> Result<u64, Error> {
        self.new_version(Operation::Rotate { vault, secret, how, record: Box::new(record) }, 0).await
    }

    async fn roll_back(&self, vault: VaultId, secret: SecretId, to: u64, record: Record) -> Result<u64, Error> {
        self.new_version(Operation::RollBack { vault, secret, to, record: Box::new(record) }, 0).await
    }

    async fn destroy(&self, vault: VaultId, secret: SecretId, record: Option<Record>) -> Result<bool, Error> {
        match self.send(Operation::Destroy { vault, secret, record: record.map(Box::new) }, 0).await? {
            Done::Destroyed { was_there } => Ok(was_there),
            other => Err(unexpected(&other)),
        }
    }

    async fn make_identity(&self, vault: VaultId, bundle: BundleId) -> Result<(PublicKey, Sealed), Error> {
        match self.send(Operation::MakeIdentity { vault, bundle }, 0).await? {
            Done::Identity { public_key, private_key } => Ok((public_key, private_key)),
            other => Err(unexpected(&other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// A `seal-secret` that takes as long as the test says.
    struct Slow(Duration);

    #[async_trait]
    impl Seal for Slow {
        async fn create(&self, _: Secret, _: Plaintext, _: Record) -> Result<(), Error> {
            Ok(())
        }

        async fn replace(&self, _: VaultId, _: SecretId, _: Plaintext, _: Record) -> Result<u64, Error> {
            Ok(2)
        }

        async fn rotate(&self, _: VaultId, _: SecretId, _: Rotation, _: Record) -> Result<u64, Error> {
            Ok(2)
        }

        async fn roll_back(&self, _: VaultId, _: SecretId, _: u64, _: Record) -> Result<u64, Error> {
            Ok(2)
        }

        async fn destroy(&self, _: VaultId, _: SecretId, _: Option<Record>) -> Result<bool, Error> {
            Ok(true)
        }

        async fn make_identity(&self, _: VaultId, _: BundleId) -> Result<(PublicKey, Sealed), Error> {
            tokio::time::sleep(self.0).await;
            Err(Error::conflict("done"))
        }
    }

    async fn after(waiting: u64, working: u64) -> Error {
        let ms = Arc::new(AtomicU64::new(1_000));
        let operation =
            Operation::MakeIdentity { vault: VaultId::from_entropy([1; 16]), bundle: BundleId::from_entropy([2; 16]) };
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

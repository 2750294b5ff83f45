//! The door to `seal-secret`, the only writer of values.
//!
//! Functions that people and AI agents can reach hold no right to open a value or to read the values table. They hand
//! plaintext to `seal-secret` by asking it ([`Seal::ask`]) and get metadata back. No operation returns a value.
//!
//! An operation is a struct here, with what it is answered, and an arm where `seal-secret` performs it. `seal-secret` itself
//! implements [`Perform`]. Where it is another process, [`Remote`] does: it makes each operation a message for whatever
//! carries messages there, and [`Message::perform`] is what that message meets.

use std::sync::Arc;

use async_trait::async_trait;
use crypto::{Generator, Plaintext, PublicKey, Sealed};
use protocol::{SecretId, VaultId};
use rules::audit::Record;
use rules::nouns::{BundleId, Due, Secret, ShareLink, WebhookId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::{Error, Room};

mod message;

pub use message::{Carrier, Message, Remote, Reply, WAIT, unknown};

/// Something that `seal-secret` is asked for.
pub trait Ask: Into<Operation> {
    /// What it answers.
    type Answer: Serialize + DeserializeOwned;

    /// The record that goes with it.
    fn record(&self) -> Option<&Record>;

    /// Whether that record was written.
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
    /// A new secret with its first version, and its schedule if it has one. 404 if its project is gone.
    Create "create" {
        /// The secret, without its value.
        secret: Secret,
        /// The value.
        #[serde(serialize_with = "in_clear")]
        value: Plaintext,
        /// The record of it.
        record: Record,
        /// The record of its schedule, if it has one.
        scheduled: Option<Record>,
        /// Room for it in the vault's plan.
        room: Room,
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
        /// What was due, if it was: it is done with the new version, or has been done.
        due: Option<Due>,
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

    /// A new share link with its value. 404 if its project is gone.
    Share "share" {
        /// The link, without its value.
        link: ShareLink,
        /// What its value is to be.
        value: SharedValue,
        /// Argon2id of the passphrase.
        passphrase_hash: String,
        /// The record of it.
        record: Record,
    }

    /// A webhook's new signing secret, sealed under the vault's key for them.
    SealSigningSecret "seal_signing_secret" {
        /// The vault.
        vault: VaultId,
        /// The webhook.
        webhook: WebhookId,
        /// The secret.
        #[serde(serialize_with = "in_clear")]
        secret: Plaintext,
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

/// What the value of a share link is to be.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SharedValue {
    /// This one.
    #[serde(serialize_with = "in_clear")]
    Given(Plaintext),
    /// A generated one, which nobody is told but who opens the link.
    Generated(Generator),
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

/// A share link was made.
#[derive(Debug, Serialize, Deserialize)]
pub struct Shared {}

/// A signing secret that was sealed.
#[derive(Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the name says it")]
pub struct SealedSecret {
    pub sealed: Sealed,
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

    fn record(&self) -> Option<&Record> {
        Some(&self.record)
    }
}

impl Ask for Replace {
    type Answer = NewVersion;

    fn record(&self) -> Option<&Record> {
        Some(&self.record)
    }
}

impl Ask for Rotate {
    type Answer = NewVersion;

    fn record(&self) -> Option<&Record> {
        Some(&self.record)
    }
}

impl Ask for RollBack {
    type Answer = NewVersion;

    fn record(&self) -> Option<&Record> {
        Some(&self.record)
    }
}

impl Ask for Destroy {
    type Answer = Destroyed;

    fn record(&self) -> Option<&Record> {
        self.record.as_ref()
    }

    fn is_recorded(answer: &Destroyed) -> bool {
        answer.was_there
    }
}

impl Ask for Share {
    type Answer = Shared;

    fn record(&self) -> Option<&Record> {
        Some(&self.record)
    }
}

impl Ask for SealSigningSecret {
    type Answer = SealedSecret;

    fn record(&self) -> Option<&Record> {
        None
    }
}

impl Ask for MakeIdentity {
    type Answer = Identity;

    fn record(&self) -> Option<&Record> {
        None
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
            Self::Share(share) => match &share.value {
                SharedValue::Given(value) => value.len(),
                SharedValue::Generated(_) => 0,
            },
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
        let record = ask.record().map(|record| record.written.clone());
        let answer = self.0.perform(ask.into()).await?;
        // The library's message can quote the answer, which holds nothing secret.
        let answer: A::Answer = serde_json::from_value(answer)
            .map_err(|error| Error::internal(format!("seal-secret answered another question: {error}")))?;
        if let Some(record) = record.filter(|_| A::is_recorded(&answer)) {
            record.note();
        }
        Ok(answer)
    }
}

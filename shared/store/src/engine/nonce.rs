//! Nonces: each row of the audit table under a signer's nonce makes one signed request unique.

use crypto::random;
use protocol::{AgentId, MachineId, Nonce};
use rules::Time;
use rules::audit::Record;

use super::audit::{Audit, indexed};
use super::backend::{PutItem, WriteError};
use super::item::{Item, Value};
use super::table::TTL;
use super::transaction::{CommitError, FREE, Transaction};
use crate::StoreError;

/// How long the nonce of a request that is not audited is kept, in seconds. It has to outlive the ten minutes in which
/// its timestamp can pass.
const NONCE_SECONDS: u64 = 3_600;

/// Whose nonce it is. Machines and agents share none: their rows' keys begin differently.
#[derive(Debug, Clone, Copy)]
pub enum Signer {
    /// A machine's.
    Machine(MachineId),
    /// An AI agent's.
    Agent(AgentId),
}

impl std::fmt::Display for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Machine(id) => write!(f, "machine#{id}"),
            Self::Agent(id) => write!(f, "agent#{id}"),
        }
    }
}

/// Why a request's nonce could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum NonceError {
    /// It was used before.
    #[error("nonce used before")]
    Replayed,
    /// What was to be written with it does not hold any more; nothing was written.
    #[error("changed at the same time")]
    Overtaken,
    /// The store did not answer or refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The row of a signer's nonce, which is the record of its request if there is one.
fn nonce_item(signer: Signer, nonce: &Nonce, record: Option<&Record>, now: Time) -> Result<Item, StoreError> {
    let pk = format!("{signer}#{}", nonce.as_str());
    if let Some(record) = record {
        return indexed(pk, record);
    }
    let mut item = Item::default();
    item.set("pk", pk);
    item.set(TTL, now.plus_seconds(NONCE_SECONDS).seconds());
    Ok(item)
}

impl Audit {
    /// Takes a signer's nonce, and writes the record of its request in the same row if it is audited.
    ///
    /// The row also carries a number of this attempt. When the store wrote it and its answer was lost, the library
    /// asks again and finds its own row: that is not a replay.
    pub async fn take_nonce(
        &self,
        signer: Signer,
        nonce: &Nonce,
        record: Option<&Record>,
        now: Time,
    ) -> Result<(), NonceError> {
        let mut item = nonce_item(signer, nonce, record, now)?;
        let attempt = Value::from(hex::encode(random::bytes::<12>()));
        item.set("attempt", attempt.clone());
        let put = PutItem { condition: Some(FREE.into()), tell_old: true, ..self.put(item) };
        match self.0.backend.put(put).await {
            Ok(()) => {}
            Err(WriteError::Condition(there)) => {
                if there.as_ref().and_then(|there| there.get("attempt")) != Some(&attempt) {
                    return Err(NonceError::Replayed);
                }
            }
            Err(error) => return Err(StoreError::from(error).into()),
        }
        if let Some(record) = record {
            record.written.note();
        }
        Ok(())
    }

    /// The same together with other steps, in one transaction.
    pub async fn take_nonce_with(
        &self,
        signer: Signer,
        nonce: &Nonce,
        record: &Record,
        now: Time,
        steps: impl FnOnce(&mut Transaction<'_>),
    ) -> Result<(), NonceError> {
        let mut write = self.0.transaction();
        let taken = write.take_nonce(nonce_item(signer, nonce, Some(record), now)?, record);
        steps(&mut write);
        match write.commit().await {
            Ok(()) => Ok(()),
            Err(CommitError::Refused(step)) if step == taken => Err(NonceError::Replayed),
            Err(CommitError::Refused(_) | CommitError::Conflict) => Err(NonceError::Overtaken),
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }
}

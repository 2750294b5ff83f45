//! Access policies, the secrets that are bound to them, and what is counted of those secrets' reads.

use protocol::{ProjectId, SecretId};
use rules::Time;
use rules::nouns::{Binding, Due, DueBy, Expiring, Expiry, Policy, PolicyId, Secret, SecretReads};
use rules::policies::{Axes, Effect};

use crate::engine::attribute::attributes;
use crate::engine::row::{Put, Row, RowKey, sortable};
use crate::engine::table::Table;
use crate::{Batch, Change, List, Lists, Step, StoreError, Transaction};

/// A project's policies, in the order in which they were made.
#[must_use]
pub fn of_project(project: ProjectId) -> List<Policy> {
    List::owned(format!("PROJECT#{project}"), "POLICY#")
}

/// The secrets that are bound to a policy.
#[must_use]
pub fn bindings_of(policy: PolicyId) -> List<Binding> {
    List::stored(format!("POLICY#{policy}"), "SECRET#")
}

/// Key of a policy.
#[must_use]
pub fn row(id: PolicyId) -> RowKey<Policy> {
    RowKey::new(format!("POLICY#{id}"), "POLICY")
}

/// Key of what is counted of a secret's reads. The counts have a partition of their own, so that whoever may change them may
/// not change secrets.
#[must_use]
pub fn reads(secret: SecretId) -> RowKey<SecretReads> {
    RowKey::new(format!("READS#{secret}"), "READS")
}

impl Row for Policy {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "policy";
}

impl Put for Policy {
    fn key(&self) -> RowKey<Self> {
        row(self.id)
    }

    fn owner(&self) -> Option<(String, String)> {
        Some((format!("PROJECT#{}", self.project), format!("POLICY#{}#{}", sortable(self.created_at), self.id)))
    }
}

impl Row for Binding {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "binding of a policy";
}

impl Put for Binding {
    fn key(&self) -> RowKey<Self> {
        RowKey::new(format!("POLICY#{}", self.policy), format!("SECRET#{}", self.secret))
    }
}

impl Row for SecretReads {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "reads of a secret";
}

impl Put for SecretReads {
    fn key(&self) -> RowKey<Self> {
        reads(self.secret)
    }
}

attributes! {
    Policy {
        NAME = name "name": String;
        DESCRIPTION = description "description": Option<String>;
        AXES = axes "axes": Axes;
        BOUND = bound "bound": u64;
        UPDATED_AT = updated_at "updatedAt": Time;
    }
    SecretReads {
        BOUND_TO = policy "policy": PolicyId;
        TOTAL = total "total": u64;
        SINCE_ROTATION = since_rotation "sinceRotation": u64;
        OF_VERSION = of_version "ofVersion": u64;
        MINUTE = minute "minute": u64;
        MINUTE_READS = minute_reads "minuteReads": u64;
        DAY = day "day": u64;
        DAY_READS = day_reads "dayReads": u64;
        COSIGNED_AT = cosigned_at "cosignedAt": Option<Time>;
    }
}

impl Lists {
    /// The policy that a secret is bound to, and what is counted of its reads.
    pub async fn policy_of(&self, secret: &Secret) -> Result<Option<(Policy, SecretReads)>, StoreError> {
        let Some(id) = secret.policy else { return Ok(None) };
        let (policy, reads) = (row(id), reads(secret.id));
        let mut batch = Batch::new();
        batch.want(&policy);
        batch.want(&reads);
        let mut fetched = self.fetch(batch).await?;
        Ok(fetched.take(&policy)?.zip(fetched.take(&reads)?))
    }
}

/// Forgets that a secret is bound. `is_there` says whether the policy is, which counts its secrets. What was counted of the
/// secret's reads is the caller's to delete or to begin anew.
pub fn unbind(write: &mut Transaction<'_>, policy: PolicyId, secret: SecretId, is_there: bool) {
    write.delete(&Binding { policy, secret }.key());
    if is_there {
        write.change(row(policy).change().subtract(BOUND, 1));
    }
}

/// Counts an admitted read of a secret, in the transaction of its record. The step is refused when another read was counted
/// since.
pub(super) fn count_read(write: &mut Transaction<'_>, effect: &Effect, project: ProjectId, now: Time) -> Step {
    let counted = &effect.reads;
    let count: Change<SecretReads> = counted
        .key()
        .change()
        .set(TOTAL, &counted.total)
        .set(SINCE_ROTATION, &counted.since_rotation)
        .set(OF_VERSION, &counted.of_version)
        .set(MINUTE, &counted.minute)
        .set(MINUTE_READS, &counted.minute_reads)
        .set(DAY, &counted.day)
        .set(DAY_READS, &counted.day_reads)
        .set(COSIGNED_AT, &counted.cosigned_at)
        .only_if(TOTAL.is(&(counted.total - 1)))
        .only_if(BOUND_TO.is(&counted.policy));
    let step = write.change(count);
    if effect.destroys {
        write.put(&Expiry { at: now, of: Expiring::Ttl(project, counted.secret) });
    }
    if effect.rotates {
        write.put(&Due { at: now, by: DueBy::Reads, secret: counted.secret });
    }
    step
}

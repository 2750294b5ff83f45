//! What policies bring about: secrets whose TTL was reached are purged, and those that were read often enough are rotated.

use edge::Error;
use edge::seal::{Rotate, Rotation};
use protocol::{ProjectId, SecretId};
use rules::Time;
use rules::audit::Action;
use rules::limits;
use rules::policies::Axis as _;
use store::secret;

use crate::Sweep;

/// Purges a secret, if its policy's TTL still says so. Reads are refused since the TTL was reached.
pub(crate) async fn end(sweep: &Sweep, project: ProjectId, id: SecretId, now: Time) -> Result<(), Error> {
    let Some(secret) = sweep.store.get(&secret::row(id)).await? else {
        // A purge was cut off before what hangs on it had gone.
        return Ok(sweep.store.drop_grants_of(project, Some(id)).await?);
    };
    let Some((policy, reads)) = sweep.store.policy_of(&secret).await? else { return Ok(()) };
    if !policy.axes.ttl.is_reached(&reads, now) {
        return Ok(());
    }
    sweep.purge(&secret, &format!("by the TTL of policy {}", policy.name), now).await
}

/// Rotates a secret, unless it has another version since the reads were counted or is in the trash.
pub(crate) async fn rotate(sweep: &Sweep, id: SecretId, now: Time) -> Result<(), Error> {
    let Some(secret) = sweep.store.get(&secret::row(id)).await? else { return Ok(()) };
    let Some((policy, reads)) = sweep.store.policy_of(&secret).await? else { return Ok(()) };
    if secret.deleted_at.is_some() || reads.of_version != secret.version || !policy.axes.rotate_after.is_on() {
        return Ok(());
    }
    let detail = format!("Secret {} rotated after the number of reads of policy {}", secret.name, policy.name);
    let Some(record) = sweep.record_for(secret.vault, Action::SecretRotate, detail, now).await? else { return Ok(()) };
    let record = record.secret(id).project(secret.project);
    let how = Rotation { generator: limits::generator(None, None)?, fields: None };
    sweep.seal.ask(Rotate { vault: secret.vault, secret: id, how, record }).await.map(drop)
}

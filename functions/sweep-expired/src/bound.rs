//! What policies bring about: secrets whose TTL was reached are purged.

use edge::Error;
use protocol::{ProjectId, SecretId};
use rules::Time;
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

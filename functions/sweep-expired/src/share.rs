//! Share links that nobody opened, and attempts that were cut off before their record.

use crypto::TokenHash;
use rules::Time;
use rules::audit::Action;
use rules::nouns::{Expiry, ShareStatus};
use store::{CommitError, Put as _, share};

use crate::Sweep;

/// Destroys the value of a link that nobody opened.
pub(crate) async fn expire(sweep: &Sweep, hash: &TokenHash, now: Time) -> Result<(), CommitError> {
    let link = sweep.store.get(&share::row(hash)).await?;
    let Some(link) = link.filter(|link| link.expires_at <= now) else { return Ok(()) };
    let detail = format!("Share link {} expired", link.name);
    let Some(record) = sweep.record_for(link.vault, Action::ShareLinkExpire, detail, now).await? else { return Ok(()) };
    let mut write = sweep.store.transaction();
    let waits = share::end(&mut write, &link, ShareStatus::Expired, link.expires_at);
    share::destroy(&mut write, &link);
    write.record(&record.project(link.project));
    // Refused means that an attempt was faster.
    write.commit_unless_refused(waits).await?;
    Ok(())
}

/// Records an attempt that destroyed the value and was cut off before its record. Its own end takes the expiry away.
pub(crate) async fn record_attempt(
    sweep: &Sweep,
    hash: &TokenHash,
    expiry: &Expiry,
    now: Time,
) -> Result<(), CommitError> {
    let Some(link) = sweep.store.get(&share::row(hash)).await? else { return Ok(()) };
    let detail = format!("Share link {} destroyed by an attempt that was cut off", link.name);
    let Some(record) = sweep.record_for(link.vault, Action::ShareLinkFail, detail, now).await? else { return Ok(()) };
    let mut write = sweep.store.transaction();
    // With the expiry, so that it is recorded once.
    let first = write.delete_existing(&expiry.key());
    write.record(&record.project(link.project));
    write.commit_unless_refused(first).await?;
    Ok(())
}

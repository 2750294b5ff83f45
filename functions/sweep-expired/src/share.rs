//! Share links that nobody opened, and attempts that were cut off before their record.

use crypto::TokenHash;
use rules::Time;
use rules::audit::Action;
use rules::nouns::{Expiry, ShareLink, ShareStatus};
use store::{CommitError, Put as _, share};

use crate::Sweep;

/// Ends what is left of a share link.
pub(crate) async fn end(sweep: &Sweep, hash: &TokenHash, expiry: &Expiry, now: Time) -> Result<(), CommitError> {
    let Some(link) = sweep.store.get(&share::row(hash)).await? else { return Ok(()) };
    match link.status {
        ShareStatus::Pending if link.expires_at <= now => expire(sweep, &link, now).await,
        // The attempt's own end takes this expiry away, so nobody has recorded it.
        ShareStatus::Destroyed => record_attempt(sweep, &link, expiry, now).await,
        _ => Ok(()),
    }
}

async fn expire(sweep: &Sweep, link: &ShareLink, now: Time) -> Result<(), CommitError> {
    let detail = format!("Share link {} expired", link.name);
    let Some(record) = sweep.record_for(link.vault, Action::ShareLinkExpire, detail, now).await? else { return Ok(()) };
    let mut write = sweep.store.transaction();
    let ended = share::row(&link.hash).change().set(share::STATUS, &ShareStatus::Expired);
    let ended = ended.set(share::ENDED_AT, &Some(link.expires_at));
    let waits = write.change(ended.only_if(share::STATUS.is(&ShareStatus::Pending)));
    share::destroy(&mut write, link);
    write.record(&record.project(link.project));
    // Refused means that an attempt was faster.
    write.commit_unless_refused(waits).await?;
    Ok(())
}

async fn record_attempt(sweep: &Sweep, link: &ShareLink, expiry: &Expiry, now: Time) -> Result<(), CommitError> {
    let detail = format!("Share link {} destroyed by an attempt that was cut off", link.name);
    let Some(record) = sweep.record_for(link.vault, Action::ShareLinkFail, detail, now).await? else { return Ok(()) };
    let mut write = sweep.store.transaction();
    // With the expiry, so that it is recorded once.
    let first = write.delete_existing(&expiry.key());
    write.record(&record.project(link.project));
    write.commit_unless_refused(first).await?;
    Ok(())
}

//! What functions of a schedule share: they work off what is due, and speak for the system in the audit log.

use protocol::VaultId;
use rules::Time;
use rules::audit::{Action, ActorKind, Record};
use store::StoreError;
use store::meter::inherited;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::{Error, Origins};

/// Things worked on at the same time, so that a crowd of one vault does not hold up the others.
const AT_ONCE: usize = 16;
/// How long one run begins new work. Its function has 55 seconds, and the next run goes on with what is left.
const BEGINS: std::time::Duration = std::time::Duration::from_secs(40);

/// Does this work for everything that is due, some at the same time; says how many things that were. One that fails holds up
/// none of the others and is left for the next run, but this run has then failed.
pub async fn work_off<T, W>(due: Vec<T>, work: impl Fn(T) -> W) -> Result<usize, Error>
where
    T: Send + 'static,
    W: Future<Output = Result<(), Error>> + Send + 'static,
{
    let (mut due, began) = (due.into_iter(), Instant::now());
    let mut running = JoinSet::new();
    let (mut done, mut failed) = (0, 0);
    loop {
        while running.len() < AT_ONCE
            && began.elapsed() < BEGINS
            && let Some(next) = due.next()
        {
            running.spawn(inherited(work(next)));
        }
        match running.join_next().await {
            Some(Ok(Ok(()))) => done += 1,
            Some(Ok(Err(error))) => {
                failed += 1;
                tracing::error!(?error, "something due failed, the next run tries again");
            }
            Some(Err(error)) => {
                failed += 1;
                tracing::error!(%error, "something due broke off, the next run tries again");
            }
            None => break,
        }
    }
    if failed > 0 {
        let inside = format!("{failed} failed, {done} done");
        return Err(Error::unavailable("Not everything that is due could be done").inside(inside));
    }
    Ok(done)
}

/// A record of something that we do by ourselves in a vault; nothing if the vault is gone.
pub async fn record_of_system(
    origins: &Origins,
    vault: VaultId,
    action: Action,
    detail: String,
    now: Time,
) -> Result<Option<Record>, StoreError> {
    let origin = origins.find(vault, ActorKind::System, None, now).await?;
    Ok(origin.map(|origin| origin.entry(action, detail)))
}

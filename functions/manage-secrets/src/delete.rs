//! `POST projects/{projectId}/secrets/{secretId}/delete`: moves a secret to the trash. Grants stay, every read is a 404. After 30 days
//! it is purged.

use axum::extract::State;
use edge::answer::Done;
use edge::{Error, Ids, Json, Principal, done};
use protocol::{ProjectId, SecretId};
use store::{Update, vaults};
use vault::audit::Action;

use crate::{App, Touched, trash};

pub(crate) async fn delete(
    State(app): State<App>,
    by: Principal,
    Ids((project, id)): Ids<(ProjectId, SecretId)>,
) -> Result<Json<Done<Touched>>, Error> {
    let (_, secret) = by.find_in(project, &vaults::secret(id)).await?;
    let record = by.record(Action::SecretDelete, format!("Secret {} moved to the trash", secret.name));
    let mut write = app.store.transaction();
    let trashed =
        write.update(Update::existing(&vaults::secret(id)).set("deletedAt", &by.now)?.when_absent("deletedAt"));
    write.put(&trash::purge_due(&secret, by.now));
    write.record(&record.secret(id).project(project));
    if write.commit_unless_refused(trashed).await? {
        Ok(done(Touched { secret_id: id }))
    } else {
        // Somebody else was faster.
        Err(Error::not_found("Secret"))
    }
}

//! `POST projects/{projectId}/secrets/{secretId}/delete`: moves a secret to the trash. Grants stay, every read is a 404. After 30 days
//! it is purged.

use axum::extract::State;
use edge::answer::Done;
use edge::{Error, Ids, Json, Principal, done};
use protocol::{ProjectId, SecretId};
use rules::audit::Action;
use store::secret;

use crate::{App, Touched, trash};

pub(crate) async fn delete(
    State(app): State<App>,
    by: Principal,
    Ids((project, id)): Ids<(ProjectId, SecretId)>,
) -> Result<Json<Done<Touched>>, Error> {
    let (_, secret) = by.find_in(project, &secret::row(id)).await?;
    let record = by.entry(Action::SecretDelete, format!("Secret {} moved to the trash", secret.name));
    let mut write = app.store.transaction();
    let trashed = write
        .change(secret::row(id).change().set(secret::DELETED_AT, &Some(by.now)).only_if(secret::DELETED_AT.absent()));
    write.put(&trash::purge_due(&secret, by.now));
    write.record(&record.secret(id).project(project));
    if write.commit_unless_refused(trashed).await? {
        Ok(done(Touched { secret_id: id }))
    } else {
        // Somebody else was faster.
        Err(Error::not_found("Secret"))
    }
}

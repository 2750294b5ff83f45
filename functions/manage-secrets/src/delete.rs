//! `POST projects/{projectId}/secrets/{secretId}/delete`: moves a secret to the trash. Grants stay, every read is a 404. After 30 days
//! it is purged.

use axum::extract::State;
use edge::answer::Done;
use edge::{Error, Ids, Json, Principal, done};
use protocol::{ProjectId, SecretId};
use rules::audit::Action;
use rules::nouns::Secret;
use rules::plan::Counted;
use store::{Change, Put as _, secret, usage};

use crate::{App, Touched, trash};

pub(crate) async fn delete(
    State(app): State<App>,
    by: Principal,
    Ids((project, id)): Ids<(ProjectId, SecretId)>,
) -> Result<Json<Done<Touched>>, Error> {
    let (_, secret) = by.find_in(project, &secret::row(id)).await?;
    let record = by.entry(Action::SecretDelete, format!("Secret {} moved to the trash", secret.name));
    let mut write = app.store.transaction();
    let in_trash = Secret { deleted_at: Some(by.now), ..secret.clone() };
    let change = secret::row(id).change().set(secret::DELETED_AT, &in_trash.deleted_at).placed_as(&in_trash);
    // With the name that is given up.
    let as_it_was = [secret::DELETED_AT.absent(), secret::NAME.is(&secret.name)];
    let trashed = write.change(as_it_was.into_iter().fold(change, Change::only_if));
    write.delete(&secret.unique_name().key());
    write.put(&trash::purge_due(&secret, by.now));
    usage::free(&mut write, by.vault, Counted::Secrets);
    write.record(&record.secret(id).project(project));
    if write.commit_unless_refused(trashed).await? {
        Ok(done(Touched { secret_id: id }))
    } else {
        // Somebody else was faster.
        Err(Error::not_found("Secret"))
    }
}

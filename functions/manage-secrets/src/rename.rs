//! `POST projects/{projectId}/secrets/{secretId}/name`: gives a secret another name. Grants are by id and
//! stay; the name it has already changes nothing.

use axum::extract::State;
use edge::answer::Done;
use edge::names::NewName;
use edge::{Body, Error, Ids, Json, Principal, done};
use protocol::{ProjectId, SecretId};
use rules::audit::Action;
use rules::limits::{self, NAME};
use rules::nouns::Secret;
use store::{CommitError, Put as _, secret};

use crate::{App, Touched, name_taken};

pub(crate) async fn rename(
    State(app): State<App>,
    by: Principal,
    Ids((project, id)): Ids<(ProjectId, SecretId)>,
    Body(body): Body<NewName>,
) -> Result<Json<Done<Touched>>, Error> {
    let name = limits::name("name", &body.name, NAME)?;
    let (_, secret) = by.find_in(project, &secret::row(id)).await?;
    if name != secret.name {
        let record = by.entry(Action::SecretRename, format!("Secret {} renamed to {name}", secret.name));
        let renamed = Secret { name, ..secret.clone() };
        let (old, new) = (secret.unique_name(), renamed.unique_name());
        let mut write = app.store.transaction();
        let change = secret::row(id).change().set(secret::NAME, &renamed.name).set(secret::UPDATED_AT, &by.now);
        let change = change.only_if(secret::DELETED_AT.absent()).only_if(secret::NAME.is(&secret.name));
        write.change(change);
        let named = (new.name != old.name).then(|| write.put_new(&new));
        if named.is_some() {
            write.delete(&old.key());
        }
        write.record(&record.secret(id).project(project));
        match write.commit().await {
            Err(CommitError::Refused(step)) if Some(step) == named => return Err(name_taken()),
            written => written?,
        }
    }
    Ok(done(Touched { secret_id: id }))
}

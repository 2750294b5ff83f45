//! `POST projects/{projectId}/secrets/{secretId}/name`: gives a secret another name. Grants are by id and
//! stay; the name it has already changes nothing.

use axum::extract::State;
use edge::answer::Done;
use edge::names::NewName;
use edge::{Body, Error, Ids, Json, Principal, done};
use protocol::{ProjectId, SecretId};
use rules::audit::Action;
use rules::limits::{self, NAME};
use store::secret;

use crate::{App, Touched};

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
        app.change(&by, &secret, secret::row(id).change().set(secret::NAME, &name), record).await?;
    }
    Ok(done(Touched { secret_id: id }))
}

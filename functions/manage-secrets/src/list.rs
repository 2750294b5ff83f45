//! `GET /v1/manage/projects/{projectId}/secrets` and `…/{secretId}`: metadata, never values.

use axum::extract::State;
use edge::{Error, Ids, Json, Person, own};
use protocol::{ProjectId, SecretId};
use serde::Serialize;

use crate::{App, SecretView};

#[derive(Serialize)]
pub(crate) struct Secrets {
    secrets: Vec<SecretView>,
}

/// `GET …/secrets`: those not in the trash, in the order in which they were made.
pub(crate) async fn list(
    State(app): State<App>,
    person: Person,
    Ids(project): Ids<ProjectId>,
) -> Result<Json<Secrets>, Error> {
    own::project(&app.store, person.vault, project).await?;
    let secrets = app.store.secrets(project).await?;
    let secrets = secrets.into_iter().filter(|secret| secret.deleted_at.is_none()).map(SecretView::from).collect();
    Ok(Json(Secrets { secrets }))
}

/// `GET …/secrets/{secretId}`.
pub(crate) async fn one(
    State(app): State<App>,
    person: Person,
    Ids((project, id)): Ids<(ProjectId, SecretId)>,
) -> Result<Json<SecretView>, Error> {
    Ok(Json(own::secret(&app.store, person.vault, project, id).await?.into()))
}

//! `GET /v1/secrets` and `POST /v1/secrets/list`: the secrets this machine is granted.

use axum::extract::State;
use edge::{Error, Json, SignedBody, SignedRequest};
use protocol::bodies::{ProjectScope, SecretItem, SecretList};
use rules::nouns::{Project, Secret};

use crate::App;

/// `GET /v1/secrets`: all secrets that this machine is granted.
pub(crate) async fn list(State(app): State<App>, request: SignedRequest) -> Result<Json<SecretList>, Error> {
    let machine = app.machine(&request).await?;
    Ok(answer(app.visible(&machine, None).await?))
}

/// `POST /v1/secrets/list`: the secrets of one project that this machine is granted. Unknown project 404; one the machine is not in 403.
pub(crate) async fn list_of_project(
    State(app): State<App>,
    signed: SignedBody<ProjectScope>,
) -> Result<Json<SecretList>, Error> {
    let machine = app.machine(&signed.request).await?;
    let project = app.project(&machine, &signed.body()?.project_id).await?;
    Ok(answer(app.visible(&machine, Some(project.id)).await?))
}

fn answer(visible: Vec<(Secret, Project)>) -> Json<SecretList> {
    let item = |(secret, _): (Secret, Project)| SecretItem {
        id: secret.id,
        name: secret.name,
        field_names: secret.field_names,
        project_id: secret.project,
    };
    Json(SecretList { secrets: visible.into_iter().map(item).collect() })
}

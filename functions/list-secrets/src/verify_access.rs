//! `POST /v1/verify-access`: whether this machine is in a project. Unknown project 404; not a member 403.

use axum::extract::State;
use edge::{Error, Json, SignedRequest};
use protocol::bodies::{ProjectScope, VerifiedAccess};

use crate::App;

pub(crate) async fn verify(State(app): State<App>, request: SignedRequest) -> Result<Json<VerifiedAccess>, Error> {
    let machine = app.machine(&request).await?;
    let scope: ProjectScope = request.json()?;
    let project = app.project(&machine, &scope.project_id).await?;
    Ok(Json(VerifiedAccess { valid: true, project_name: Some(project.name), error: None }))
}

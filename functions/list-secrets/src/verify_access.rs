//! `POST /v1/verify-access`: whether this machine is in a project. Unknown project 404; not a member 403.

use axum::extract::State;
use edge::{Error, Json, SignedBody};
use protocol::bodies::{ProjectScope, VerifiedAccess};

use crate::App;

pub(crate) async fn verify(
    State(app): State<App>,
    signed: SignedBody<ProjectScope>,
) -> Result<Json<VerifiedAccess>, Error> {
    let machine = app.machine(&signed.request).await?;
    let project = app.project(&machine, &signed.body()?.project_id).await?;
    Ok(Json(VerifiedAccess { valid: true, project_name: Some(project.name), error: None }))
}

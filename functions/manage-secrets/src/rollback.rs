//! `POST projects/{projectId}/secrets/{secretId}/rollback`: the value of an old version as a new version. Answers id and
//! version only; 404 for a version that is not kept, 409 on a canary and on a secret that a schedule rotates.

use axum::extract::State;
use edge::{Body, Error, Ids, Json, Principal, seal};
use protocol::{ProjectId, SecretId};
use rules::audit::Action;
use schemars::JsonSchema;
use serde::Deserialize;
use store::secret;

use crate::{App, Versioned, refuse_fixed};

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SecretRollback")]
#[serde(deny_unknown_fields)]
pub(crate) struct RollBack {
    version: u64,
}

pub(crate) async fn roll_back(
    State(app): State<App>,
    by: Principal,
    Ids((project, id)): Ids<(ProjectId, SecretId)>,
    Body(body): Body<RollBack>,
) -> Result<Json<Versioned>, Error> {
    let (_, secret) = by.find_in(project, &secret::row(id)).await?;
    refuse_fixed(&secret)?;
    let detail = format!("Secret {} rolled back to version {}", secret.name, body.version);
    let record = by.entry(Action::SecretUpdate, detail).secret(id).project(project);
    let ask = seal::RollBack { vault: by.vault, secret: id, to: body.version, record };
    let made = app.seal.ask(ask).await?;
    Ok(Json(Versioned { id, version: made.version }))
}

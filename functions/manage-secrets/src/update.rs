//! `POST projects/{projectId}/secrets/{secretId}/update`: a new value as a new version. Answers id and version only; 409
//! on a canary, and on a secret that a schedule rotates.

use axum::extract::State;
use crypto::Plaintext;
use edge::seal::Replace;
use edge::{Body, Error, Ids, Json, Principal};
use protocol::{ProjectId, SecretId};
use rules::audit::Action;
use rules::limits;
use rules::structured::Fields;
use schemars::JsonSchema;
use serde::Deserialize;
use store::secret;

use crate::{App, Versioned, field_names, refuse_fixed};

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SecretUpdate")]
#[serde(deny_unknown_fields)]
pub(crate) struct NewValue {
    value: Plaintext,
}

pub(crate) async fn update(
    State(app): State<App>,
    by: Principal,
    Ids((project, id)): Ids<(ProjectId, SecretId)>,
    Body(body): Body<NewValue>,
) -> Result<Json<Versioned>, Error> {
    let (_, secret) = by.find_in(project, &secret::row(id)).await?;
    refuse_fixed(&secret)?;
    limits::value(&body.value)?;
    if let Some(names) = field_names(&secret)? {
        Fields::parse_exactly(&body.value, &names)?;
    }
    let record = by.entry(Action::SecretUpdate, format!("Value of secret {} replaced", secret.name));
    let record = record.secret(id).project(project);
    let made = app.seal.ask(Replace { vault: by.vault, secret: id, value: body.value, record }).await?;
    Ok(Json(Versioned { id, version: made.version }))
}

//! `POST /v1/manage/projects/{projectId}/secrets/{secretId}/update`: a new value as a new version. Answers id and
//! version only. A canary's value cannot be changed (409).

use axum::extract::State;
use crypto::Plaintext;
use edge::{Body, Error, Ids, Json, Person, own};
use protocol::{ProjectId, SecretId};
use serde::{Deserialize, Serialize};
use vault::audit::Action;
use vault::limits;
use vault::model::{Secret, SecretKind};

use crate::App;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewValue {
    value: Plaintext,
}

#[derive(Serialize)]
pub(crate) struct Updated {
    id: SecretId,
    version: u64,
}

pub(crate) async fn update(
    State(app): State<App>,
    person: Person,
    Ids((project, id)): Ids<(ProjectId, SecretId)>,
    Body(body): Body<NewValue>,
) -> Result<Json<Updated>, Error> {
    let secret = own::secret(&app.store, person.vault, project, id).await?;
    if secret.kind == SecretKind::Canary {
        return Err(Error::conflict("The value of a canary cannot be changed"));
    }
    limits::value(&body.value)?;
    if let Some(names) = field_names(&secret)? {
        limits::structured_value(&body.value, &names)?;
    }
    let record = person.record(Action::SecretUpdate, format!("Value of secret {} replaced", secret.name));
    let version = app.seal.replace(person.vault, id, body.value, record.secret(id).project(project)).await?;
    Ok(Json(Updated { id, version }))
}

fn field_names(secret: &Secret) -> Result<Option<Vec<String>>, Error> {
    let parse = |text: &String| serde_json::from_str(text);
    secret.field_names.as_ref().map(parse).transpose().map_err(|_| Error::internal("stored field names"))
}

//! `POST projects/{projectId}/secrets`: a new secret, plain or structured. Answers its id and name only. Fields of a
//! structured secret that are left blank are generated.

use axum::extract::State;
use crypto::{Generator, Plaintext, random};
use edge::seal::Create;
use edge::{Body, Error, Ids, Json, Principal};
use protocol::{ProjectId, SecretId};
use rules::audit::Action;
use rules::limits::{self, FIELDS, NAME, TEXT};
use rules::nouns::{Secret, SecretKind};
use rules::plan::Counted;
use rules::structured::Fields;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::project;

use crate::App;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewSecret {
    #[schemars(length(min = 1, max = NAME))]
    name: String,
    value: Plaintext,
    #[schemars(length(max = TEXT))]
    note: Option<String>,
    /// With these, `value` is the text of a flat JSON object keyed by exactly these names.
    #[schemars(length(min = 1, max = FIELDS), inner(regex(pattern = "^[A-Za-z0-9_.-]{1,128}$")))]
    field_names: Option<Vec<String>>,
    /// Clients repeat the project of the path.
    project_id: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CreatedSecret")]
pub(crate) struct Created {
    id: SecretId,
    name: String,
}

pub(crate) async fn create(
    State(app): State<App>,
    by: Principal,
    Ids(project): Ids<ProjectId>,
    Body(body): Body<NewSecret>,
) -> Result<Json<Created>, Error> {
    by.find(&project::row(project)).await?;
    if body.project_id.is_some_and(|id| id != project.to_string()) {
        return Err(Error::invalid("projectId", "must be the project of the path"));
    }
    limits::value(&body.value)?;
    let (value, field_names) = match &body.field_names {
        Some(names) => {
            let text = limits::field_names(names)?;
            let mut fields = Fields::parse_exactly(&body.value, names)?;
            let blanks = fields.generate(|| Generator::default().make(), |_, content| content.is_empty());
            let value = if blanks { fields.to_value() } else { body.value };
            limits::value(&value)?;
            (value, Some(text))
        }
        None => (body.value, None),
    };
    let id = SecretId::from_entropy(random::bytes());
    let secret = Secret {
        kind: if field_names.is_some() { SecretKind::Structured } else { SecretKind::Secret },
        field_names,
        note: limits::text("note", body.note.as_deref())?,
        ..Secret::new(id, by.vault, project, limits::name("name", &body.name, NAME)?, by.now)
    };
    let created = Created { id: secret.id, name: secret.name.clone() };
    let record = by.entry(Action::SecretCreate, format!("Secret {} created", secret.name));
    let record = record.secret(created.id).project(project);
    let room = by.room(Counted::Secrets);
    app.seal.ask(Create { secret, value, record, scheduled: None, room }).await?;
    Ok(Json(created))
}

//! `POST canaries`: a new canary. Its value is made here and cannot be told from any other generated one.

use axum::extract::State;
use crypto::{Charset, Generator, random};
use edge::seal::Create;
use edge::{Body, Error, Json, Principal};
use protocol::{ProjectId, SecretId};
use rules::audit::Action;
use rules::limits::{self, NAME};
use rules::nouns::{Canary, Secret, SecretKind};
use rules::plan::Counted;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::project;

use crate::App;

/// What a value is made of.
const VALUE: Generator = Generator { length: 64, charset: Charset::Symbols };

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "NewCanary")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewCanary {
    project_id: ProjectId,
    #[schemars(length(min = 1, max = NAME))]
    name: String,
    /// Armed, unless it is false.
    enabled: Option<bool>,
    /// A read freezes its project, unless it is false.
    trigger_freeze_project: Option<bool>,
    /// A read freezes the projects that share a machine with it, if it is true.
    trigger_freeze_related_projects: Option<bool>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CreatedCanary")]
pub(crate) struct Created {
    id: SecretId,
    name: String,
}

pub(crate) async fn create(
    State(app): State<App>,
    by: Principal,
    Body(body): Body<NewCanary>,
) -> Result<Json<Created>, Error> {
    let project = by.find(&project::row(body.project_id)).await?.id;
    let canary = Canary {
        enabled: body.enabled.unwrap_or(true),
        freeze_project: body.trigger_freeze_project.unwrap_or(true),
        freeze_related: body.trigger_freeze_related_projects.unwrap_or(false),
    };
    let id = SecretId::from_entropy(random::bytes());
    let secret = Secret {
        kind: SecretKind::Canary,
        canary: Some(canary),
        ..Secret::new(id, by.vault, project, limits::name("name", &body.name, NAME)?, by.now)
    };
    let created = Created { id: secret.id, name: secret.name.clone() };
    let record = by.entry(Action::CanaryCreate, format!("Canary {} created", secret.name));
    let record = record.secret(created.id).project(project);
    let room = by.room(Counted::Secrets);
    app.seal.ask(Create { secret, value: VALUE.make(), record, scheduled: None, room }).await?;
    Ok(Json(created))
}

//! `GET` and `POST /v1/manage/projects`: the vault's projects.

use axum::extract::State;
use crypto::envelope::KeyContext;
use crypto::random;
use edge::{Body, Error, Json, Person};
use protocol::ProjectId;
use serde::{Deserialize, Serialize};
use store::vaults::ProjectEntry;
use vault::Time;
use vault::audit::Action;
use vault::limits::{self, PROJECT_NAME};
use vault::model::Project;

use crate::App;

#[derive(Serialize)]
pub(crate) struct Projects {
    projects: Vec<ProjectView>,
}

/// A project as people see it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProjectView {
    id: ProjectId,
    name: String,
    description: Option<String>,
    frozen: bool,
    frozen_at: Option<Time>,
    freeze_reason: Option<String>,
    created_at: Time,
    updated_at: Time,
}

impl From<Project> for ProjectView {
    fn from(project: Project) -> Self {
        let (frozen_at, freeze_reason) = project.frozen.map_or((None, None), |frozen| (Some(frozen.at), frozen.reason));
        Self {
            id: project.id,
            name: project.name,
            description: project.description,
            frozen: frozen_at.is_some(),
            frozen_at,
            freeze_reason,
            created_at: project.created_at,
            updated_at: project.updated_at,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewProject {
    name: String,
    #[serde(default)]
    description: Option<String>,
}

/// `GET /v1/manage/projects`: in the order in which they were made.
pub(crate) async fn list(State(app): State<App>, person: Person) -> Result<Json<Projects>, Error> {
    let projects = app.store.projects(person.vault).await?;
    Ok(Json(Projects { projects: projects.into_iter().map(ProjectView::from).collect() }))
}

/// `POST /v1/manage/projects`: a new project under a master key of its own, which nobody sees unwrapped.
pub(crate) async fn create(
    State(app): State<App>,
    person: Person,
    Body(body): Body<NewProject>,
) -> Result<Json<ProjectView>, Error> {
    let id = ProjectId::from_entropy(random::bytes());
    let project = Project {
        id,
        vault: person.vault,
        name: limits::name("name", &body.name, PROJECT_NAME)?,
        description: limits::text("description", body.description.as_deref())?,
        master_key: app.keys.make_wrapped(&KeyContext::Project(person.vault, id)).await?,
        frozen: None,
        created_at: person.now,
        updated_at: person.now,
    };
    let mut write = app.store.transaction();
    write.put_new(&project);
    write.put_new(&ProjectEntry::from(&project));
    write.record(&person.record(Action::ProjectCreate, format!("Project {} created", project.name)).project(id));
    write.commit().await?;
    Ok(Json(project.into()))
}

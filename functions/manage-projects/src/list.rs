//! `GET projects`: the projects that the principal may see, in the order in which they were made.

use axum::extract::State;
use edge::{Error, Json, Principal};
use protocol::ProjectId;
use rules::Time;
use rules::nouns::Project;
use schemars::JsonSchema;
use serde::Serialize;

use crate::App;

#[derive(Serialize, JsonSchema)]
pub(crate) struct Projects {
    projects: Vec<ProjectView>,
}

/// A project as those who manage see it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Project")]
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

pub(crate) async fn list(State(app): State<App>, by: Principal) -> Result<Json<Projects>, Error> {
    let projects = app.store.projects(by.vault).await?;
    let seen = projects.into_iter().filter(|project| by.may_see(project));
    Ok(Json(Projects { projects: seen.map(ProjectView::from).collect() }))
}

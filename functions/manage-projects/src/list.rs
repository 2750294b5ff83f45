//! `GET projects` and `POST projects/query`: the projects that the principal may see.

use std::collections::HashMap;

use axum::extract::State;
use edge::listing::{Listed, Page, Pager, Whole};
use edge::paging::{Direction, SIZE_LIMIT};
use edge::{Body, Error, Json, Principal};
use protocol::ProjectId;
use rules::Time;
use rules::names::UniqueName;
use rules::nouns::Project;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::project;

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

impl Projects {
    fn of(projects: Vec<ProjectView>) -> Self {
        Self { projects }
    }
}

/// What to order by, in place of the order in which the projects were made.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ProjectOrder")]
#[serde(rename_all = "camelCase")]
enum SortBy {
    Name,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ProjectQuery")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Query {
    #[schemars(range(min = 1, max = SIZE_LIMIT))]
    limit: Option<u64>,
    cursor: Option<String>,
    /// The whole name, in any letter case.
    name: Option<String>,
    frozen: Option<bool>,
    sort_by: Option<SortBy>,
    #[serde(default)]
    sort_dir: Direction,
}

/// `GET projects`: the projects that the principal may see, in the order in which they were made.
pub(crate) async fn list(State(app): State<App>, by: Principal) -> Result<Json<Whole<Projects>>, Error> {
    let show = |project| by.may_see(&project).then(|| ProjectView::from(project));
    Ok(Pager::whole().along(&app.store, project::of_vault(by.vault), show).await?.whole(Projects::of))
}

/// `POST projects/query`: the projects that the principal may see, a page at a time; by name, by state, in order of name.
pub(crate) async fn query(
    State(app): State<App>,
    by: Principal,
    Body(query): Body<Query>,
) -> Result<Json<Page<Projects>>, Error> {
    let mut pager = Pager::page(query.limit, query.cursor.as_deref())?;
    let wanted = |project: &Project| query.frozen.is_none_or(|frozen| frozen == project.frozen.is_some());
    if let Some(name) = &query.name {
        let named = by.find_all(&[project::name(by.vault, &UniqueName::of(name))]).await?;
        let keys: Vec<_> = named.iter().map(|name| project::row(name.project)).collect();
        let found = by.find_all(&keys).await?.into_iter().filter(wanted);
        return Ok(Listed::all(found.map(ProjectView::from).collect()).page(Projects::of));
    }
    if query.sort_by.is_none() {
        let show = |project| (by.may_see(&project) && wanted(&project)).then(|| ProjectView::from(project));
        return Ok(pager.along(&app.store, project::of_vault(by.vault), show).await?.page(Projects::of));
    }
    pager = pager.backward(query.sort_dir == Direction::Desc);
    let names = project::names_of_vault(by.vault);
    while let Some(rows) = pager.next(&app.store, &names).await? {
        let keys: Vec<_> = rows.iter().map(|(_, name)| project::row(name.project)).collect();
        let found = by.find_all(&keys).await?.into_iter().filter(wanted);
        let mut found: HashMap<_, _> = found.map(|project| (project.id, project)).collect();
        for (place, name) in rows {
            if let Some(project) = found.remove(&name.project) {
                pager.take(place, project.into());
            }
        }
    }
    Ok(pager.end().page(Projects::of))
}

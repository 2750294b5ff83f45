//! `POST projects/{projectId}/update`: gives a project another name or description, or both. What is not given stays; an empty
//! description clears it.

use axum::extract::State;
use edge::answer::Done;
use edge::{Body, Error, Ids, Json, Principal, done};
use protocol::ProjectId;
use rules::audit::Action;
use rules::limits::{self, TEXT};
use rules::nouns::{PROJECT_NAME, Project};
use schemars::JsonSchema;
use serde::Deserialize;
use store::{CommitError, Put as _, project};

use crate::create::name_taken;
use crate::{App, Touched};

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ProjectChanges")]
#[serde(deny_unknown_fields)]
pub(crate) struct Changes {
    #[schemars(length(min = 1, max = PROJECT_NAME))]
    name: Option<String>,
    #[schemars(length(max = TEXT))]
    description: Option<String>,
}

pub(crate) async fn update(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<ProjectId>,
    Body(body): Body<Changes>,
) -> Result<Json<Done<Touched>>, Error> {
    let project = by.find(&project::row(id)).await?;
    let mut changes = project::row(id).change().set(project::UPDATED_AT, &by.now);
    let mut what = vec![];
    let mut write = app.store.transaction();
    let mut named = None;
    if let Some(name) = &body.name {
        let name = limits::name("name", name, PROJECT_NAME)?;
        changes = changes.set(project::NAME, &name).only_if(project::NAME.is(&project.name));
        let (old, new) = (project.unique_name(), Project { name, ..project.clone() }.unique_name());
        if new.name != old.name {
            named = Some(write.put_new(&new));
            write.delete(&old.key());
        }
        what.push("Name");
    }
    if let Some(text) = &body.description {
        changes = changes.set(project::DESCRIPTION, &limits::text("description", Some(text))?);
        what.push("Description");
    }
    if !what.is_empty() {
        let what = if what.len() > 1 { "Name and description" } else { what.first().copied().unwrap_or_default() };
        let detail = format!("{what} of project {} changed", project.name);
        write.change(changes);
        write.record(&by.entry(Action::ProjectUpdate, detail).project(id));
        match write.commit().await {
            Err(CommitError::Refused(step)) if Some(step) == named => return Err(name_taken()),
            written => written?,
        }
    }
    Ok(done(Touched { project_id: id }))
}

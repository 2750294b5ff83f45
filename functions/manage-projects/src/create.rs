//! `POST projects`: a new project under a master key of its own, which nobody sees unwrapped.
//!
//! When an agent with an allowlist makes it, the project is added to that allowlist in the same transaction.

use axum::extract::State;
use crypto::envelope::KeyContext;
use crypto::random;
use edge::{Body, Code, Error, Json, Principal};
use protocol::ProjectId;
use rules::audit::Action;
use rules::limits::{self, TEXT};
use rules::nouns::{AGENT_PROJECTS, PROJECT_NAME, Project};
use rules::plan::Counted;
use schemars::JsonSchema;
use serde::Deserialize;
use store::project::ProjectEntry;
use store::{CommitError, agent};

use crate::App;
use crate::list::ProjectView;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewProject {
    #[schemars(length(min = 1, max = PROJECT_NAME))]
    name: String,
    #[schemars(length(max = TEXT))]
    description: Option<String>,
}

/// A vault has each name once.
pub(crate) fn name_taken() -> Error {
    Error::new(Code::NameTaken, "A project of this vault has this name already, choose another")
}

pub(crate) async fn create(
    State(app): State<App>,
    by: Principal,
    Body(body): Body<NewProject>,
) -> Result<Json<ProjectView>, Error> {
    let allowlist = by.agent().and_then(|agent| agent.projects.as_ref());
    if allowlist.is_some_and(|projects| projects.len() >= AGENT_PROJECTS) {
        return Err(Error::new(
            Code::LimitReached,
            format!("This agent's allowlist has {AGENT_PROJECTS} projects, the most it can have"),
        ));
    }
    let id = ProjectId::from_entropy(random::bytes());
    let name = limits::name("name", &body.name, PROJECT_NAME)?;
    let description = limits::text("description", body.description.as_deref())?;
    let project = Project {
        id,
        vault: by.vault,
        name,
        description,
        master_key: app.keys.make_wrapped(&KeyContext::Project(by.vault, id)).await?,
        frozen: None,
        created_at: by.now,
        updated_at: by.now,
    };
    let room = by.room(Counted::Projects);
    let mut write = app.store.transaction();
    let has_room = room.take(&mut write, by.now);
    write.put_new(&project);
    write.put_new(&ProjectEntry::from(&project));
    let named = write.put_new(&project.unique_name());
    write.record(&by.entry(Action::ProjectCreate, format!("Project {} created", project.name)).project(id));
    if let Some(agent) = by.agent()
        && agent.projects.is_some()
    {
        write.change(agent::row(agent.id).change().append(agent::PROJECTS, &id));
    }
    match write.commit().await {
        Ok(()) => Ok(Json(project.into())),
        Err(CommitError::Refused(step)) if step == named => Err(name_taken()),
        Err(CommitError::Refused(step)) if step == has_room => Err(room.full()),
        Err(error) => Err(error.into()),
    }
}

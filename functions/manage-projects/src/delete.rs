//! `POST projects/{projectId}/delete`: removes a project with everything in it.
//!
//! With `{"preview": true}` it only counts. Otherwise `confirmName` has to be the project's name. The project's own row is
//! deleted, and with it the keys that its values and its share links hang on: from then on nothing of it can be read, and
//! nobody can see it. What is left is destroyed by the sweep, which begins with it within two minutes: this function cannot
//! touch values.

use axum::extract::State;
use edge::answer::Done;
use edge::{Body, Code, Error, Ids, Json, Principal, done};
use protocol::ProjectId;
use rules::audit::Action;
use rules::nouns::{Expiring, Expiry};
use rules::plan::Counted;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::project::{ProjectCounts, ProjectEntry};
use store::{Put as _, project, share, usage};

use crate::App;

/// When the sweep begins, in seconds: lists lag behind, and what was being made just now would be missed.
const SWEPT_AFTER_SECONDS: u64 = 60;

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ProjectDeletion")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Delete {
    #[serde(default)]
    preview: bool,
    confirm_name: Option<String>,
}

/// What a deletion did, or would do.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DeletedProject")]
#[serde(untagged)]
pub(crate) enum Deleted {
    #[schemars(title = "ProjectDeletionPreview")]
    #[serde(rename_all = "camelCase")]
    Preview {
        preview: bool,
        project_id: ProjectId,
        counts: ProjectCounts,
    },
    Done(Done<WithProject>),
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RemovedProject")]
#[serde(rename_all = "camelCase")]
pub(crate) struct WithProject {
    project_id: ProjectId,
    deleted: ProjectCounts,
}

pub(crate) async fn delete(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<ProjectId>,
    Body(body): Body<Delete>,
) -> Result<Json<Deleted>, Error> {
    let project = by.find(&project::row(id)).await?;
    let counts = app.store.count_project(&project, by.now).await?;
    if body.preview {
        return Ok(Json(Deleted::Preview { preview: true, project_id: id, counts }));
    }
    match &body.confirm_name {
        None => return Err(Error::invalid("confirmName", "must be the project's name, or ask with preview first")),
        Some(name) if *name != project.name => return Err(Error::invalid("confirmName", "must be the project's name")),
        Some(_) => {}
    }
    by.step_up()?;
    let detail = format!(
        "Project {} deleted, with {} secrets, {} memberships and {} grants",
        project.name, counts.secrets, counts.memberships, counts.grants
    );
    let mut write = app.store.transaction();
    // With the name that was confirmed.
    let there = write.delete_if(&project::row(id), [project::NAME.is(&project.name)]);
    write.delete(&ProjectEntry::from(&project).key());
    write.delete(&project.unique_name().key());
    write.delete(&share::key(id));
    usage::free(&mut write, by.vault, Counted::Projects);
    write.put(&Expiry { at: by.now.plus_seconds(SWEPT_AFTER_SECONDS), of: Expiring::Project(by.vault, id) });
    write.record(&by.entry(Action::ProjectDelete, detail).project(id));
    if !write.commit_unless_refused(there).await? {
        // Somebody else was faster, or gave it another name.
        by.find(&project::row(id)).await?;
        return Err(Error::new(Code::ChangedMeanwhile, "The project's name changed at the same time, look again"));
    }
    let Json(done) = done(WithProject { project_id: id, deleted: counts });
    Ok(Json(Deleted::Done(done)))
}

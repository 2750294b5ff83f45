//! `POST projects/{projectId}/freeze` and `/unfreeze`: no machine reads from a frozen project.
//!
//! When this has answered, the freeze holds for every read that begins afterwards. Asking for the state it is in
//! changes nothing and is a 200.

use axum::extract::State;
use edge::answer::Done;
use edge::{Body, Error, Ids, Json, Principal, done};
use protocol::ProjectId;
use rules::audit::Action;
use rules::limits::{self, TEXT};
use rules::nouns::{Freeze, Project};
use schemars::JsonSchema;
use serde::Deserialize;
use store::{Change, project};

use crate::{App, Touched};

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "FreezeReason")]
#[serde(deny_unknown_fields)]
pub(crate) struct Reason {
    #[schemars(length(max = TEXT))]
    reason: Option<String>,
}

/// `POST …/freeze`: stops all reads of machines from a project, with an optional reason.
pub(crate) async fn freeze(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<ProjectId>,
    Body(body): Body<Reason>,
) -> Result<Json<Done<Touched>>, Error> {
    let project = by.find(&project::row(id)).await?;
    let freeze = Freeze { at: by.now, reason: limits::text("reason", body.reason.as_deref())? };
    let change = project::row(id).change().set(project::FROZEN, &Some(freeze)).only_if(project::FROZEN.absent());
    let record = by.entry(Action::ProjectFreeze, format!("Project {} frozen", project.name));
    app.change(id, change, record.project(id)).await
}

/// `POST …/unfreeze`: allows reads again.
pub(crate) async fn unfreeze(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<ProjectId>,
) -> Result<Json<Done<Touched>>, Error> {
    let project = by.find(&project::row(id)).await?;
    by.step_up()?;
    let change = project::row(id).change().remove(project::FROZEN).only_if(project::FROZEN.present());
    let record = by.entry(Action::ProjectUnfreeze, format!("Project {} unfrozen", project.name));
    app.change(id, change, record.project(id)).await
}

impl App {
    async fn change(
        &self,
        id: ProjectId,
        change: Change<Project>,
        record: rules::audit::Record,
    ) -> Result<Json<Done<Touched>>, Error> {
        let mut write = self.store.transaction();
        let changed = write.change(change);
        write.record(&record);
        // Refused means that it is in that state already.
        write.commit_unless_refused(changed).await?;
        Ok(done(Touched { project_id: id }))
    }
}

//! `POST projects/{projectId}/policies`: a new policy. Each axis that is not given is off.

use axum::extract::State;
use edge::{Body, Code, Error, Ids, Json, Principal};
use protocol::ProjectId;
use rules::audit::Action;
use rules::nouns::POLICIES;
use store::{policy, project};

use crate::App;
use crate::edit::{edited, new_policy};
use crate::fields::{Fields, PolicyView};

pub(crate) async fn create(
    State(app): State<App>,
    by: Principal,
    Ids(project): Ids<ProjectId>,
    Body(fields): Body<Fields>,
) -> Result<Json<PolicyView>, Error> {
    by.find(&project::row(project)).await?;
    if fields.name.is_none() {
        return Err(Error::invalid("name", "must be given"));
    }
    let policy = edited(&by, &new_policy(&by, project), fields).await?;
    if app.store.count(policy::of_project(project)).await? >= POLICIES {
        let text = format!(
            "This project has {POLICIES} policies, the most it can have; delete one that no secret is bound to"
        );
        return Err(Error::new(Code::LimitReached, text));
    }
    let mut write = app.store.transaction();
    let in_project = write.require(&project::row(project));
    write.put_new(&policy);
    write.record(&by.entry(Action::PolicyCreate, format!("Policy {} created", policy.name)).project(project));
    if write.commit_unless_refused(in_project).await? {
        Ok(Json(policy.into()))
    } else {
        Err(Error::not_found("Project"))
    }
}

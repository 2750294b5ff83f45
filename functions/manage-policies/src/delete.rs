//! `POST projects/{projectId}/policies/{policyId}/delete`: deletes a policy that no secret is bound to.

use axum::extract::State;
use edge::answer::Done;
use edge::{Code, Error, Ids, Json, Principal, done};
use protocol::ProjectId;
use rules::audit::Action;
use rules::nouns::PolicyId;
use store::policy;

use crate::{App, Touched};

pub(crate) async fn delete(
    State(app): State<App>,
    by: Principal,
    Ids((project, id)): Ids<(ProjectId, PolicyId)>,
) -> Result<Json<Done<Touched>>, Error> {
    let (_, policy) = by.find_in(project, &policy::row(id)).await?;
    let mut write = app.store.transaction();
    let unbound = write.delete_if(&policy::row(id), [policy::BOUND.is(&0)]);
    write.record(&by.entry(Action::PolicyDelete, format!("Policy {} deleted", policy.name)).project(project));
    if !write.commit_unless_refused(unbound).await? {
        by.find_in(project, &policy::row(id)).await?;
        return Err(Error::new(Code::PolicyBound, "Secrets are bound to this policy; unbind them first"));
    }
    Ok(done(Touched { policy_id: id }))
}

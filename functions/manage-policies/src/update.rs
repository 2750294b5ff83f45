//! `POST projects/{projectId}/policies/{policyId}/update`: changes a policy. What is not given stays. The secrets that are bound to
//! it are held to it from their next read on, so what changes for them asks for a step-up.

use axum::extract::State;
use edge::answer::Done;
use edge::{Body, Code, Error, Ids, Json, Principal, done};
use protocol::ProjectId;
use rules::audit::Action;
use rules::nouns::{Policy, PolicyId};
use store::policy;

use crate::edit::edited;
use crate::fields::Fields;
use crate::{App, Touched};

pub(crate) async fn update(
    State(app): State<App>,
    by: Principal,
    Ids((project, id)): Ids<(ProjectId, PolicyId)>,
    Body(fields): Body<Fields>,
) -> Result<Json<Done<Touched>>, Error> {
    let (_, old) = by.find_in(project, &policy::row(id)).await?;
    let new = edited(&by, &old, fields).await?;
    let what = changed(&old, &new);
    if what.is_empty() {
        return Ok(done(Touched { policy_id: id }));
    }
    if old.bound > 0 && new.axes != old.axes {
        by.step_up()?;
    }
    if new.axes.holds_back() && !old.axes.holds_back() {
        app.refuse_bound(&by, &new).await?;
    }
    let mut write = app.store.transaction();
    let change = policy::row(id).change().set(policy::NAME, &new.name).set(policy::DESCRIPTION, &new.description);
    let change = change.set(policy::AXES, &new.axes).set(policy::UPDATED_AT, &by.now);
    let as_it_was = write.change(change.only_if(policy::AXES.is(&old.axes)).only_if(policy::BOUND.is(&old.bound)));
    let detail = format!("Policy {} changed: {}", new.name, what.join(", "));
    write.record(&by.entry(Action::PolicyUpdate, detail).project(project));
    if !write.commit_unless_refused(as_it_was).await? {
        return Err(Error::new(Code::ChangedMeanwhile, "The policy changed at the same time, look again"));
    }
    // A secret that is bound from now on is bound to the new policy. Reads are refused at the moment, whoever is told of it.
    app.schedule_ends(&new).await?;
    Ok(done(Touched { policy_id: id }))
}

/// What is different, as the audit log names it.
fn changed(old: &Policy, new: &Policy) -> Vec<&'static str> {
    let (a, b) = (&old.axes, &new.axes);
    [
        ("name", old.name != new.name),
        ("description", old.description != new.description),
        ("time window", a.time_window != b.time_window),
        ("IP allowlist", a.address_list != b.address_list),
        ("co-signing", a.co_sign != b.co_sign),
        ("rate cap", a.rate_cap != b.rate_cap),
        ("TTL", a.ttl != b.ttl),
        ("rotation after reads", a.rotate_after != b.rotate_after),
    ]
    .into_iter()
    .filter_map(|(name, differs)| differs.then_some(name))
    .collect()
}

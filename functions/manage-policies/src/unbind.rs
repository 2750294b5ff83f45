//! `POST secrets/{secretId}/binding/delete`: a secret is bound to no policy any more.

use axum::extract::State;
use edge::answer::Done;
use edge::{Error, Ids, Json, Principal, done};
use protocol::SecretId;
use rules::audit::Action;
use store::{policy, secret};

use crate::{App, Bound};

pub(crate) async fn unbind(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<SecretId>,
) -> Result<Json<Done<Bound>>, Error> {
    let secret = by.find(&secret::row(id)).await?;
    if let Some(bound_to) = secret.policy {
        by.step_up()?;
        let policy = by.find_all(&[policy::row(bound_to)]).await?.pop();
        let mut write = app.store.transaction();
        let change = secret::row(id).change().remove(secret::POLICY).set(secret::UPDATED_AT, &by.now);
        write.change(change.only_if(secret::POLICY.is(&secret.policy)));
        policy::unbind(&mut write, bound_to, id, policy.is_some());
        write.delete(&policy::reads(id));
        let name = policy.map_or_else(|| bound_to.to_string(), |policy| policy.name);
        let detail = format!("Secret {} unbound from policy {name}", secret.name);
        write.record(&by.entry(Action::PolicyUnbind, detail).secret(id).project(secret.project));
        write.commit().await?;
    }
    Ok(done(Bound { secret_id: id, policy_id: None }))
}

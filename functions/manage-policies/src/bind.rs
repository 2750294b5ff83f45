//! `GET secrets/{secretId}/binding` and `POST …`: the policy that a secret is bound to.

use axum::extract::State;
use edge::answer::Done;
use edge::{Body, Error, Ids, Json, Principal, done};
use protocol::SecretId;
use rules::audit::Action;
use rules::nouns::{Binding, Expiring, Expiry, PolicyId, SecretReads};
use rules::policies::Axis as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{policy, secret};

use crate::edit::{refuse_past_end, refuse_unbindable};
use crate::fields::PolicyView;
use crate::{App, Bound};

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SecretBinding")]
pub(crate) struct Shown {
    policy: Option<PolicyView>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "NewBinding")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewBinding {
    policy_id: PolicyId,
}

/// `GET …/binding`: the policy, or null.
pub(crate) async fn get(by: Principal, Ids(id): Ids<SecretId>) -> Result<Json<Shown>, Error> {
    let secret = by.find(&secret::row(id)).await?;
    let policy = match secret.policy {
        Some(policy) => by.find_all(&[policy::row(policy)]).await?.pop(),
        None => None,
    };
    Ok(Json(Shown { policy: policy.map(PolicyView::from) }))
}

/// `POST …/binding`: binds a secret to a policy of its project, in place of another. What was counted of its reads begins anew.
/// What loosens or destroys asks for a step-up.
pub(crate) async fn bind(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<SecretId>,
    Body(body): Body<NewBinding>,
) -> Result<Json<Done<Bound>>, Error> {
    let secret = by.find(&secret::row(id)).await?;
    let policy = by.find(&policy::row(body.policy_id)).await?;
    let bound = || done(Bound { secret_id: id, policy_id: Some(policy.id) });
    if policy.project != secret.project {
        return Err(Error::invalid("policyId", "must be a policy of the secret's project"));
    }
    if secret.policy == Some(policy.id) {
        return Ok(bound());
    }
    refuse_unbindable(&secret, &policy)?;
    refuse_past_end(&policy, by.now)?;
    if secret.policy.is_some() || policy.axes.ttl.is_on() {
        by.step_up()?;
    }
    let mut write = app.store.transaction();
    if let Some(other) = secret.policy {
        policy::unbind(&mut write, other, id, true);
    }
    write.change(
        secret::row(id)
            .change()
            .set(secret::POLICY, &Some(policy.id))
            .set(secret::UPDATED_AT, &by.now)
            .only_if(secret::POLICY.is(&secret.policy)),
    );
    write.change(policy::row(policy.id).change().add(policy::BOUND, 1).only_if(policy::AXES.is(&policy.axes)));
    write.put_new(&Binding { policy: policy.id, secret: id });
    write.put(&SecretReads::none(id, policy.id));
    if let Some(at) = policy.axes.ttl.expires_at {
        write.put(&Expiry { at, of: Expiring::Ttl(secret.project, id) });
    }
    let detail = format!("Secret {} bound to policy {}", secret.name, policy.name);
    write.record(&by.entry(Action::PolicyBind, detail).secret(id).project(secret.project));
    write.commit().await?;
    Ok(bound())
}

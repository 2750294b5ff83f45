//! Access policies, and the secrets that are bound to them.

mod bind;
mod create;
mod delete;
mod edit;
mod fields;
mod list;
mod preview;
mod simulate;
mod unbind;
mod update;

use edge::{Base, Routes};
use protocol::SecretId;
use rules::nouns::{Expiring, Expiry, Policy, PolicyId};
use rules::scope::Scope::{PoliciesRead, PoliciesWrite};
use schemars::JsonSchema;
use serde::Serialize;
use store::{CommitError, Lists, policy};

/// Rows that one transaction writes.
const TOGETHER: usize = 100;

#[derive(Clone)]
struct App {
    store: Lists,
}

/// The function's routes.
pub fn routes(base: &Base) -> Routes {
    let app = App { store: base.store.lists() };
    Routes::of("manage-policies")
        .managed(base)
        .get("projects/{projectId}/policies", PoliciesRead, list::list)
        .post("projects/{projectId}/policies", PoliciesWrite, create::create)
        .post("projects/{projectId}/policies/query", PoliciesRead, list::query)
        .post("projects/{projectId}/policies/simulate", PoliciesRead, simulate::simulate)
        .get("projects/{projectId}/policies/{policyId}", PoliciesRead, list::one)
        .post("projects/{projectId}/policies/{policyId}/update", PoliciesWrite, update::update)
        .post("projects/{projectId}/policies/{policyId}/delete", PoliciesWrite, delete::delete)
        .get("secrets/{secretId}/binding", PoliciesRead, bind::get)
        .post("secrets/{secretId}/binding", PoliciesWrite, bind::bind)
        .post("secrets/{secretId}/binding/delete", PoliciesWrite, unbind::unbind)
        .with_state(app)
}

/// The policy that an action touched.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChangedPolicy")]
#[serde(rename_all = "camelCase")]
struct Touched {
    policy_id: PolicyId,
}

/// The secret whose binding an action touched, and the policy that it is bound to from now on.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChangedBinding")]
#[serde(rename_all = "camelCase")]
struct Bound {
    secret_id: SecretId,
    policy_id: Option<PolicyId>,
}

impl App {
    /// Has the sweep look at the secrets bound to a policy when its moment comes.
    async fn schedule_ends(&self, policy: &Policy) -> Result<(), CommitError> {
        let Some(at) = policy.axes.ttl.expires_at else { return Ok(()) };
        let bound = self.store.all(policy::bindings_of(policy.id)).await?;
        for some in bound.chunks(TOGETHER) {
            let mut write = self.store.transaction();
            for binding in some {
                write.put(&Expiry { at, of: Expiring::Ttl(policy.project, binding.secret) });
            }
            write.commit().await?;
        }
        Ok(())
    }
}

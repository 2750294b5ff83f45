//! `GET projects/{projectId}/policies`, `POST …/query` and `GET …/{policyId}`: policies, in the order in which they were made.

use axum::extract::State;
use edge::listing::{Page, Pager, Whole};
use edge::paging::SIZE_LIMIT;
use edge::{Body, Error, Ids, Json, Principal};
use protocol::{ProjectId, SecretId};
use rules::names::NameFilter;
use rules::nouns::{Policy, PolicyId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{policy, project, secret};

use crate::App;
use crate::fields::PolicyView;

#[derive(Serialize, JsonSchema)]
pub(crate) struct Policies {
    policies: Vec<PolicyView>,
}

impl Policies {
    fn of(policies: Vec<PolicyView>) -> Self {
        Self { policies }
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PolicyQuery")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Query {
    #[schemars(range(min = 1, max = SIZE_LIMIT))]
    limit: Option<u64>,
    cursor: Option<String>,
    /// The whole name, in any letter case. Several policies can have it.
    name: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PolicyWithSecrets")]
pub(crate) struct WithSecrets {
    #[serde(flatten)]
    policy: PolicyView,
    /// The secrets that are bound to it and not in the trash.
    secrets: Vec<BoundSecret>,
}

#[derive(Serialize, JsonSchema)]
struct BoundSecret {
    id: SecretId,
    name: String,
}

/// `GET …/policies`: the policies of a project.
pub(crate) async fn list(
    State(app): State<App>,
    by: Principal,
    Ids(project): Ids<ProjectId>,
) -> Result<Json<Whole<Policies>>, Error> {
    by.find(&project::row(project)).await?;
    let all = policy::of_project(project);
    Ok(Pager::whole().along(&app.store, all, |policy| Some(policy.into())).await?.whole(Policies::of))
}

/// `POST …/policies/query`: the same a page at a time, or those of a name.
pub(crate) async fn query(
    State(app): State<App>,
    by: Principal,
    Ids(project): Ids<ProjectId>,
    Body(query): Body<Query>,
) -> Result<Json<Page<Policies>>, Error> {
    by.find(&project::row(project)).await?;
    let pager = Pager::page(query.limit, query.cursor.as_deref())?;
    let name = NameFilter::of(query.name.as_deref());
    let wanted = |policy: &Policy| name.takes(&policy.name);
    let show = |policy| wanted(&policy).then(|| policy.into());
    Ok(pager.along(&app.store, policy::of_project(project), show).await?.page(Policies::of))
}

/// `GET …/policies/{policyId}`: one policy, with the secrets that are bound to it.
pub(crate) async fn one(
    State(app): State<App>,
    by: Principal,
    Ids((project, id)): Ids<(ProjectId, PolicyId)>,
) -> Result<Json<WithSecrets>, Error> {
    let (_, policy) = by.find_in(project, &policy::row(id)).await?;
    let bound = app.store.all(policy::bindings_of(id)).await?;
    let keys: Vec<_> = bound.iter().map(|binding| secret::row(binding.secret)).collect();
    let secrets = by.find_all(&keys).await?.into_iter().map(|secret| BoundSecret { id: secret.id, name: secret.name });
    Ok(Json(WithSecrets { policy: policy.into(), secrets: secrets.collect() }))
}

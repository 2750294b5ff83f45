//! `GET projects/{projectId}/secrets`, `POST …/query` and `GET …/{secretId}`: metadata, never values.

use std::collections::HashMap;

use axum::extract::State;
use edge::listing::{Listed, Page, Pager, Whole};
use edge::paging::{Direction, SIZE_LIMIT};
use edge::{Body, Error, Ids, Json, Principal};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use protocol::{ProjectId, SecretId};
use rules::names::UniqueName;
use rules::nouns::{PolicyId, Secret, SecretKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Place, StoreError, grant, project, secret};

use crate::{App, SecretView};

/// Secrets of a page whose grants are counted at the same time.
const COUNTED_AT_ONCE: usize = 16;

#[derive(Serialize, JsonSchema)]
pub(crate) struct Secrets {
    secrets: Vec<SecretView>,
}

impl Secrets {
    fn of(secrets: Vec<SecretView>) -> Self {
        Self { secrets }
    }
}

/// What to order by, in place of the order in which the secrets were made.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SecretOrder")]
#[serde(rename_all = "camelCase")]
enum SortBy {
    Name,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SecretQuery")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Query {
    #[schemars(range(min = 1, max = SIZE_LIMIT))]
    limit: Option<u64>,
    cursor: Option<String>,
    /// The whole name, in any letter case.
    name: Option<String>,
    #[serde(rename = "type")]
    kind: Option<SecretKind>,
    /// Those that no machine has read for 30 days; or, with `false`, the others.
    unused: Option<bool>,
    /// Those that are bound to this access policy.
    policy_id: Option<PolicyId>,
    sort_by: Option<SortBy>,
    #[serde(default)]
    sort_dir: Direction,
}

/// `GET …/secrets`: the secrets of a project that are not in the trash, in the order in which they were made.
pub(crate) async fn list(
    State(app): State<App>,
    by: Principal,
    Ids(project): Ids<ProjectId>,
) -> Result<Json<Whole<Secrets>>, Error> {
    by.find(&project::row(project)).await?;
    let mut machines: HashMap<SecretId, usize> = HashMap::new();
    for grant in app.store.all(grant::of_project(project, None)).await? {
        *machines.entry(grant.secret).or_default() += 1;
    }
    let show = |secret: Secret| {
        let count = machines.get(&secret.id).copied().unwrap_or_default();
        Some(SecretView::of(secret, count))
    };
    Ok(Pager::whole().along(&app.store, secret::of_project(project), show).await?.whole(Secrets::of))
}

/// `POST …/secrets/query`: the same a page at a time; by name, by kind, in order of name.
pub(crate) async fn query(
    State(app): State<App>,
    by: Principal,
    Ids(project): Ids<ProjectId>,
    Body(query): Body<Query>,
) -> Result<Json<Page<Secrets>>, Error> {
    by.find(&project::row(project)).await?;
    let mut pager = Pager::page(query.limit, query.cursor.as_deref())?;
    let wanted = |secret: &Secret| {
        let unused = || by.now.is_unused(secret.last_accessed_at, secret.created_at);
        query.kind.is_none_or(|kind| kind == secret.kind)
            && query.unused.is_none_or(|asked| asked == unused())
            && query.policy_id.is_none_or(|policy| secret.policy == Some(policy))
    };
    if let Some(name) = &query.name {
        let named = by.find_all(&[secret::name(project, &UniqueName::of(name))]).await?;
        let keys: Vec<_> = named.iter().map(|name| secret::row(name.secret)).collect();
        let found = by.find_all(&keys).await?.into_iter().filter(wanted);
        let found = app.counted(found.map(|secret| (Place::new(), secret)).collect()).await?;
        return Ok(Listed::all(found.into_iter().map(|(_, view)| view).collect()).page(Secrets::of));
    }
    if query.sort_by.is_none() {
        let of_project = secret::of_project(project);
        while let Some(rows) = pager.next(&app.store, &of_project).await? {
            let rows = rows.into_iter().filter(|(_, secret)| wanted(secret)).take(pager.left());
            for (place, view) in app.counted(rows.collect()).await? {
                pager.take(place, view);
            }
        }
        return Ok(pager.end().page(Secrets::of));
    }
    pager = pager.backward(query.sort_dir == Direction::Desc);
    let names = secret::names_of_project(project);
    while let Some(rows) = pager.next(&app.store, &names).await? {
        let keys: Vec<_> = rows.iter().map(|(_, name)| secret::row(name.secret)).collect();
        let found = by.find_all(&keys).await?.into_iter().filter(wanted);
        let mut found: HashMap<_, _> = found.map(|secret| (secret.id, secret)).collect();
        let rows = rows.into_iter().filter_map(|(place, name)| Some((place, found.remove(&name.secret)?)));
        for (place, view) in app.counted(rows.take(pager.left()).collect()).await? {
            pager.take(place, view);
        }
    }
    Ok(pager.end().page(Secrets::of))
}

/// `GET …/secrets/{secretId}`: one secret's metadata, never its value.
pub(crate) async fn one(
    State(app): State<App>,
    by: Principal,
    Ids((project, id)): Ids<(ProjectId, SecretId)>,
) -> Result<Json<SecretView>, Error> {
    let (_, secret) = by.find_in(project, &secret::row(id)).await?;
    let machines = app.store.count(grant::of_project(project, Some(id))).await?;
    Ok(Json(SecretView::of(secret, machines)))
}

impl App {
    /// Secrets with the numbers of machines that hold a grant for them, in the same order.
    async fn counted(&self, secrets: Vec<(Place, Secret)>) -> Result<Vec<(Place, SecretView)>, StoreError> {
        let count = |(place, secret): (Place, Secret)| async move {
            let machines = self.store.count(grant::of_project(secret.project, Some(secret.id))).await?;
            Ok((place, SecretView::of(secret, machines)))
        };
        stream::iter(secrets.into_iter().map(count)).buffered(COUNTED_AT_ONCE).try_collect().await
    }
}

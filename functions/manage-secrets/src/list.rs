//! `GET projects/{projectId}/secrets` and `…/{secretId}`: metadata, never values.

use std::collections::HashMap;
use store::{project, secret};

use axum::extract::State;
use edge::{Error, Ids, Json, Principal};
use protocol::{ProjectId, SecretId};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{App, SecretView};

#[derive(Serialize, JsonSchema)]
pub(crate) struct Secrets {
    secrets: Vec<SecretView>,
}

/// `GET …/secrets`: the secrets of a project that are not in the trash, in the order in which they were made.
pub(crate) async fn list(
    State(app): State<App>,
    by: Principal,
    Ids(project): Ids<ProjectId>,
) -> Result<Json<Secrets>, Error> {
    by.find(&project::row(project)).await?;
    let secrets = app.store.secrets(project).await?;
    let mut counts: HashMap<SecretId, usize> = HashMap::new();
    for grant in app.store.grants_of(project, None).await? {
        *counts.entry(grant.secret).or_default() += 1;
    }
    let live = secrets.into_iter().filter(|secret| secret.deleted_at.is_none());
    let view = |secret: rules::nouns::Secret| {
        let count = counts.get(&secret.id).copied().unwrap_or_default();
        SecretView::of(secret, count)
    };
    Ok(Json(Secrets { secrets: live.map(view).collect() }))
}

/// `GET …/secrets/{secretId}`: one secret's metadata, never its value.
pub(crate) async fn one(
    State(app): State<App>,
    by: Principal,
    Ids((project, id)): Ids<(ProjectId, SecretId)>,
) -> Result<Json<SecretView>, Error> {
    let (_, secret) = by.find_in(project, &secret::row(id)).await?;
    let machines = app.store.grants_of(project, Some(id)).await?.len();
    Ok(Json(SecretView::of(secret, machines)))
}

//! `GET projects/{projectId}/secrets/{secretId}/versions`: the versions that are kept and when they were made, newest
//! first; no values.
//!
//! The times are in rows beside the secret's own, written with each version: nobody here may look at the values table.

use axum::extract::State;
use edge::{Error, Ids, Json, Principal};
use protocol::{ProjectId, SecretId};
use rules::Time;
use schemars::JsonSchema;
use serde::Serialize;
use store::secret;

use crate::App;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SecretVersion")]
#[serde(rename_all = "camelCase")]
struct VersionView {
    version: u64,
    created_at: Time,
    current: bool,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SecretVersions")]
pub(crate) struct Versions {
    versions: Vec<VersionView>,
}

pub(crate) async fn list(
    State(app): State<App>,
    by: Principal,
    Ids((project, id)): Ids<(ProjectId, SecretId)>,
) -> Result<Json<Versions>, Error> {
    let (_, secret) = by.find_in(project, &secret::row(id)).await?;
    let made = app.store.versions(id).await?;
    let kept = made.into_iter().rev().filter(|row| secret.kept_versions().contains(&row.version));
    let view = |row: rules::nouns::SecretVersion| VersionView {
        version: row.version,
        created_at: row.created_at,
        current: row.version == secret.version,
    };
    Ok(Json(Versions { versions: kept.map(view).collect() }))
}

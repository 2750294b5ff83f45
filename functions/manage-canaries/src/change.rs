//! `POST canaries/{canaryId}/config`, `/enable` and `/disable`: what a read of a canary brings about. What makes it do less
//! asks for a step-up. Asking for what is so already changes nothing and is a 200.

use axum::extract::State;
use edge::answer::Done;
use edge::{Body, Error, Ids, Json, Principal, done};
use protocol::SecretId;
use rules::audit::Action;
use rules::nouns::{Canary, Secret};
use schemars::JsonSchema;
use serde::Deserialize;
use store::secret;

use crate::{App, Touched};

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "CanaryConfig")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Config {
    trigger_freeze_project: Option<bool>,
    trigger_freeze_related_projects: Option<bool>,
}

/// `POST …/config`: what is frozen by a read. What is not given stays; arming is not changed here.
pub(crate) async fn config(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<SecretId>,
    Body(body): Body<Config>,
) -> Result<Json<Done<Touched>>, Error> {
    let (secret, canary) = find(&by, id).await?;
    let freeze_project = body.trigger_freeze_project.unwrap_or(canary.freeze_project);
    let freeze_related = body.trigger_freeze_related_projects.unwrap_or(canary.freeze_related);
    let new = Canary { freeze_project, freeze_related, ..canary };
    let freezes = match (freeze_project, freeze_related) {
        (true, true) => "its project and related ones",
        (true, false) => "its project",
        (false, true) => "related projects",
        (false, false) => "nothing",
    };
    app.change(&by, &secret, new, Action::CanaryUpdate, format!("Canary {} now freezes {freezes}", secret.name)).await
}

/// `POST …/enable`: from now on a read trips it.
pub(crate) async fn enable(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<SecretId>,
) -> Result<Json<Done<Touched>>, Error> {
    let (secret, canary) = find(&by, id).await?;
    let detail = format!("Canary {} armed", secret.name);
    app.change(&by, &secret, Canary { enabled: true, ..canary }, Action::CanaryEnable, detail).await
}

/// `POST …/disable`: from now on it is read like any other secret.
pub(crate) async fn disable(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<SecretId>,
) -> Result<Json<Done<Touched>>, Error> {
    let (secret, canary) = find(&by, id).await?;
    let detail = format!("Canary {} disarmed", secret.name);
    app.change(&by, &secret, Canary { enabled: false, ..canary }, Action::CanaryDisable, detail).await
}

/// A canary; any other secret is none, 404.
pub(crate) async fn find(by: &Principal, id: SecretId) -> Result<(Secret, Canary), Error> {
    let found = by.find_all(&[secret::row(id)]).await?.pop();
    let canary = found.and_then(|secret| secret.canary.map(|canary| (secret, canary)));
    canary.ok_or_else(|| Error::not_found("Canary"))
}

impl App {
    async fn change(
        &self,
        by: &Principal,
        secret: &Secret,
        to: Canary,
        action: Action,
        detail: String,
    ) -> Result<Json<Done<Touched>>, Error> {
        if secret.canary.is_some_and(|canary| canary.does_more_than(to)) {
            by.step_up()?;
        }
        if secret.canary != Some(to) {
            let mut write = self.store.transaction();
            let change =
                secret::row(secret.id).change().set(secret::CANARY, &Some(to)).set(secret::UPDATED_AT, &by.now);
            write.change(change.only_if(secret::CANARY.is(&secret.canary)));
            write.record(&by.entry(action, detail).secret(secret.id).project(secret.project));
            write.commit().await?;
        }
        Ok(done(Touched { canary_id: secret.id }))
    }
}

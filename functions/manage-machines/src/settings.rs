//! `GET settings` and `POST settings`: the settings of a vault, for its owner.

use axum::extract::State;
use edge::{Body, Error, Json, Principal};
use rules::audit::Action;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::vault;

use crate::App;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "VaultSettings")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Settings {
    /// Whether people are asked to show again that it is them before an act that makes a reader or destroys.
    step_up: bool,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "VaultSettingsUpdate")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Update {
    step_up: Option<bool>,
}

/// `GET settings`: the vault's settings.
pub(crate) async fn show(by: Principal) -> Result<Json<Settings>, Error> {
    let vault = by.find(&vault::row(by.vault)).await?;
    Ok(Json(Settings { step_up: !vault.step_up_off }))
}

/// `POST settings`: changes those that are given.
pub(crate) async fn update(
    State(app): State<App>,
    by: Principal,
    Body(body): Body<Update>,
) -> Result<Json<Settings>, Error> {
    let vault = by.find(&vault::row(by.vault)).await?;
    let off = body.step_up.map_or(vault.step_up_off, |step_up| !step_up);
    if off != vault.step_up_off {
        by.step_up().await?;
        let said = if off { "off: nobody is asked again before an act that makes a reader or destroys" } else { "on" };
        let mut write = app.store.transaction();
        let changed = vault::row(by.vault).change().set(vault::STEP_UP_OFF, &off);
        write.change(changed.only_if(vault::STEP_UP_OFF.is_not(&off)));
        write.record(&by.entry(Action::VaultSettingsUpdate, format!("Step-up switched {said}")));
        write.commit().await?;
    }
    Ok(Json(Settings { step_up: !off }))
}

//! `GET alerts`, `GET alerts/actions` and `POST alerts`: which actions bring a mail.

use axum::extract::State;
use edge::answer::{Done, Nothing};
use edge::{Body, Error, Json, Principal, done};
use protocol::UserId;
use rules::audit::{Action, Category, Severity};
use rules::limits;
use rules::nouns::Alerts;
use rules::plan::Feature;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::alerts;

use crate::App;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Alerts")]
#[serde(rename_all = "camelCase")]
pub(crate) struct AlertsView {
    /// The actions that bring a mail.
    enabled_actions: Vec<Action>,
    /// The members who get mails beside the owner.
    recipients: Vec<UserId>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AlertCatalogue")]
pub(crate) struct Catalogue {
    actions: Vec<CatalogueEntry>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AlertAction")]
struct CatalogueEntry {
    action: Action,
    severity: Severity,
    category: Category,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "AlertSet")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Set {
    /// The names of the actions that bring a mail from now on; an empty list switches all mails off.
    enabled_actions: Vec<String>,
}

/// `GET alerts`: the actions that bring a mail to the owner.
pub(crate) async fn show(State(app): State<App>, by: Principal) -> Result<Json<AlertsView>, Error> {
    let Alerts { actions, recipients, .. } = app.store.alerts(by.vault).await?;
    Ok(Json(AlertsView { enabled_actions: actions, recipients }))
}

/// `GET alerts/actions`: every action that can bring a mail: all of the audit catalogue.
pub(crate) async fn actions(_: Principal) -> Json<Catalogue> {
    let entry = |action: &Action| {
        let kind = action.kind();
        CatalogueEntry { action: *action, severity: kind.severity, category: kind.category }
    };
    Json(Catalogue { actions: Action::ALL.iter().map(entry).collect() })
}

/// `POST alerts`: replaces the whole set.
pub(crate) async fn set(
    State(app): State<App>,
    by: Principal,
    Body(body): Body<Set>,
) -> Result<Json<Done<Nothing>>, Error> {
    let new = limits::actions("enabledActions", &body.enabled_actions)?;
    let was = app.store.alerts(by.vault).await?;
    let more = new.iter().filter(|action| !was.actions.contains(action)).count();
    if more > 0 {
        by.may_use(Feature::Alerts)?;
    }
    if new != was.actions {
        let fewer = was.actions.iter().filter(|action| !new.contains(action)).count();
        let detail = format!("Alert mails for {} actions: {more} switched on, {fewer} off", new.len());
        let mut write = app.store.transaction();
        let change = alerts::row(by.vault).upsert().set(alerts::VAULT, &by.vault).set(alerts::ACTIONS, &new);
        write.change(change);
        write.record(&by.entry(Action::AlertsUpdate, detail));
        write.commit().await?;
    }
    Ok(done(Nothing {}))
}

//! `POST webhooks/{webhookId}/update`: changes address, actions or state of a webhook. What is not given stays.

use axum::extract::State;
use edge::answer::Done;
use edge::{Body, Error, Ids, Json, Principal, done};
use rules::audit::Action;
use rules::nouns::{Webhook, WebhookId};
use rules::plan::Feature;
use schemars::JsonSchema;
use serde::Deserialize;
use store::webhook;

use crate::create::wanted;
use crate::{App, Touched};

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "WebhookUpdate")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Update {
    /// Where deliveries go: `https`, to a public address.
    #[schemars(length(min = 1, max = Webhook::URL))]
    url: Option<String>,
    /// The names of all actions that it is told of from now on.
    #[schemars(length(min = 1))]
    actions: Option<Vec<String>>,
    /// Switched on again, it begins without failures.
    enabled: Option<bool>,
}

pub(crate) async fn update(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<WebhookId>,
    Body(body): Body<Update>,
) -> Result<Json<Done<Touched>>, Error> {
    let was = by.find(&webhook::row(by.vault, id)).await?;
    let mut change = webhook::row(by.vault, id).change();
    let mut said = vec![];
    if let Some(url) = body.url.filter(|url| *url != was.url) {
        change = change.set(webhook::URL, &app.address(url).await?);
        said.push("has another address".to_owned());
    }
    if let Some(actions) = body.actions {
        let actions = wanted(&actions)?;
        if actions != was.actions {
            said.push(format!("is told of {} actions", actions.len()));
            change = change.set(webhook::ACTIONS, &actions);
        }
    }
    match body.enabled.filter(|enabled| *enabled != was.enabled) {
        Some(true) => {
            by.may_use(Feature::Webhooks)?;
            change = change.set(webhook::ENABLED, &true).set(webhook::FAILURES, &0);
            change = change.remove(webhook::DISABLED_AT).remove(webhook::LAST_ERROR);
            said.push("is switched on".to_owned());
        }
        Some(false) => {
            change = change.set(webhook::ENABLED, &false);
            said.push("is switched off".to_owned());
        }
        None => {}
    }
    if !said.is_empty() {
        let mut write = app.store.transaction();
        let changed = write.change(change);
        write.record(&by.entry(Action::WebhookUpdate, format!("Webhook {id} {}", said.join(", "))));
        if !write.commit_unless_refused(changed).await? {
            return Err(Error::not_found("Webhook"));
        }
    }
    Ok(done(Touched { webhook_id: id }))
}

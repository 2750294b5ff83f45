//! `GET webhooks`, `POST webhooks/query` and `GET webhooks/{webhookId}`: webhooks, in the order in which they were made. None has
//! its signing secret.

use axum::extract::State;
use edge::listing::{Page, Pager, Whole};
use edge::paging::SIZE_LIMIT;
use edge::{Body, Error, Ids, Json, Principal};
use rules::Time;
use rules::audit::Action;
use rules::nouns::{Webhook, WebhookId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::webhook;

use crate::App;

#[derive(Serialize, JsonSchema)]
pub(crate) struct Webhooks {
    webhooks: Vec<WebhookView>,
}

impl Webhooks {
    fn of(webhooks: Vec<WebhookView>) -> Self {
        Self { webhooks }
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "WebhookQuery")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Query {
    #[schemars(range(min = 1, max = SIZE_LIMIT))]
    limit: Option<u64>,
    cursor: Option<String>,
    /// The whole URL. Several webhooks can have it.
    name: Option<String>,
    enabled: Option<bool>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Webhook")]
#[serde(rename_all = "camelCase")]
pub(crate) struct WebhookView {
    id: WebhookId,
    url: String,
    /// What it is told of.
    actions: Vec<Action>,
    enabled: bool,
    /// When failures switched it off, if they did.
    disabled_at: Option<Time>,
    /// Failed deliveries since the last that was taken.
    consecutive_failures: u64,
    last_delivered_at: Option<Time>,
    last_failed_at: Option<Time>,
    last_error: Option<String>,
    created_at: Time,
}

impl WebhookView {
    fn of(webhook: Webhook) -> Self {
        Self {
            id: webhook.id,
            url: webhook.url,
            actions: webhook.actions,
            enabled: webhook.enabled,
            disabled_at: webhook.disabled_at,
            consecutive_failures: webhook.consecutive_failures,
            last_delivered_at: webhook.last_delivered_at,
            last_failed_at: webhook.last_failed_at,
            last_error: webhook.last_error,
            created_at: webhook.created_at,
        }
    }
}

/// `GET webhooks`: all webhooks of the vault.
pub(crate) async fn list(State(app): State<App>, by: Principal) -> Result<Json<Whole<Webhooks>>, Error> {
    let show = |webhook| Some(WebhookView::of(webhook));
    Ok(Pager::whole().along(&app.store, webhook::of_vault(by.vault), show).await?.whole(Webhooks::of))
}

/// `POST webhooks/query`: the same a page at a time; by URL, switched on or not.
pub(crate) async fn query(
    State(app): State<App>,
    by: Principal,
    Body(query): Body<Query>,
) -> Result<Json<Page<Webhooks>>, Error> {
    let pager = Pager::page(query.limit, query.cursor.as_deref())?;
    let wanted = |webhook: &WebhookView| {
        query.enabled.is_none_or(|enabled| enabled == webhook.enabled)
            && query.name.as_ref().is_none_or(|url| *url == webhook.url)
    };
    let show = |webhook| Some(WebhookView::of(webhook)).filter(wanted);
    Ok(pager.along(&app.store, webhook::of_vault(by.vault), show).await?.page(Webhooks::of))
}

/// `GET webhooks/{webhookId}`: one webhook.
pub(crate) async fn one(by: Principal, Ids(id): Ids<WebhookId>) -> Result<Json<WebhookView>, Error> {
    Ok(Json(WebhookView::of(by.find(&webhook::row(by.vault, id)).await?)))
}

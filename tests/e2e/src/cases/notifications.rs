//! Alert mails and webhooks: who is told of what is recorded.

use rules::audit::Action;
use serde_json::json;

use super::topics::{ALERTS, WEBHOOKS, about};
use super::{Case, get, post};

pub(super) fn cases() -> Vec<Case> {
    [about(ALERTS, alerts()), about(WEBHOOKS, webhooks())].concat()
}

fn alerts() -> Vec<Case> {
    vec![
        get("getAlerts", "alerts"),
        get("listAlertActions", "alerts/actions"),
        post("setAlerts", "alerts")
            .body(json!({ "enabledActions": ["canary_triggered", "auth_failure"] }))
            .given("noAlerts")
            .effect(Action::AlertsUpdate),
    ]
}

fn webhooks() -> Vec<Case> {
    vec![
        get("listWebhooks", "webhooks").given("webhookId"),
        post("queryWebhooks", "webhooks/query").example(json!({ "enabled": true })).given("webhookId"),
        post("createWebhook", "webhooks")
            .body(json!({ "url": "$webhookUrl", "actions": ["canary_triggered"] }))
            .given("roomForWebhooks")
            .effect(Action::WebhookCreate),
        get("getWebhook", "webhooks/{webhookId}"),
        post("updateWebhook", "webhooks/{webhookId}/update")
            .body(json!({ "actions": ["canary_triggered", "auth_failure"], "enabled": true }))
            .effect(Action::WebhookUpdate),
        post("rotateWebhookSecret", "webhooks/{webhookId}/rotate-secret").effect(Action::WebhookSecretRotate),
        post("deleteWebhook", "webhooks/{webhookId}/delete").effect(Action::WebhookDelete),
        post("testWebhook", "webhooks/{webhookId}/test").effect(Action::WebhookTest),
        post("queryDeliveries", "webhooks/{webhookId}/deliveries/query").given("deliveryId"),
        post("resendDelivery", "webhooks/{webhookId}/deliveries/{deliveryId}/redeliver")
            .effect(Action::WebhookRedeliver),
    ]
}

//! `POST webhooks`: a new webhook; and `POST webhooks/{webhookId}/rotate-secret`, a new signing secret for one. A secret is shown
//! this once. It is kept sealed, and `deliver-webhooks` alone opens it.

use axum::extract::State;
use crypto::{Sealed, random};
use edge::answer::{SecretJson, secret_json};
use edge::seal::SealSigningSecret;
use edge::{Body, Error, Ids, Principal};
use rules::Time;
use rules::audit::Action;
use rules::limits;
use rules::nouns::{PreviousSecret, Webhook, WebhookId};
use rules::plan::{Counted, Feature};
use rules::webhooks::SigningSecret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::webhook;
use zeroize::Zeroizing;

use crate::App;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewWebhook {
    /// Where deliveries go: `https`, to a public address.
    #[schemars(length(min = 1, max = Webhook::URL))]
    url: String,
    /// The names of the actions that it is told of; `GET audit/actions` lists them.
    #[schemars(length(min = 1))]
    actions: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CreatedWebhook")]
pub(crate) struct Created {
    id: WebhookId,
    /// The signing secret, shown this once.
    #[schemars(with = "String")]
    secret: Zeroizing<String>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RotatedWebhookSecret")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rotated {
    id: WebhookId,
    /// The new signing secret, shown this once.
    #[schemars(with = "String")]
    secret: Zeroizing<String>,
    /// Until when deliveries are signed with the secret before, too.
    previous_until: Time,
}

/// `POST webhooks`: a new webhook, which is told of these actions from now on.
pub(crate) async fn create(
    State(app): State<App>,
    by: Principal,
    Body(body): Body<NewWebhook>,
) -> Result<SecretJson<Created>, Error> {
    by.may_use(Feature::Webhooks)?;
    let actions = wanted(&body.actions)?;
    let url = app.address(body.url).await?;
    let id = WebhookId::from_entropy(random::bytes());
    let (secret, sealed) = app.new_secret(&by, id).await?;
    let webhook = Webhook {
        id,
        vault: by.vault,
        url,
        actions,
        enabled: true,
        disabled_at: None,
        consecutive_failures: 0,
        last_delivered_at: None,
        last_failed_at: None,
        last_error: None,
        secret: sealed,
        previous: None,
        created_at: by.now,
    };
    let mut write = app.store.transaction();
    let room = by.room(Counted::Webhooks);
    let has_room = room.take(&mut write, by.now);
    write.put_new(&webhook);
    let detail = format!("Webhook {id} created, for {} actions", webhook.actions.len());
    write.record(&by.entry(Action::WebhookCreate, detail));
    if !write.commit_unless_refused(has_room).await? {
        return Err(room.full());
    }
    Ok(secret_json(&Created { id, secret }, 128))
}

/// `POST …/rotate-secret`: a new signing secret. For a day deliveries are signed with the one before too, so that a receiver
/// can change over in its own time.
pub(crate) async fn rotate_secret(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<WebhookId>,
) -> Result<SecretJson<Rotated>, Error> {
    let webhook = by.find(&webhook::row(by.vault, id)).await?;
    let (secret, sealed) = app.new_secret(&by, id).await?;
    let previous_until = by.now.plus_seconds(Webhook::OVERLAP_SECONDS);
    let previous = PreviousSecret { secret: webhook.secret.clone(), until: previous_until };
    let mut write = app.store.transaction();
    let change = webhook::row(by.vault, id).change().set(webhook::SECRET, &sealed);
    write.change(change.set(webhook::PREVIOUS, &Some(previous)).only_if(webhook::SECRET.is(&webhook.secret)));
    write.record(&by.entry(Action::WebhookSecretRotate, format!("Webhook {id} has a new signing secret")));
    write.commit().await?;
    Ok(secret_json(&Rotated { id, secret, previous_until }, 128))
}

/// The actions that a webhook is told of: at least one.
pub(crate) fn wanted(names: &[String]) -> Result<Vec<Action>, Error> {
    if names.is_empty() {
        return Err(Error::invalid("actions", "must name at least one action"));
    }
    Ok(limits::actions("actions", names)?)
}

impl App {
    /// A URL that a webhook may have.
    pub(crate) async fn address(&self, url: String) -> Result<String, Error> {
        if url.chars().count() > Webhook::URL {
            return Err(Error::invalid("url", format!("must be at most {} characters", Webhook::URL)));
        }
        self.courier.check(&url).await?;
        Ok(url)
    }

    /// A new signing secret, and the same sealed.
    async fn new_secret(&self, by: &Principal, webhook: WebhookId) -> Result<(Zeroizing<String>, Sealed), Error> {
        let secret = SigningSecret::of(&Zeroizing::new(random::bytes()));
        let text = secret.text().expose_str().ok_or_else(|| Error::internal("a secret that is no text"))?;
        let shown = Zeroizing::new(text.to_owned());
        let ask = SealSigningSecret { vault: by.vault, webhook, secret: secret.into_text() };
        Ok((shown, self.seal.ask(ask).await?.sealed))
    }
}

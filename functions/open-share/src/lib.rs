//! `GET /v1/share/{token}`, the page of a share link, and `POST /v1/share/{token}`, its one attempt.
//!
//! Opening the page costs nothing, so what looks at links in mails and chats destroys nothing. An attempt destroys the
//! value first, by a write that only one of many can make, and looks at the passphrase after it: right or wrong, and
//! however often it is sent at once, there is one outcome. No value leaves before its record is written.

mod page;

use axum::extract::State;
use crypto::{Plaintext, TokenHash, passphrase};
use edge::answer::{SecretJson, secret_json};
use edge::body::SMALL;
use edge::{Base, Body, Clock, Code, Error, Ids, Origins, Passwords, Routes, SourceAddress};
use rules::Time;
use rules::audit::{Action, ActorKind};
use rules::nouns::{Expiry, ShareLink, ShareStatus};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Batch, CommitError, KeyRing, Put as _, Store, Values, project, share, vault};

#[derive(Clone)]
struct App {
    store: Store,
    values: Values,
    keys: KeyRing,
    clock: Clock,
    passwords: Passwords,
    origins: Origins,
}

/// The function's routes.
pub fn routes(base: &Base, values: Values, keys: KeyRing) -> Routes {
    let passwords = Passwords::new(base);
    let origins = Origins::new(base);
    let app = App { store: base.store.clone(), values, keys, clock: base.clock.clone(), passwords, origins };
    let path = "/v1/share/{token}";
    Routes::of("open-share").get(path, page::page).post(path, open).with_state(app)
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ShareLinkAttempt")]
#[serde(deny_unknown_fields)]
struct Attempt {
    /// In either letter case, with or without dashes and spaces.
    passphrase: Plaintext,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SharedValue")]
struct Opened<'a> {
    name: &'a str,
    value: &'a str,
}

impl App {
    /// A link that waits for its attempt; 410 for any other.
    async fn find(&self, token: &str, now: Time) -> Result<ShareLink, Error> {
        let hash = TokenHash::of_link_text(token).ok_or_else(Error::gone)?;
        let link = self.store.get(&share::row(&hash)).await?.filter(|link| link.is_open(now));
        link.ok_or_else(Error::gone)
    }

    /// Destroys the value of a link: from here on the attempt is made. 410 if it was made already. Gives what ends the attempt
    /// if it is cut off.
    async fn take(&self, link: &ShareLink, now: Time) -> Result<Expiry, Error> {
        let attempt = link.attempt(now);
        let mut write = self.store.transaction();
        write.delete_existing(&self.values.shared(&link.hash));
        write.require(&project::row(link.project));
        share::end(&mut write, link, ShareStatus::Destroyed, now);
        write.delete(&link.expiry().key());
        write.put(&attempt);
        match write.commit().await {
            Ok(()) => Ok(attempt),
            Err(CommitError::Refused(_)) => Err(Error::gone()),
            Err(error) => Err(error.into()),
        }
    }
}

/// `POST /v1/share/{token}`: the one attempt. The right passphrase is answered with the value, a wrong one with 410, and so
/// is everything after it.
async fn open(
    State(app): State<App>,
    Ids(token): Ids<String>,
    from: SourceAddress,
    Body(body): Body<Attempt, SMALL>,
) -> Result<SecretJson<Opened<'static>>, Error> {
    let characters = body.passphrase.expose_str().map_or(0, |text| text.chars().count());
    if !(1..=ShareLink::TYPED).contains(&characters) {
        return Err(Error::invalid("passphrase", format!("must be 1 to {} characters", ShareLink::TYPED)));
    }
    let now = app.clock.now();
    let link = app.find(&token, now).await?;
    let (vault_row, value_row, key_row) =
        (vault::row(link.vault), app.values.shared(&link.hash), share::key(link.project));
    let mut batch = Batch::new();
    batch.want(&vault_row);
    batch.want(&value_row);
    batch.want(&key_row);
    let mut found = app.store.fetch(batch).await?;
    let vault = found.take(&vault_row)?.ok_or_else(Error::gone)?;
    let stored = found.take(&value_row)?.ok_or_else(Error::gone)?;
    // Gone with its project.
    let wrapped = found.take(&key_row)?.ok_or_else(Error::gone)?;
    // A key layer that is down, or too many others who wait, cost no attempt.
    let key = app.keys.share_key(&wrapped, now).await?;
    let turn = app.passwords.turn().await?;
    let attempt = app.take(&link, now).await?;

    let typed = passphrase::typed(&body.passphrase);
    let is_right = turn.verify(typed, Some(stored.passphrase_hash.clone())).await?;
    let value = if is_right { Some(key.open(&link.place(&stored.passphrase_hash), &stored.sealed)?) } else { None };
    let origin = app.origins.of(&vault, ActorKind::External, Some(from.ip()), now);
    let (action, how) = match &value {
        Some(_) => (Action::ShareLinkView, "opened"),
        None => (Action::ShareLinkFail, "destroyed by a wrong passphrase"),
    };
    let mut write = app.store.transaction();
    // Whoever comes too late for this has been recorded as cut off.
    let in_time = write.delete_existing(&attempt.key());
    if value.is_some() {
        write.change(share::row(&link.hash).change().set(share::STATUS, &ShareStatus::Viewed));
    }
    write.record(&origin.entry(action, format!("Share link {} {how}", link.name)).project(link.project));
    if !write.commit_unless_refused(in_time).await? {
        return Err(Error::gone());
    }
    let Some(value) = value else {
        let text = "This is not the passphrase, and the link is destroyed";
        return Err(Error::new(Code::PassphraseWrong, text));
    };
    let text = value.expose_str().ok_or_else(|| Error::internal("a shared value is not UTF-8"))?;
    Ok(secret_json(&Opened { name: &link.name, value: text }, value.len()))
}

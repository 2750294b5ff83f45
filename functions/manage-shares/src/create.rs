//! `POST projects/{projectId}/temporary-secrets`: a new share link, its value given or generated. Link and passphrase are
//! shown this once.

use axum::extract::State;
use crypto::{Charset, Generator, OneTimeToken, Passphrase, Plaintext, TokenHash, passphrase, random};
use edge::answer::{SecretJson, secret_json};
use edge::seal::{Share, SharedValue};
use edge::{Body, Error, Ids, Principal};
use protocol::ProjectId;
use rules::Time;
use rules::audit::Action;
use rules::limits;
use rules::nouns::{ShareLink, ShareLinkId, ShareStatus};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::project;
use zeroize::Zeroizing;

use crate::App;

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "NewShareLink")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewLink {
    #[schemars(length(min = 1, max = ShareLink::NAME))]
    name: String,
    /// After which it can no longer be opened.
    #[schemars(range(min = *ShareLink::SECONDS.start(), max = *ShareLink::SECONDS.end()))]
    expires_in_seconds: u64,
    /// Its value, at most 102,400 bytes; or else `generateRandom` is true.
    value: Option<Plaintext>,
    #[serde(default)]
    generate_random: bool,
    /// Of a generated value, in characters; 32 unless given.
    #[schemars(range(min = *Generator::LENGTH.start(), max = *Generator::LENGTH.end()))]
    length: Option<u64>,
    charset: Option<Charset>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CreatedShareLink")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Created {
    id: ShareLinkId,
    /// The secret part of the link.
    token: String,
    /// To be sent another way than the link.
    #[schemars(with = "String")]
    passphrase: Zeroizing<String>,
    expires_at: Time,
    /// The page on which it is opened.
    url: String,
}

pub(crate) async fn create(
    State(app): State<App>,
    by: Principal,
    Ids(project): Ids<ProjectId>,
    Body(body): Body<NewLink>,
) -> Result<SecretJson<Created>, Error> {
    let project = by.find(&project::row(project)).await?.id;
    let name = limits::name("name", &body.name, ShareLink::NAME)?;
    let seconds = limits::number("expiresInSeconds", body.expires_in_seconds, ShareLink::SECONDS)?;
    let value = match (body.value, body.generate_random) {
        (Some(value), false) => {
            if !(1..=ShareLink::VALUE_BYTES).contains(&value.len()) {
                return Err(Error::invalid("value", format!("must be 1 to {} bytes", ShareLink::VALUE_BYTES)));
            }
            SharedValue::Given(value)
        }
        (None, true) => SharedValue::Generated(limits::generator(body.length, body.charset)?),
        _ => return Err(Error::invalid("value", "must be given, or else generateRandom must be true")),
    };
    let passphrase = Passphrase::make().expose();
    let typed = passphrase::typed(&Plaintext::new(passphrase.as_bytes().to_vec()));
    let passphrase_hash = app.passwords.turn().await?.hash(typed).await?;
    let token = OneTimeToken::make().to_link_text();
    let link = ShareLink {
        id: ShareLinkId::from_entropy(random::bytes()),
        hash: TokenHash::of_link_text(&token).ok_or_else(|| Error::internal("a token of another shape"))?,
        vault: by.vault,
        project,
        name,
        created_at: by.now,
        expires_at: by.now.plus_seconds(seconds),
        status: ShareStatus::Pending,
        ended_at: None,
    };
    let created = Created {
        id: link.id,
        url: format!("{}/v1/share/{token}", app.config.url),
        token,
        passphrase,
        expires_at: link.expires_at,
    };
    let detail = format!("Share link {} created, good for {seconds} s", link.name);
    let record = by.entry(Action::ShareLinkCreate, detail).project(project);
    app.seal.ask(Share { link, value, passphrase_hash, record }).await?;
    Ok(secret_json(&created, created.url.len() * 2))
}

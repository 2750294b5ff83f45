//! `POST bootstrap-tokens`: a token that registers one long-lived machine, and the commands that use it.

use axum::extract::State;
use crypto::{OneTimeToken, TokenHash};
use edge::{Body, Error, Json, Principal};
use rules::Time;
use rules::audit::Action;
use rules::nouns::BootstrapToken;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::App;

/// How long a bootstrap token lives, in seconds (10 minutes).
const LIFETIME_SECONDS: u64 = 600;

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "NewBootstrapToken")]
#[serde(deny_unknown_fields)]
pub(crate) struct NewToken {}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "BootstrapToken")]
#[serde(rename_all = "camelCase")]
pub(crate) struct MadeToken {
    /// Shown this once.
    token: String,
    expires_at: Time,
    commands: Commands,
}

/// What a person types on the machine.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "BootstrapCommands")]
struct Commands {
    sh: String,
    ps: String,
    k8s: String,
    ci: String,
}

pub(crate) async fn create(
    State(app): State<App>,
    by: Principal,
    Body(NewToken {}): Body<NewToken>,
) -> Result<Json<MadeToken>, Error> {
    let token = OneTimeToken::make().to_hex();
    let row = BootstrapToken {
        hash: TokenHash::of_hex(&token).ok_or_else(|| Error::internal("a token of another shape"))?,
        vault: by.vault,
        made_by: by.person().map(|user| user.id),
        expires_at: by.now.plus_seconds(LIFETIME_SECONDS),
    };
    let mut write = app.store.transaction();
    write.put_new(&row);
    write.record(&by.entry(Action::BootstrapTokenCreate, "Bootstrap token created"));
    write.commit().await?;

    let url = format!("{}/v1/bootstrap/{token}", app.config.url);
    let commands = Commands {
        sh: format!("curl -sSL {url} | sh"),
        ps: format!("irm {url}/ps | iex"),
        k8s: format!("curl -sSL {url}/k8s | sh"),
        ci: format!("curl -sSL {url}/ci | sh"),
    };
    Ok(Json(MadeToken { token, expires_at: row.expires_at, commands }))
}

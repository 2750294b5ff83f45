//! `GET /v1/{vaultId}/enroll/script`: `sikkerkey-init.sh`, with this server's address and the vault in it. It holds no
//! secret: the token comes from the runner's environment.

use axum::extract::State;
use axum::response::Response;
use edge::{Error, Ids, answer};
use protocol::VaultId;

use crate::App;

/// What it shares with the bootstrap scripts comes first.
const SCRIPT: &str =
    concat!(include_str!("../../bootstrap-machine/src/scripts/common.sh"), include_str!("scripts/sikkerkey-init.sh"));

pub(crate) async fn script(State(app): State<App>, Ids(vault): Ids<VaultId>) -> Result<Response, Error> {
    let script =
        SCRIPT.replace("__SIKKERKEY_API_URL__", &app.config.url).replace("__SIKKERKEY_VAULT_ID__", &vault.to_string());
    Ok(answer::file("text/plain; charset=utf-8", script.into_bytes().into()))
}

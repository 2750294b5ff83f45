//! `GET /v1/{vaultId}/enroll/script`: `sikkerkey-init.sh`, with this server's address and the vault in it. It holds no
//! secret: the token comes from the runner's environment.

use axum::extract::State;
use edge::answer::{File, Text};
use edge::script::{Refused, Sh};
use edge::{Base, Error, Ids};
use protocol::VaultId;
use rules::variables;

/// What it shares with the bootstrap scripts comes first.
const SCRIPT: &str =
    concat!(include_str!("../../bootstrap-machine/src/scripts/common.sh"), include_str!("scripts/sikkerkey-init.sh"));

pub(crate) async fn script(
    State(base): State<Base>,
    vault: Result<Ids<VaultId>, Error>,
) -> Result<File<Text>, Refused<Sh>> {
    let Ids(vault) = vault?;
    let script =
        SCRIPT.replace("__SIKKERKEY_API_URL__", &base.config.url).replace("__SIKKERKEY_VAULT_ID__", &vault.to_string());
    let script = script.replace("__SIKKERKEY_RESERVED__", &variables::as_shell_pattern());
    Ok(File::new(script.into_bytes().into()))
}

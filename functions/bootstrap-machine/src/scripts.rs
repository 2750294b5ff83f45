//! `GET /v1/bootstrap/{token}` and `/ps`, `/k8s`, `/ci`: the scripts, with this server's address and the token in them.

use axum::extract::State;
use edge::answer::{File, Text};
use edge::script::{PowerShell, Refused, Sh};
use edge::{Base, Error, Ids, SourceAddress};

/// What the three shell scripts share comes first.
const SH: &str = concat!(include_str!("scripts/common.sh"), include_str!("scripts/bootstrap.sh"));
const KUBERNETES: &str = concat!(include_str!("scripts/common.sh"), include_str!("scripts/kubernetes.sh"));
const CI: &str = concat!(include_str!("scripts/common.sh"), include_str!("scripts/ci.sh"));
const POWERSHELL: &str = include_str!("scripts/bootstrap.ps1");

/// `GET /v1/bootstrap/{token}`: the script for `curl -sSL URL | sh`, on Linux and macOS.
pub(crate) async fn sh(
    State(base): State<Base>,
    token: Result<Ids<String>, Error>,
    from: SourceAddress,
) -> Result<File<Text>, Refused<Sh>> {
    script(&base, SH, token, from).await
}

/// `GET /v1/bootstrap/{token}/ps`: the script for `irm URL | iex`, on Windows.
pub(crate) async fn powershell(
    State(base): State<Base>,
    token: Result<Ids<String>, Error>,
    from: SourceAddress,
) -> Result<File<Text>, Refused<PowerShell>> {
    script(&base, POWERSHELL, token, from).await
}

/// `GET /v1/bootstrap/{token}/k8s`: the script that registers and prints a command which makes a Kubernetes secret.
pub(crate) async fn kubernetes(
    State(base): State<Base>,
    token: Result<Ids<String>, Error>,
    from: SourceAddress,
) -> Result<File<Text>, Refused<Sh>> {
    script(&base, KUBERNETES, token, from).await
}

/// `GET /v1/bootstrap/{token}/ci`: the script that registers and prints what goes into a CI provider's secret store.
pub(crate) async fn ci(
    State(base): State<Base>,
    token: Result<Ids<String>, Error>,
    from: SourceAddress,
) -> Result<File<Text>, Refused<Sh>> {
    script(&base, CI, token, from).await
}

/// A script for a token that may be used; plain text, because PowerShell parses what is sent as data. The token is 64 hex
/// characters and the address our own configuration, so neither needs quoting.
async fn script<S>(
    base: &Base,
    template: &str,
    token: Result<Ids<String>, Error>,
    from: SourceAddress,
) -> Result<File<Text>, Refused<S>> {
    let Ids(token) = token?;
    crate::token(base, &token, from.ip()).await?;
    let script = template.replace("__SIKKERKEY_API_URL__", &base.config.url).replace("__SIKKERKEY_TOKEN__", &token);
    Ok(File::new(script.into_bytes().into()))
}

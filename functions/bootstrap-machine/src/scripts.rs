//! `GET /v1/bootstrap/{token}` and `/ps`, `/k8s`, `/ci`: the scripts, with this server's address and the token in them.

use axum::extract::State;
use edge::answer::{File, Text};
use edge::{Error, Ids, SourceAddress};

use crate::App;

/// What the three shell scripts share comes first.
const SH: &str = concat!(include_str!("scripts/common.sh"), include_str!("scripts/bootstrap.sh"));
const KUBERNETES: &str = concat!(include_str!("scripts/common.sh"), include_str!("scripts/kubernetes.sh"));
const CI: &str = concat!(include_str!("scripts/common.sh"), include_str!("scripts/ci.sh"));
const POWERSHELL: &str = include_str!("scripts/bootstrap.ps1");

/// `GET /v1/bootstrap/{token}`: the script for `curl -sSL URL | sh`, on Linux and macOS.
pub(crate) async fn sh(
    State(app): State<App>,
    Ids(token): Ids<String>,
    from: SourceAddress,
) -> Result<File<Text>, Error> {
    app.script(SH, &token, from).await
}

/// `GET /v1/bootstrap/{token}/ps`: the script for `irm URL | iex`, on Windows.
pub(crate) async fn powershell(
    State(app): State<App>,
    Ids(token): Ids<String>,
    from: SourceAddress,
) -> Result<File<Text>, Error> {
    app.script(POWERSHELL, &token, from).await
}

/// `GET /v1/bootstrap/{token}/k8s`: the script that registers and prints a command which makes a Kubernetes secret.
pub(crate) async fn kubernetes(
    State(app): State<App>,
    Ids(token): Ids<String>,
    from: SourceAddress,
) -> Result<File<Text>, Error> {
    app.script(KUBERNETES, &token, from).await
}

/// `GET /v1/bootstrap/{token}/ci`: the script that registers and prints what goes into a CI provider's secret store.
pub(crate) async fn ci(
    State(app): State<App>,
    Ids(token): Ids<String>,
    from: SourceAddress,
) -> Result<File<Text>, Error> {
    app.script(CI, &token, from).await
}

impl App {
    /// A script for a token that may be used; plain text, because PowerShell parses what is sent as data. The token is 64 hex characters and the address our own configuration,
    /// so neither needs quoting.
    async fn script(&self, template: &str, token: &str, from: SourceAddress) -> Result<File<Text>, Error> {
        self.token(token, from.ip()).await?;
        let script = template.replace("__SIKKERKEY_API_URL__", &self.config.url).replace("__SIKKERKEY_TOKEN__", token);
        Ok(File::new(script.into_bytes().into()))
    }
}

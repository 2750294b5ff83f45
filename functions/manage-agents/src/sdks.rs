//! `GET sdks` and `sdks/{sdkId}`: the client libraries, for those who write code with an AI.

use edge::{Error, Ids, Json, Principal};
use schemars::JsonSchema;
use serde::Serialize;

/// A client library.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sdk {
    id: &'static str,
    name: &'static str,
    /// What installs it, where its package is known to us.
    install: Option<&'static str>,
    /// What it runs on.
    requires: &'static str,
    /// Where to read on, in the project's documentation.
    docs: &'static str,
    /// Reads one secret. The ids of vault and secret are examples.
    sample: &'static str,
}

const SDKS: [Sdk; 5] = [
    Sdk {
        id: "python",
        name: "Python",
        install: Some("pip install sikkerkey"),
        requires: "Python 3.9 or later",
        docs: "docs/sdks.md#python",
        sample: r#"sk = SikkerKey("vault_a1b2c3d4e5")
api_key = sk.get_secret("sk_a1b2c3d4e5")"#,
    },
    Sdk {
        id: "node",
        name: "Node.js",
        install: None,
        requires: "Node.js",
        docs: "docs/sdks.md#nodejs",
        sample: r#"const sk = SikkerKey.create("vault_a1b2c3d4e5");
const apiKey = await sk.getSecret("sk_a1b2c3d4e5");"#,
    },
    Sdk {
        id: "go",
        name: "Go",
        install: None,
        requires: "Go",
        docs: "docs/sdks.md#go",
        sample: r#"sk, err := sikkerkey.New("vault_a1b2c3d4e5")
if err != nil {
	return err
}
apiKey, err := sk.GetSecret("sk_a1b2c3d4e5")"#,
    },
    Sdk {
        id: "dotnet",
        name: ".NET",
        install: None,
        requires: ".NET",
        docs: "docs/sdks.md#net",
        sample: r#"var sk = SikkerKeyClient.Create("vault_a1b2c3d4e5");
var apiKey = await sk.GetSecretAsync("sk_a1b2c3d4e5");"#,
    },
    Sdk {
        id: "kotlin",
        name: "Kotlin",
        install: None,
        requires: "A Java virtual machine",
        docs: "docs/sdks.md#kotlin",
        sample: r#"val sk = SikkerKey("vault_a1b2c3d4e5")
val apiKey = sk.getSecret("sk_a1b2c3d4e5")"#,
    },
];

#[derive(Serialize, JsonSchema)]
pub(crate) struct Sdks {
    sdks: [Sdk; 5],
}

/// `GET sdks`: the client libraries.
pub(crate) async fn list(_: Principal) -> Json<Sdks> {
    Json(Sdks { sdks: SDKS })
}

/// `GET sdks/{sdkId}`: one client library.
pub(crate) async fn one(_: Principal, Ids(id): Ids<String>) -> Result<Json<Sdk>, Error> {
    SDKS.into_iter().find(|sdk| sdk.id == id).map(Json).ok_or_else(|| Error::not_found("SDK"))
}

//! Values that stand for things in the OpenAPI document: always the same, and of nobody.

use serde_json::{Value, json};

const UUID: &str = "0b64c4f0-5d6f-4d5e-9c7e-3f1f6f3f0a11";
/// What one-time tokens look like.
pub const TOKEN: &str = "6f1c0a5e9b7d4c28a3f0e1d2c4b59687786950b4c2d1e0f3a82c4d7b9e5a0c1f";
/// What tokens of links look like.
pub const LINK_TOKEN: &str = "bxwKXpt9TCij8OHSxLWWh3hpULTC0eDzqCxNe55aDB8";
/// What the passphrase of a share link looks like.
pub const PASSPHRASE: &str = "abcde-fghjk-mnpqr-stuvw";
/// The public key of RFC 8032's first test.
pub const PUBLIC_KEY: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

/// What recovery codes look like.
pub const RECOVERY_CODE: &str = "abcd-efgh-ijkl-mnop";

/// What stands for a thing.
///
/// # Panics
///
/// If nothing does.
#[must_use]
pub fn example_of(thing: &str) -> Value {
    let text = match thing {
        "projectId" | "frozenProject" => "proj_a1b2c3d4e5",
        "secretId" | "trashedSecret" | "boundSecret" | "canaryId" | "scheduledSecret" | "disarmedCanary" => {
            "sk_a1b2c3d4e5"
        }
        "policyId" | "boundPolicy" => "pol_a1b2c3d4e5",
        "tokenId" => "enr_a1b2c3d4e5",
        "entryId" => "ipa_a1b2c3d4e5",
        "vaultId" => "vault_a1b2c3d4e5",
        "ticketId" | "resolvedTicket" => "tkt_a1b2c3d4e5",
        "attachmentId" => "att_a1b2c3d4e5",
        "webhookId" => "hook_a1b2c3d4e5",
        "webhookUrl" => "https://hooks.example.org/sikkerkey",
        "machineId" | "pendingMachine" | "disabledMachine" | "member" | "reader" | "agentId" | "pendingAgent"
        | "disabledAgent" | "session" | "passkey" | "deliveryId" => UUID,
        "sdkId" => "python",
        "bootstrapToken" | "agentToken" | "enrollment" | "registration" | "ceremony" => TOKEN,
        "bundleToken" | "shareToken" | "verificationToken" | "resetToken" => LINK_TOKEN,
        "passphrase" => PASSPHRASE,
        "email" | "newEmail" => "owner@example.org",
        "newName" => "staging",
        "projectName" => "production",
        "password" => "a long passw0rd!",
        "newPassword" => "another passw0rd!",
        "publicKey" => PUBLIC_KEY,
        "range" => "203.0.113.0/24",
        "firstCode" => "123456",
        "recoveryCode" => RECOVERY_CODE,
        "newCredential" => return credential(json!({ "attestationObject": "o2NmbXRkbm9uZQ" })),
        "credential" => return credential(json!({ "authenticatorData": "SZYN5YgOjGh0", "signature": "MEUCIQDx" })),
        other => panic!("nothing stands for {other} in the OpenAPI document"),
    };
    text.into()
}

/// What a browser makes, in short.
fn credential(mut response: Value) -> Value {
    response["clientDataJSON"] = json!("eyJ0eXBlIjoid2ViYXV0aG4ifQ");
    json!({ "id": "q0Ka7TqzQK0", "rawId": "q0Ka7TqzQK0", "type": "public-key", "response": response })
}

//! Bodies of the machine plane and of onboarding, exactly as published clients encode and decode them.
//!
//! Answers carry only the keys listed here: the Kotlin client fails on any other, and on a `null` where it expects a
//! value. Requests refuse unknown keys, so that a misspelt one is an error and not a silent difference. The answers
//! that carry values are written by `edge::answer`, which wipes them.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{MachineId, ProjectId, SecretId, VaultId};

/// `GET /v1/secrets` and `POST /v1/secrets/list`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct SecretList {
    /// The secrets the machine is granted; `[]`, never null.
    pub secrets: Vec<SecretItem>,
}

/// One row of [`SecretList`].
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretItem {
    /// The secret's id.
    pub id: SecretId,
    /// Its name.
    pub name: String,
    /// The JSON array of field names as text for structured and managed secrets, else null.
    pub field_names: Option<String>,
    /// The project it is in.
    pub project_id: ProjectId,
}

/// Body of `POST /v1/secrets/list` and `POST /v1/verify-access`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProjectScope {
    /// The project, as the client sent it: an id of another shape is an unknown project, not a malformed body.
    pub project_id: String,
}

/// Body of `POST /v1/secrets/export`; absent for everything.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExportScope {
    /// Export this project only.
    #[serde(default, deserialize_with = "not_null", skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    /// Reserved by the protocol for applications, which do not exist yet: any id is unknown.
    #[serde(default, deserialize_with = "not_null", skip_serializing_if = "Option::is_none")]
    pub application_id: Option<String>,
}

/// Takes a text and not `null`: a client that lost the id it meant must not get everything.
fn not_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

/// Body of `POST /v1/secrets/poll`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Watch {
    /// Ids the client watches, at most [`Watch::LIMIT`].
    pub watch: Vec<String>,
}

impl Watch {
    /// Most ids in one call.
    pub const LIMIT: usize = 2_000;
}

/// What a poll reports of one secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "SecretChange")]
pub struct Change {
    /// The news.
    pub status: ChangeStatus,
}

/// The news of one watched secret; a secret without news is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "SecretChangeStatus")]
#[serde(rename_all = "snake_case")]
pub enum ChangeStatus {
    /// A version newer than the one last delivered to this machine.
    Changed,
    /// No such secret (any more).
    Deleted,
    /// No membership or no grant (any more).
    AccessDenied,
}

/// Answer of `POST /v1/verify-access`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerifiedAccess {
    /// Always true: a refusal is an error answer.
    pub valid: bool,
    /// The project's name.
    pub project_name: Option<String>,
    /// Always null.
    pub error: Option<String>,
}

/// `GET /v1/cli/projects`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct CliProjects {
    /// Projects in which this machine has granted secrets, in the order they were made.
    pub projects: Vec<CliProject>,
}

/// One row of [`CliProjects`].
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CliProject {
    /// The project's id.
    pub project_id: ProjectId,
    /// Its name.
    pub project_name: String,
}

/// `GET /v1/cli/secrets`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct CliSecrets {
    /// The secrets the machine is granted.
    pub secrets: Vec<CliSecret>,
}

/// One row of [`CliSecrets`].
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CliSecret {
    /// The secret's id.
    pub id: SecretId,
    /// Its name.
    pub name: String,
    /// As in [`SecretItem`].
    pub field_names: Option<String>,
    /// The project it is in.
    pub project_id: ProjectId,
    /// That project's name.
    pub project_name: String,
    /// `secret`, `structured` or `managed`. A canary shows as `secret`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// Body of `POST /v1/bootstrap/{token}/register`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BootstrapRegistration {
    /// Standard base64 of the raw 32-byte Ed25519 public key.
    pub public_key: String,
    /// Becomes the machine's name.
    pub hostname: String,
}

/// Answer of `POST /v1/bootstrap/{token}/register`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BootstrappedMachine {
    /// The new machine, pending.
    pub machine_id: MachineId,
    /// Its name.
    pub machine_name: String,
    /// Its vault.
    pub vault_id: VaultId,
    /// Base URL of signed requests: no trailing slash, no path.
    pub api_url: String,
}

/// Body of `POST /v1/{vaultId}/enroll/register`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "MachineEnrollment")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Enrollment {
    /// Plaintext of the enrollment token.
    pub token: String,
    /// Standard base64 of the raw 32-byte Ed25519 public key.
    pub public_key: String,
    /// The host's name, matched against the token's pattern.
    pub hostname: String,
    /// Name asked for; the token's name pattern overrides it.
    pub name: Option<String>,
}

/// Answer of `POST /v1/{vaultId}/enroll/register`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnrolledMachine {
    /// The new machine, approved.
    pub machine_id: MachineId,
    /// Its name.
    pub machine_name: String,
    /// Its vault.
    pub vault_id: VaultId,
    /// Epoch seconds at which the machine ends.
    pub expires_at: u64,
    /// Base URL of signed requests.
    pub api_url: String,
}

/// `identity.json`: these five keys and no others, all strings.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Identity {
    /// The machine's id.
    pub machine_id: MachineId,
    /// Its name.
    pub machine_name: String,
    /// Its vault.
    pub vault_id: VaultId,
    /// Base URL of signed requests.
    pub api_url: String,
    /// Absolute path of the private key.
    pub private_key_path: String,
}

/// The body of every error.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Error")]
pub struct ErrorBody {
    /// What went wrong and what to do; never empty, never null.
    pub error: String,
}

//! The audit catalogue: every action that is recorded, with its severity, category and who may be its actor, in one
//! table; and the record itself.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use protocol::{AgentId, MachineId, ProjectId, SecretId, UserId, VaultId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Time;

/// How much a record matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Severity {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// The groups of actions, as pickers show them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AuditCategory")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Category {
    Secrets,
    Machines,
    Projects,
    Authentication,
    Teams,
    Sessions,
}

/// Who acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A signed-in person.
    User,
    /// A machine by its signature.
    Machine,
    /// An AI agent by its signature.
    AiAgent,
    /// SikkerKey itself.
    System,
    /// Somebody known by a one-time token or link only, or not at all.
    External,
}

impl ActorKind {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Machine => "machine",
            Self::AiAgent => "ai_agent",
            Self::System => "system",
            Self::External => "external",
        }
    }
}

/// What the catalogue says of an action.
#[derive(Debug, Clone, Copy)]
pub struct ActionKind {
    /// The name on the wire, `object_verb`.
    pub name: &'static str,
    /// How much its records matter.
    pub severity: Severity,
    /// Its group.
    pub category: Category,
    /// Who can be its actor.
    pub actors: &'static [ActorKind],
}

macro_rules! catalogue {
    ($($action:ident $name:literal $severity:ident $category:ident [$($actor:ident)+];)+) => {
        /// An action that is recorded.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[schemars(rename = "AuditActionName")]
        #[expect(missing_docs, reason = "the catalogue says it")]
        pub enum Action {
            $(#[serde(rename = $name)] $action,)+
        }

        impl Action {
            /// Every action, in catalogue order.
            pub const ALL: &'static [Self] = &[$(Self::$action),+];

            /// What the catalogue says of this action.
            pub fn kind(self) -> ActionKind {
                match self {
                    $(Self::$action => ActionKind {
                        name: $name,
                        severity: Severity::$severity,
                        category: Category::$category,
                        actors: &[$(ActorKind::$actor),+],
                    },)+
                }
            }
        }
    };
}

catalogue! {
    SecretRead            "secret_read"              Info     Secrets        [Machine];
    SecretReadDenied      "secret_read_denied"       Medium   Secrets        [Machine];
    SecretExport          "secret_export"            Info     Secrets        [Machine];
    SecretCreate          "secret_create"            Low      Secrets        [User AiAgent];
    SecretUpdate          "secret_update"            Low      Secrets        [User AiAgent];
    SecretDelete          "secret_delete"            High     Secrets        [User AiAgent System];
    SecretRotate          "secret_rotate"            Low      Secrets        [User AiAgent System];
    SecretRotateDenied    "secret_rotate_denied"     Medium   Secrets        [User AiAgent Machine];
    SecretNoteUpdate      "secret_note_update"       Info     Secrets        [User AiAgent];
    SecretRename          "secret_rename"            Info     Secrets        [User AiAgent];
    SecretRestore         "secret_restore"           Medium   Secrets        [User AiAgent];
    SecretPurge           "secret_purge"             High     Secrets        [User AiAgent System];
    SyncConfigRead        "sync_config_read"         Medium   Secrets        [Machine];
    CanaryTriggered       "canary_triggered"         Critical Secrets        [Machine];
    MachineRegister       "machine_register"         Medium   Machines       [External];
    MachineEnroll         "machine_enroll"           Medium   Machines       [External];
    EnrollmentDenied      "enrollment_denied"        Medium   Machines       [External];
    MachineApprove        "machine_approve"          Medium   Machines       [User AiAgent];
    MachineDeny           "machine_deny"             Low      Machines       [User AiAgent];
    MachineEnable         "machine_enable"           Medium   Machines       [User];
    MachineDisable        "machine_disable"          Medium   Machines       [User];
    MachineRevoke         "machine_revoke"           High     Machines       [User AiAgent];
    MachineRename         "machine_rename"           Info     Machines       [User AiAgent];
    MachineExpire         "machine_expire"           Info     Machines       [System];
    MachineRemove         "machine_remove"           Info     Machines       [System];
    BootstrapTokenCreate  "bootstrap_token_create"   Low      Machines       [User];
    EnrollmentTokenCreate "enrollment_token_create"  Medium   Machines       [User AiAgent];
    EnrollmentTokenRevoke "enrollment_token_revoke"  Medium   Machines       [User AiAgent];
    BundleCreate          "bundle_create"            Medium   Machines       [User];
    BundleDownload        "bundle_download"          Medium   Machines       [External];
    BundleExpire          "bundle_expire"            Low      Machines       [System];
    AgentTokenCreate      "ai_agent_token_create"    Medium   Machines       [User];
    AgentRegister         "ai_agent_register"        Medium   Machines       [External];
    AgentApprove          "ai_agent_approve"         Medium   Machines       [User AiAgent];
    AgentDeny             "ai_agent_deny"            Low      Machines       [User AiAgent];
    AgentEnable           "ai_agent_enable"          Medium   Machines       [User AiAgent];
    AgentDisable          "ai_agent_disable"         Medium   Machines       [User AiAgent];
    AgentRename           "ai_agent_rename"          Info     Machines       [User AiAgent];
    AgentRevoke           "ai_agent_revoke"          High     Machines       [User AiAgent];
    AgentScopesUpdate     "ai_agent_scopes_update"   High     Machines       [User];
    AgentProjectsUpdate   "ai_agent_projects_update" High     Machines       [User];
    AgentAccess           "ai_agent_access"          Info     Machines       [AiAgent];
    ProjectCreate         "project_create"           Low      Projects       [User AiAgent];
    ProjectUpdate         "project_update"           Info     Projects       [User AiAgent];
    ProjectDelete         "project_delete"           High     Projects       [User AiAgent];
    ProjectFreeze         "project_freeze"           High     Projects       [User];
    ProjectUnfreeze       "project_unfreeze"         High     Projects       [User AiAgent];
    ProjectMachineAdd     "project_machine_add"      Low      Projects       [User AiAgent];
    ProjectMachineRemove  "project_machine_remove"   Medium   Projects       [User AiAgent];
    PermissionGrant       "permission_grant"         Medium   Projects       [User AiAgent];
    PermissionRevoke      "permission_revoke"        Medium   Projects       [User AiAgent];
    AllowlistEntryAdd     "ip_allowlist_add"         Medium   Authentication [User AiAgent];
    AllowlistEntryUpdate  "ip_allowlist_update"      Info     Authentication [User AiAgent];
    AllowlistEntryDelete  "ip_allowlist_delete"      Medium   Authentication [User AiAgent];
    AllowlistEnable       "ip_allowlist_enable"      High     Authentication [User AiAgent];
    AllowlistDisable      "ip_allowlist_disable"     High     Authentication [User AiAgent];
    RequestDenied         "request_denied"           Medium   Authentication [User AiAgent];
    RequestInvalid        "request_invalid"          Info     Authentication [User AiAgent];
    AuditExport           "audit_export"             Medium   Authentication [User AiAgent];
    AuthFailure           "auth_failure"             Medium   Authentication [User Machine AiAgent External];
    AccountCreate         "account_create"           Medium   Authentication [User];
    KeysRewrap            "keys_rewrap"              Medium   Authentication [System];
    AuditRecordChange     "audit_record_change"      Critical Authentication [System];
    EmailVerify           "email_verify"             Info     Authentication [External];
    PasswordChange        "password_change"          High     Authentication [User];
    PasswordResetRequest  "password_reset_request"   Medium   Authentication [External];
    PasswordReset         "password_reset"           High     Authentication [External];
    TotpEnable            "totp_enable"              Medium   Authentication [User];
    TotpDisable           "totp_disable"             High     Authentication [User];
    RecoveryCodesCreate   "recovery_codes_create"    Medium   Authentication [User];
    PasskeyAdd            "passkey_add"              Medium   Authentication [User];
    PasskeyRename         "passkey_rename"           Info     Authentication [User];
    PasskeyRemove         "passkey_remove"           Medium   Authentication [User];
    StepUp                "step_up"                  Info     Authentication [User];
    VaultSettingsUpdate   "vault_settings_update"    High     Authentication [User];
    SessionCreate         "session_create"           Info     Sessions       [User];
    SessionEnd            "session_end"              Info     Sessions       [User];
    SessionRevoke         "session_revoke"           Low      Sessions       [User];
}

/// One record. Never changed once written; never holds a value.
#[must_use = "a record is kept when it is written"]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// What was done.
    pub action: Action,
    /// How much it matters.
    pub severity: Severity,
    /// Who acted.
    pub actor_kind: ActorKind,
    /// The vault it is about.
    pub vault: VaultId,
    /// The vault owner's id, which says nothing about who acted.
    pub user_id: UserId,
    /// The person who acted, if one did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub actor_user_id: Option<UserId>,
    /// The machine concerned.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub machine_id: Option<MachineId>,
    /// The AI agent, set only when one acted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ai_agent_id: Option<AgentId>,
    /// The secret concerned.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub secret_id: Option<SecretId>,
    /// The project concerned.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub project_id: Option<ProjectId>,
    /// The address the request came from, or `system`.
    pub source_ip: String,
    /// What happened, for people.
    pub detail: String,
    /// When.
    pub timestamp: Time,
    /// Told when it is written.
    #[serde(skip)]
    pub written: Written,
}

/// Whether a record was written, for whoever made it. Records that are made for the same request can share one.
#[derive(Debug, Clone, Default)]
pub struct Written(Option<Arc<AtomicBool>>);

impl Written {
    /// One that can be asked.
    #[must_use]
    pub fn watched() -> Self {
        Self(Some(Arc::default()))
    }

    /// Says that the record is written.
    pub fn note(&self) {
        if let Some(written) = &self.0 {
            written.store(true, Ordering::Relaxed);
        }
    }

    /// Whether a record was written.
    pub fn is_noted(&self) -> bool {
        self.0.as_ref().is_some_and(|written| written.load(Ordering::Relaxed))
    }
}

/// Whose vault a record belongs to, and who acted from where.
#[derive(Debug, Clone, Copy)]
pub struct Origin {
    /// The vault.
    pub vault: VaultId,
    /// Its owner.
    pub owner: UserId,
    /// Who acted.
    pub actor: ActorKind,
    /// From where; nothing for background work.
    pub address: Option<IpAddr>,
    /// When.
    pub at: Time,
}

impl Origin {
    /// A record of this action.
    pub fn entry(&self, action: Action, detail: impl Into<String>) -> Record {
        let kind = action.kind();
        debug_assert!(kind.actors.contains(&self.actor), "{} by {:?}", kind.name, self.actor);
        Record {
            action,
            severity: kind.severity,
            actor_kind: self.actor,
            vault: self.vault,
            user_id: self.owner,
            actor_user_id: None,
            machine_id: None,
            ai_agent_id: None,
            secret_id: None,
            project_id: None,
            source_ip: self.address.map_or_else(|| "system".to_owned(), |address| address.to_string()),
            detail: detail.into(),
            timestamp: self.at,
            written: Written::default(),
        }
    }
}

impl Record {
    /// Names the person who acted.
    pub fn person(self, id: UserId) -> Self {
        Self { actor_user_id: Some(id), ..self }
    }

    /// Names the machine concerned.
    pub fn machine(self, id: MachineId) -> Self {
        Self { machine_id: Some(id), ..self }
    }

    /// Names the AI agent that acted.
    pub fn agent(self, id: AgentId) -> Self {
        Self { ai_agent_id: Some(id), ..self }
    }

    /// Names the secret concerned.
    pub fn secret(self, id: SecretId) -> Self {
        Self { secret_id: Some(id), ..self }
    }

    /// Names the project concerned.
    pub fn project(self, id: ProjectId) -> Self {
        Self { project_id: Some(id), ..self }
    }
}

/// A record as those who manage see it: every field there, `null` where it does not apply.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "AuditRecord")]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields of a Record")]
pub struct View {
    pub action: Action,
    pub severity: Severity,
    pub actor_kind: ActorKind,
    pub user_id: UserId,
    pub actor_user_id: Option<UserId>,
    pub machine_id: Option<MachineId>,
    pub ai_agent_id: Option<AgentId>,
    pub secret_id: Option<SecretId>,
    pub project_id: Option<ProjectId>,
    pub source_ip: String,
    pub detail: String,
    pub timestamp: Time,
}

impl From<Record> for View {
    fn from(record: Record) -> Self {
        Self {
            action: record.action,
            severity: record.severity,
            actor_kind: record.actor_kind,
            user_id: record.user_id,
            actor_user_id: record.actor_user_id,
            machine_id: record.machine_id,
            ai_agent_id: record.ai_agent_id,
            secret_id: record.secret_id,
            project_id: record.project_id,
            source_ip: record.source_ip,
            detail: record.detail,
            timestamp: record.timestamp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_are_what_is_stored() {
        let names: BTreeSet<_> = Action::ALL.iter().map(|action| action.kind().name).collect();
        assert_eq!(names.len(), Action::ALL.len());
        for action in Action::ALL {
            let name = action.kind().name;
            assert_eq!(serde_json::to_string(action).unwrap(), format!("\"{name}\""));
            assert!(name.contains('_') && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
        }
    }

    /// Severities that the product promises.
    #[test]
    fn promised_severities() {
        assert_eq!(Action::SecretDelete.kind().severity, Severity::High);
        assert_eq!(Action::CanaryTriggered.kind().severity, Severity::Critical);
        assert_eq!(Action::SyncConfigRead.kind().severity, Severity::Medium);
        assert_eq!(Action::AuthFailure.kind().severity, Severity::Medium);
    }
}

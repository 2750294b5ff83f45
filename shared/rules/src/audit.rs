//! The audit catalogue: every action that is recorded, with its severity, category and who may be its actor, in one
//! table; and the record itself.

mod record;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use record::{Origin, Record, View, Written};

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
    ScheduleCreate        "schedule_create"          Low      Secrets        [User AiAgent];
    ScheduleUpdate        "schedule_update"          Low      Secrets        [User AiAgent];
    ScheduleDelete        "schedule_delete"          Medium   Secrets        [User AiAgent];
    SecretNoteUpdate      "secret_note_update"       Info     Secrets        [User AiAgent];
    SecretRename          "secret_rename"            Info     Secrets        [User AiAgent];
    SecretRestore         "secret_restore"           Medium   Secrets        [User AiAgent];
    SecretPurge           "secret_purge"             High     Secrets        [User AiAgent System];
    SyncConfigRead        "sync_config_read"         Medium   Secrets        [Machine];
    ShareLinkCreate       "share_link_create"        Medium   Secrets        [User AiAgent];
    ShareLinkView         "share_link_view"          Medium   Secrets        [External];
    ShareLinkFail         "share_link_fail"          High     Secrets        [External System];
    ShareLinkExpire       "share_link_expire"        Info     Secrets        [System];
    CanaryTriggered       "canary_triggered"         Critical Secrets        [Machine];
    CanaryCreate          "canary_create"            Medium   Secrets        [User AiAgent];
    CanaryUpdate          "canary_update"            Medium   Secrets        [User AiAgent];
    CanaryEnable          "canary_enable"            Medium   Secrets        [User AiAgent];
    CanaryDisable         "canary_disable"           High     Secrets        [User AiAgent];
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
    ProjectFreeze         "project_freeze"           High     Projects       [User System];
    ProjectUnfreeze       "project_unfreeze"         High     Projects       [User AiAgent];
    ProjectMachineAdd     "project_machine_add"      Low      Projects       [User AiAgent];
    ProjectMachineRemove  "project_machine_remove"   Medium   Projects       [User AiAgent];
    PolicyCreate          "policy_create"            Low      Projects       [User AiAgent];
    PolicyUpdate          "policy_update"            Medium   Projects       [User AiAgent];
    PolicyDelete          "policy_delete"            Low      Projects       [User AiAgent];
    PolicyBind            "policy_bind"              Medium   Projects       [User AiAgent];
    PolicyUnbind          "policy_unbind"            Medium   Projects       [User AiAgent];
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
    PlanChange            "plan_change"              Medium   Authentication [User];
    StepUp                "step_up"                  Info     Authentication [User];
    VaultSettingsUpdate   "vault_settings_update"    High     Authentication [User];
    AlertsUpdate          "alerts_update"            Medium   Authentication [User AiAgent];
    WebhookCreate         "webhook_create"           Medium   Authentication [User AiAgent];
    WebhookUpdate         "webhook_update"           Medium   Authentication [User AiAgent];
    WebhookDelete         "webhook_delete"           Medium   Authentication [User AiAgent];
    WebhookSecretRotate   "webhook_secret_rotate"    Medium   Authentication [User];
    WebhookDisable        "webhook_disable"          High     Authentication [System];
    WebhookTest           "webhook_test"             Info     Authentication [User AiAgent];
    WebhookRedeliver      "webhook_redeliver"        Info     Authentication [User AiAgent];
    WebhookLimitReached   "webhook_limit_reached"    Medium   Authentication [System];
    TicketCreate          "ticket_create"            Info     Authentication [User AiAgent];
    TicketReply           "ticket_reply"             Info     Authentication [User AiAgent];
    TicketRate            "ticket_rate"              Info     Authentication [User AiAgent];
    TicketAttachmentAdd   "ticket_attachment_add"    Info     Authentication [User];
    TicketAnswer          "ticket_answer"            Info     Authentication [External];
    SessionCreate         "session_create"           Info     Sessions       [User];
    SessionEnd            "session_end"              Info     Sessions       [User];
    SessionRevoke         "session_revoke"           Low      Sessions       [User];
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

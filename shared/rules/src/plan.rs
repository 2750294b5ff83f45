//! Plans: named sets of limits on what a vault has. They are configuration, and a vault has the name of one.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::nouns::{Vault, WEBHOOKS};

/// How long audit records are kept unless a vault's setting or its plan says otherwise, in days.
pub const RETENTION_DAYS: u64 = 365;
/// Bounds of that setting.
pub const RETENTION: std::ops::RangeInclusive<u64> = 1..=3_650;
/// Most characters in a plan's name.
const NAME: usize = 64;

/// What a vault can have of each kind, and what can be switched on in it. Without a number there is no limit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Plan {
    /// What people are told it is called, if not what configuration calls it.
    pub name: Option<String>,
    pub audit_retention_days: Option<u64>,
    pub ip_allowlist: bool,
    pub alerts: bool,
    pub webhooks: bool,
    pub projects: Option<u64>,
    pub machines: Option<u64>,
    pub ai_agents: Option<u64>,
    pub secrets: Option<u64>,
    pub enrollment_tokens: Option<u64>,
    pub members: Option<u64>,
    pub webhook_count: Option<u64>,
    pub webhook_deliveries_per_day: Option<u64>,
}

impl Default for Plan {
    fn default() -> Self {
        Self::UNLIMITED
    }
}

/// A kind of thing of which a plan limits the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Counted {
    /// Projects.
    Projects,
    /// Secrets of every kind, but those in the trash.
    Secrets,
    /// Machines, pending ones too, until they are removed or have expired.
    Machines,
    /// AI agents.
    AiAgents,
    /// Enrollment tokens that can still be used.
    EnrollmentTokens,
    /// Webhooks, those that are switched off too.
    #[serde(rename = "webhookCount")]
    Webhooks,
}

impl Counted {
    /// All kinds.
    pub const ALL: [Self; 6] =
        [Self::Projects, Self::Secrets, Self::Machines, Self::AiAgents, Self::EnrollmentTokens, Self::Webhooks];

    /// The name, in keys of rows.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Projects => "projects",
            Self::Secrets => "secrets",
            Self::Machines => "machines",
            Self::AiAgents => "ai-agents",
            Self::EnrollmentTokens => "enrollment-tokens",
            Self::Webhooks => "webhooks",
        }
    }

    /// How many of them a vault has at most under any plan.
    #[must_use]
    pub fn most(self) -> Option<u64> {
        (self == Self::Webhooks).then_some(WEBHOOKS)
    }

    /// What people call several of them.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::AiAgents => "AI agents",
            Self::EnrollmentTokens => "usable enrollment tokens",
            other => other.name(),
        }
    }
}

/// Something that a plan has or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Feature {
    IpAllowlist,
    Alerts,
    Webhooks,
}

impl Feature {
    /// What people call it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::IpAllowlist => "IP allowlist",
            Self::Alerts => "alert mails",
            Self::Webhooks => "webhooks",
        }
    }
}

impl Plan {
    const UNLIMITED: Self = Self {
        name: None,
        audit_retention_days: None,
        ip_allowlist: true,
        alerts: true,
        webhooks: true,
        projects: None,
        machines: None,
        ai_agents: None,
        secrets: None,
        enrollment_tokens: None,
        members: None,
        webhook_count: None,
        webhook_deliveries_per_day: None,
    };

    /// Whether it has this.
    #[must_use]
    pub fn has(&self, feature: Feature) -> bool {
        match feature {
            Feature::IpAllowlist => self.ip_allowlist,
            Feature::Alerts => self.alerts,
            Feature::Webhooks => self.webhooks,
        }
    }

    /// How many of these a vault can have.
    #[must_use]
    pub fn limit(&self, of: Counted) -> Option<u64> {
        match of {
            Counted::Projects => self.projects,
            Counted::Secrets => self.secrets,
            Counted::Machines => self.machines,
            Counted::AiAgents => self.ai_agents,
            Counted::EnrollmentTokens => self.enrollment_tokens,
            Counted::Webhooks => self.webhook_count,
        }
    }
}

/// Why plans cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the texts say it")]
pub enum PlanError {
    #[error("is no JSON object of plans: {0}")]
    Malformed(String),
    #[error("names a plan with more than {NAME} characters, or none")]
    Name,
    #[error("must not have a plan called {UNLIMITED}: that is the one without limits")]
    Reserved,
    #[error("has the plan {0} with an auditRetentionDays that is not 1 to 3650")]
    Retention(String),
}

/// The plan without limits, which is always there.
pub const UNLIMITED: &str = "unlimited";

/// All plans of a deployment, by name.
#[derive(Debug, Clone, Default)]
pub struct Plans {
    by_name: BTreeMap<String, Plan>,
}

impl Plans {
    /// From a JSON object.
    pub fn parse(json: &str) -> Result<Self, PlanError> {
        let by_name: BTreeMap<String, Plan> =
            serde_json::from_str(json).map_err(|error| PlanError::Malformed(error.to_string()))?;
        for (name, plan) in &by_name {
            let shown = plan.name.as_deref().unwrap_or(name);
            if [name, shown].iter().any(|name| !(1..=NAME).contains(&name.chars().count())) {
                return Err(PlanError::Name);
            }
            if name == UNLIMITED {
                return Err(PlanError::Reserved);
            }
            if plan.audit_retention_days.is_some_and(|days| !RETENTION.contains(&days)) {
                return Err(PlanError::Retention(name.clone()));
            }
        }
        Ok(Self { by_name })
    }

    /// Whether there is a plan of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        name == UNLIMITED || self.by_name.contains_key(name)
    }

    /// The names of all plans.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        [UNLIMITED].into_iter().chain(self.by_name.keys().map(String::as_str))
    }

    /// The plan of a vault. One that is not there any more limits nothing.
    #[must_use]
    pub fn of(&self, vault: &Vault) -> &Plan {
        vault.plan.as_ref().and_then(|name| self.by_name.get(name)).unwrap_or(&Plan::UNLIMITED)
    }

    /// What people are told the plan of a vault is called.
    #[must_use]
    pub fn shown<'a>(&'a self, vault: &'a Vault) -> &'a str {
        self.of(vault).name.as_deref().unwrap_or(vault.plan_name())
    }

    /// How long records of a vault are kept, in days: the smaller one of its setting and its plan.
    #[must_use]
    pub fn kept_days(&self, vault: &Vault) -> u64 {
        let setting = vault.audit_retention_days.unwrap_or(RETENTION_DAYS);
        self.of(vault).audit_retention_days.map_or(setting, |most| setting.min(most))
    }
}

impl Vault {
    /// The name of its plan.
    #[must_use]
    pub fn plan_name(&self) -> &str {
        self.plan.as_deref().unwrap_or(UNLIMITED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_given_is_not_limited() {
        let plans = Plans::parse(r#"{"small":{"projects":1,"ipAllowlist":false,"auditRetentionDays":30},"free":{}}"#);
        let plans = plans.unwrap();
        assert!(["small", "free", UNLIMITED].iter().all(|name| plans.has(name)) && !plans.has("large"));
        assert_eq!(plans.names().collect::<Vec<_>>(), [UNLIMITED, "free", "small"]);
        let small = &plans.by_name["small"];
        assert_eq!((small.limit(Counted::Projects), small.limit(Counted::Secrets)), (Some(1), None));
        assert!(!small.ip_allowlist && small.webhooks);
        assert_eq!(plans.by_name["free"], Plan::UNLIMITED);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (json, error) in [
            ("[]", "is no JSON object of plans"),
            (r#"{"a":{"project":1}}"#, "is no JSON object of plans: unknown field `project`"),
            (r#"{"a":{"projects":-1}}"#, "is no JSON object of plans"),
            (r#"{"":{}}"#, "names a plan with more than"),
            (r#"{"unlimited":{}}"#, "must not have a plan called unlimited"),
            (r#"{"a":{"auditRetentionDays":0}}"#, "has the plan a with an auditRetentionDays"),
        ] {
            let said = Plans::parse(json).unwrap_err().to_string();
            assert!(said.starts_with(error), "{json}: {said}");
        }
    }
}

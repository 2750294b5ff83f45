//! A machine: a server, container or CI runner.

use super::EnrollmentTokenId;
use std::net::IpAddr;

use crypto::PublicKey;
use protocol::{MachineId, UserId, VaultId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Time;

/// How a machine came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MachineKind {
    /// Long-lived: bootstrapped or pre-provisioned.
    Standard,
    /// Enrolled by token, with an end of its own.
    Ephemeral,
}

/// What state a machine is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MachineState {
    /// Nobody has approved it yet.
    Pending,
    /// It may ask for secrets.
    Active,
    /// Somebody has switched it off.
    Disabled,
    /// Its end has come.
    Expired,
}

/// A server, container or CI runner.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    /// Its id.
    pub id: MachineId,
    /// The vault it is in; never changes.
    pub vault: VaultId,
    /// Its name.
    pub name: String,
    /// How it came to be.
    pub kind: MachineKind,
    /// The key its signatures verify under.
    pub public_key: PublicKey,
    /// Whether somebody has accepted it. Absent until then: whoever registers one must not be able to say so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub approved: bool,
    /// Whether it is switched on.
    pub enabled: bool,
    /// From then on it is refused.
    pub expires_at: Option<Time>,
    /// Whether it has given back its place in the plan: it has expired, or is being removed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ended: bool,
    /// The token it was enrolled with.
    pub enrollment_token: Option<EnrollmentTokenId>,
    /// Address it registered from.
    pub registered_from: Option<IpAddr>,
    /// The person whose bootstrap token or bundle it came with.
    pub added_by: Option<UserId>,
    /// When it registered.
    pub created_at: Time,
    /// When it last did something that is recorded, as the audit log tells; some moments behind.
    pub last_seen_at: Option<Time>,
    /// The address that came from.
    pub last_seen_address: Option<IpAddr>,
}

impl Machine {
    /// What state it is in now.
    #[must_use]
    pub fn state(&self, now: Time) -> MachineState {
        match self {
            _ if self.expires_at.is_some_and(|at| at <= now) => MachineState::Expired,
            _ if !self.approved => MachineState::Pending,
            _ if !self.enabled => MachineState::Disabled,
            _ => MachineState::Active,
        }
    }
}

crate::owned::owned!(Machine "Machine");

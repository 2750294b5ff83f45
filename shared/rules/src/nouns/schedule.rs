//! Scheduled rotation: a secret gets a new random value again and again.

use crypto::Generator;
use protocol::{ProjectId, SecretId, VaultId};
use serde::{Deserialize, Serialize};

use crate::Time;

/// How often a secret is rotated, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// From one rotation to the next.
    pub interval_seconds: u64,
    /// What generates the values.
    pub generator: Generator,
    /// The fields of a structured secret that change; nothing means all.
    pub fields: Option<Vec<String>>,
    /// Whether it is on. One that is paused keeps its settings.
    pub enabled: bool,
    /// When it last rotated the secret.
    pub last_rotated_at: Option<Time>,
    /// When it does so next; a time that has passed if it is late.
    pub next_rotation_at: Time,
    /// When it was made.
    pub created_at: Time,
}

impl Schedule {
    /// Bounds of the interval, in seconds: five minutes to thirty days.
    pub const INTERVAL: std::ops::RangeInclusive<u64> = 300..=2_592_000;

    /// When its next rotation is due, unless it is paused.
    #[must_use]
    pub fn due_at(&self) -> Option<Time> {
        self.enabled.then_some(self.next_rotation_at)
    }

    /// What it says after it has rotated the secret. One that was late does so once.
    #[must_use]
    pub fn rotated(&self, now: Time) -> Self {
        let next_rotation_at = now.plus_seconds(self.interval_seconds);
        Self { last_rotated_at: Some(now), next_rotation_at, ..self.clone() }
    }
}

/// A secret with a schedule, in the list of a vault's.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scheduled {
    /// The secret.
    pub secret: SecretId,
    /// Its project.
    pub project: ProjectId,
    /// The vault of both.
    pub vault: VaultId,
    /// When its schedule was made.
    pub created_at: Time,
}

/// A rotation that is due at a time.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Due {
    /// When.
    pub at: Time,
    /// Why.
    pub by: DueBy,
    /// Of which secret.
    pub secret: SecretId,
}

/// Why a rotation is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DueBy {
    /// Its schedule says so.
    Schedule,
    /// It was read as often as its policy says.
    Reads,
}

//! A share link: a value for somebody outside the vault, who can open it once.

use crypto::{Sealed, SharePlace, TokenHash};
use protocol::{ProjectId, VaultId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Expiring, Expiry};
use crate::Time;
use crate::owned::Owned;

protocol::prefixed_id!(
    /// A share link.
    ShareLinkId, "tmp_", "share link id"
);

/// What became of a share link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ShareLinkStatus")]
pub enum ShareStatus {
    /// It waits for its one attempt.
    Pending,
    /// The right passphrase showed its value.
    Viewed,
    /// A wrong passphrase destroyed its value.
    Destroyed,
    /// Nobody opened it in time.
    Expired,
}

/// A share link, without its value. It is kept for a while after its end.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShareLink {
    /// Its id.
    pub id: ShareLinkId,
    /// SHA-256 of its token.
    pub hash: TokenHash,
    /// The vault.
    pub vault: VaultId,
    /// The project it was made in.
    pub project: ProjectId,
    /// Its name, which is shown with its value.
    pub name: String,
    /// When it was made.
    pub created_at: Time,
    /// From then on it is refused.
    pub expires_at: Time,
    /// What became of it. That it expired is written by the sweep, a moment after.
    pub status: ShareStatus,
    /// When it ended, unless it waits.
    pub ended_at: Option<Time>,
}

impl ShareLink {
    /// How long a link can be good for, in seconds.
    pub const SECONDS: std::ops::RangeInclusive<u64> = 60..=86_400;
    /// Most characters in its name.
    pub const NAME: usize = 256;
    /// Most bytes in its value (100 KiB).
    pub const VALUE_BYTES: usize = 100 * 1_024;
    /// Most characters that are taken for a passphrase.
    pub const TYPED: usize = 128;
    /// How long it is kept after its end, in days.
    const KEPT_DAYS: u64 = 90;
    /// How long an attempt may take, in seconds. One that takes longer was cut off.
    const ATTEMPT_SECONDS: u64 = 60;

    /// Whether it waits for its one attempt.
    pub fn is_open(&self, now: Time) -> bool {
        self.status_at(now).0 == ShareStatus::Pending
    }

    /// What became of it, and when it ended.
    pub fn status_at(&self, now: Time) -> (ShareStatus, Option<Time>) {
        if self.status == ShareStatus::Pending && self.expires_at <= now {
            return (ShareStatus::Expired, Some(self.expires_at));
        }
        (self.status, self.ended_at)
    }

    /// What its value is sealed for.
    pub fn place<'a>(&'a self, passphrase_hash: &'a str) -> SharePlace<'a> {
        SharePlace { project: self.project, link: &self.id, ends_at: self.expires_at.ms(), passphrase_hash }
    }

    /// What ends it if nobody opens it.
    pub fn expiry(&self) -> Expiry {
        Expiry { at: self.expires_at, of: Expiring::Share(self.hash.clone()) }
    }

    /// What ends an attempt that began now and is cut off.
    pub fn attempt(&self, now: Time) -> Expiry {
        Expiry { at: now.plus_seconds(Self::ATTEMPT_SECONDS), of: Expiring::ShareAttempt(self.hash.clone()) }
    }

    /// When it is no longer kept.
    pub fn dropped_at(&self) -> Time {
        self.expires_at.plus_seconds(Self::KEPT_DAYS * 86_400)
    }
}

impl Owned for ShareLink {
    const NAME: &'static str = "Share link";

    fn vault(&self) -> VaultId {
        self.vault
    }

    fn project(&self) -> Option<ProjectId> {
        Some(self.project)
    }
}

/// The key of a project's share links, wrapped by the server key layer. Made with the first of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShareLinkKey {
    /// The vault.
    pub vault: VaultId,
    /// The project.
    pub project: ProjectId,
    /// The key.
    pub key: Sealed,
}

//! People: accounts, their credentials and sessions, and what is on its way to them.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crypto::{Sealed, TokenHash};
use protocol::{PasskeyId, SessionId, UserId, VaultId};
use serde::{Deserialize, Serialize};

use crate::Time;

/// A person.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Their address, lower-case.
    pub email: String,
    /// Their name.
    pub username: String,
    /// Argon2id, PHC text.
    pub password_hash: String,
    /// Their personal vault.
    pub vault: VaultId,
    /// When the account was made.
    pub created_at: Time,
    /// When they showed that the address is theirs.
    pub email_verified_at: Option<Time>,
    /// Sessions made before have ended: when the password was last set.
    pub sessions_since: Option<Time>,
}

impl User {
    /// Whether a session of theirs has not ended.
    pub fn has(&self, session: &Session, now: Time) -> bool {
        session.user == self.id
            && session.ends_at() > now
            && self.sessions_since.is_none_or(|since| session.created_at >= since)
    }
}

/// A person's second factor: codes of an authenticator app (TOTP), and recovery codes in its place.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecondFactor {
    /// Whose it is.
    pub user: UserId,
    /// The seed of the codes, sealed under the key of their vault.
    pub seed: Sealed,
    /// When the seed was given out.
    pub created_at: Time,
    /// When a code showed that their app has the seed; nothing until then, and no code is asked for.
    pub confirmed_at: Option<Time>,
    /// The time step of the last code that was taken; no code of it or of one before is taken again.
    pub last_step: u64,
    /// Wrong codes of the app since the last right one.
    pub wrong_codes: u64,
    /// When the last of them came.
    pub last_wrong_at: Option<Time>,
    /// Salt of the recovery codes' hashes, hex.
    pub recovery_salt: String,
    /// Argon2id of each recovery code that was not used, hex.
    pub recovery_hashes: BTreeSet<String>,
}

impl SecondFactor {
    /// What [`SecondFactor::seed`] is sealed for.
    pub const PURPOSE: &'static str = "totp";
    /// How long a seed that was given out waits for its first code, in seconds.
    pub const CONFIRM_SECONDS: u64 = 600;
    /// After this many wrong codes of the app each further one makes it wait. Six digits can be guessed from many
    /// addresses; recovery codes cannot, and are always taken.
    const WRONG_CODES: u64 = 10;
    /// How long it waits, in seconds.
    const WAIT_SECONDS: u64 = 900;

    /// Whether codes of the app are not taken at this time.
    pub fn waits(&self, now: Time) -> bool {
        self.wrong_codes >= Self::WRONG_CODES
            && self.last_wrong_at.is_some_and(|last| last.plus_seconds(Self::WAIT_SECONDS) > now)
    }
}

/// A person's passkey (a WebAuthn credential).
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Passkey {
    /// Its id, made from the credential's own.
    pub id: PasskeyId,
    /// Whose it is.
    pub user: UserId,
    /// What they call it.
    pub name: String,
    /// The credential as the WebAuthn library keeps it: JSON with a public key and a counter. Nothing in it is secret.
    pub credential: String,
    /// When it was added.
    pub created_at: Time,
    /// When it last signed in.
    pub last_used_at: Option<Time>,
}

/// A registration of a passkey or a sign-in with one that was begun.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ceremony {
    /// SHA-256 of its token.
    pub hash: TokenHash,
    /// Who registers a passkey; nothing when somebody signs in.
    pub user: Option<UserId>,
    /// What the WebAuthn library has to know at the end, as JSON: the challenge, above all.
    pub state: String,
    /// From then on it is refused.
    pub expires_at: Time,
}

impl Ceremony {
    /// How long one may take, in seconds.
    pub const SECONDS: u64 = 300;
}

/// What a link in a mail is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkPurpose {
    /// Showing that the address is theirs.
    VerifyEmail,
    /// Setting a new password.
    ResetPassword,
}

impl LinkPurpose {
    /// How long such a link is good for, in seconds (decisions 12: 24 hours, 30 minutes).
    pub fn seconds(self) -> u64 {
        match self {
            Self::VerifyEmail => 24 * 3_600,
            Self::ResetPassword => 30 * 60,
        }
    }
}

/// A single-use link that was mailed to a person.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MailedLink {
    /// SHA-256 of its token.
    pub hash: TokenHash,
    /// What it is for.
    pub purpose: LinkPurpose,
    /// To whom.
    pub user: UserId,
    /// The address it was mailed to.
    pub email: String,
    /// When.
    pub created_at: Time,
    /// From then on it is refused.
    pub expires_at: Time,
}

impl MailedLink {
    /// How many of a purpose can be good at the same time; who asks for more gets no mail, so that nobody can fill
    /// somebody's mailbox.
    pub const MOST: usize = 3;

    /// Whether this person can still use it: the address is still theirs, and a link to set a password was sent after
    /// the last one was set.
    pub fn is_for(&self, user: &User) -> bool {
        let in_time = self.purpose != LinkPurpose::ResetPassword
            || user.sessions_since.is_none_or(|since| self.created_at >= since);
        user.id == self.user && user.email == self.email && in_time
    }
}

/// A person's session.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Its id, as shown in lists.
    pub id: SessionId,
    /// SHA-256 of the cookie's token.
    pub hash: TokenHash,
    /// Whose it is.
    pub user: UserId,
    /// Address it was made from.
    pub address: IpAddr,
    /// The browser's own description of itself.
    pub user_agent: Option<String>,
    /// When it was made.
    pub created_at: Time,
    /// When it was last used, to the nearest few minutes.
    pub last_used_at: Time,
    /// When more than a password was shown for it: a code, or a passkey.
    pub proved_at: Option<Time>,
}

impl Session {
    /// How long that more than a password was shown counts as just now, in seconds.
    pub const PROVED_SECONDS: u64 = 300;
    /// A session unused for this long has ended, in seconds (12 hours).
    pub const IDLE_SECONDS: u64 = 12 * 3_600;
    /// A session this old has ended, in seconds (7 days).
    pub const TOTAL_SECONDS: u64 = 7 * 86_400;
    /// Use is written down at most this often, in seconds.
    pub const TOUCH_SECONDS: u64 = 300;

    /// Whether more than a password was shown for it just now.
    pub fn is_proved(&self, now: Time) -> bool {
        self.proved_at.is_some_and(|at| at.plus_seconds(Self::PROVED_SECONDS) > now)
    }

    /// When the session ends if it is not used again.
    pub fn ends_at(&self) -> Time {
        let idle = self.last_used_at.plus_seconds(Self::IDLE_SECONDS);
        idle.min(self.created_at.plus_seconds(Self::TOTAL_SECONDS))
    }
}

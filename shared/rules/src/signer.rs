//! Signers: machines and AI agents sign their requests. The steps of authentication are the same for both.
//!
//! The order is part of the protocol (decisions 2): what an address that is not allowed can learn, and what costs
//! cryptography, depend on it.

use crypto::PublicKey;
use protocol::MAX_CLOCK_SKEW_SECONDS;

use crate::Time;
use crate::nouns::{Agent, Machine, Tombstone};

/// What kind of identity signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Kind {
    Machine,
    Agent,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Machine => "Machine",
            Self::Agent => "Agent",
        }
    }
}

/// Why a signer is refused, in the order in which the reasons are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such machine or agent.
    #[error("Authentication failed")]
    Unknown(Kind),
    /// The vault's IP allowlist is on and the address not in it.
    #[error("Access denied")]
    AddressNotAllowed,
    /// The signature does not verify.
    #[error("Authentication failed")]
    BadSignature,
    /// It was removed; only its tombstone is there.
    #[error("Authentication failed")]
    Removed(Kind),
    /// The timestamp is too far from our clock.
    #[error("Authentication failed")]
    StaleTimestamp,
    /// The machine's time is over.
    #[error("Authentication failed")]
    Expired,
    /// Nobody has approved it yet.
    #[error("{} is not approved yet", .0.name())]
    Pending(Kind),
    /// It is switched off.
    #[error("{} is disabled", .0.name())]
    Disabled(Kind),
    /// The nonce was used before. Found by the write, not by [`authenticate`].
    #[error("Authentication failed")]
    Replayed,
}

/// What is known of who made a refused request, and with that, what becomes of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nobody has shown anything: the lockout counts it.
    Guess,
    /// The address alone was looked at: recorded, once a minute for each signer and address.
    Unchecked,
    /// The signature verified, but a request like it cannot be admitted any more or yet: a 401, recorded once a minute for
    /// each signer and reason. It is not counted.
    Outdated,
    /// The signer's own request: it burns its nonce and is recorded as the signer's.
    Own,
}

impl Refusal {
    /// The reason for our records; what the caller is told is the `Display` text.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Unknown(Kind::Machine) => "unknown machine",
            Self::Unknown(Kind::Agent) => "unknown agent",
            Self::AddressNotAllowed => "address not in the allowlist, signature not checked",
            Self::BadSignature => "signature does not verify",
            Self::Removed(Kind::Machine) => "machine revoked",
            Self::Removed(Kind::Agent) => "agent revoked",
            Self::StaleTimestamp => "timestamp more than 300 s off",
            Self::Expired => "machine expired",
            Self::Pending(Kind::Machine) => "machine not approved",
            Self::Pending(Kind::Agent) => "agent not approved",
            Self::Disabled(Kind::Machine) => "machine disabled",
            Self::Disabled(Kind::Agent) => "agent disabled",
            Self::Replayed => "nonce used before",
        }
    }

    fn standing(self) -> Standing {
        match self {
            Self::Unknown(_) | Self::BadSignature => Standing::Guess,
            Self::AddressNotAllowed => Standing::Unchecked,
            Self::Removed(_) | Self::StaleTimestamp | Self::Expired | Self::Replayed => Standing::Outdated,
            Self::Pending(_) | Self::Disabled(_) => Standing::Own,
        }
    }
}

/// A refusal of a gate: of its signer, or of what the signer wants.
pub trait Refused: Copy + std::fmt::Display + From<Refusal> {
    /// The refusal of the signer, if it is one.
    fn of_signer(self) -> Option<Refusal>;

    /// The reason for our records; what the caller is told is the `Display` text.
    fn reason(self) -> &'static str;

    /// What is known of who made the request.
    fn standing(self) -> Standing {
        self.of_signer().map_or(Standing::Own, Refusal::standing)
    }

    /// Whether the request takes its nonce, though it is refused: from step 7 of the gate on.
    fn burns_its_nonce(self) -> bool {
        self.standing() == Standing::Own || self.of_signer() == Some(Refusal::Expired)
    }
}

impl Refused for Refusal {
    fn of_signer(self) -> Option<Refusal> {
        Some(self)
    }

    fn reason(self) -> &'static str {
        self.reason()
    }
}

/// What a request claims.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The bytes that should have been signed.
    pub signed_text: &'a [u8],
    /// The signature that came.
    pub signature: &'a [u8; 64],
    /// The request's own time, epoch seconds.
    pub timestamp_seconds: u64,
}

/// Who a request says it is from.
#[derive(Debug)]
pub enum Known<'a, S> {
    /// Somebody who is there.
    There(&'a S),
    /// Somebody who was removed; the key is the tombstone's.
    Removed(&'a PublicKey),
    /// Nobody that is known.
    Nobody,
}

impl<'a, S> Known<'a, S> {
    /// Whoever is there, or else their tombstone while it counts.
    pub fn of<Id>(there: Option<&'a S>, tombstone: Option<&'a Tombstone<Id>>, now: Time) -> Self {
        let standing = tombstone.filter(|tombstone| tombstone.ends_at() > now);
        match (there, standing) {
            (Some(signer), _) => Self::There(signer),
            (None, Some(tombstone)) => Self::Removed(&tombstone.key),
            (None, None) => Self::Nobody,
        }
    }
}

/// Somebody who signs with a key of their own.
pub trait Signer {
    /// What kind it is.
    const KIND: Kind;

    /// The key its signatures verify under.
    fn public_key(&self) -> &PublicKey;
    /// From then on it is refused.
    fn expires_at(&self) -> Option<Time>;
    /// Whether somebody has accepted it.
    fn is_approved(&self) -> bool;
    /// Whether it is switched on.
    fn is_enabled(&self) -> bool;
}

impl Signer for Machine {
    const KIND: Kind = Kind::Machine;

    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn expires_at(&self) -> Option<Time> {
        self.expires_at
    }

    fn is_approved(&self) -> bool {
        self.approved
    }

    fn is_enabled(&self) -> bool {
        self.enabled
    }
}

impl Signer for Agent {
    const KIND: Kind = Kind::Agent;

    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn expires_at(&self) -> Option<Time> {
        None
    }

    fn is_approved(&self) -> bool {
        self.approved
    }

    fn is_enabled(&self) -> bool {
        self.enabled
    }
}

/// Whether the signer made this request and may act now. `allowed` says whether the signer may call from this address.
pub fn authenticate<'a, S: Signer>(
    claim: &Claim<'_>,
    known: &Known<'a, S>,
    allowed: impl FnOnce() -> bool,
    now: Time,
) -> Result<&'a S, Refusal> {
    let (key, signer) = match known {
        Known::There(signer) => (signer.public_key(), Some(*signer)),
        Known::Removed(key) => (*key, None),
        Known::Nobody => return Err(Refusal::Unknown(S::KIND)),
    };
    if !allowed() {
        return Err(Refusal::AddressNotAllowed);
    }
    if !key.verify(claim.signed_text, claim.signature) {
        return Err(Refusal::BadSignature);
    }
    let signer = signer.ok_or(Refusal::Removed(S::KIND))?;
    if now.seconds().abs_diff(claim.timestamp_seconds) > MAX_CLOCK_SKEW_SECONDS {
        return Err(Refusal::StaleTimestamp);
    }
    stands(signer, now)?;
    Ok(signer)
}

/// Whether a signer may act now, once the request is known to be its own.
pub fn stands<S: Signer>(signer: &S, now: Time) -> Result<(), Refusal> {
    if signer.expires_at().is_some_and(|end| end <= now) {
        return Err(Refusal::Expired);
    }
    if !signer.is_approved() {
        return Err(Refusal::Pending(S::KIND));
    }
    if !signer.is_enabled() {
        return Err(Refusal::Disabled(S::KIND));
    }
    Ok(())
}

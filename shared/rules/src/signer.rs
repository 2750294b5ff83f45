//! Signers: machines and AI agents sign their requests. The steps of authentication are the same for both.
//!
//! The order is part of the protocol (decisions 2): what an address that is not allowed can learn, and what costs
//! cryptography, depend on it.

use crypto::PublicKey;
use protocol::MAX_CLOCK_SKEW_SECONDS;

use crate::Time;
use crate::nouns::{Agent, Machine};

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
    /// The source address is locked out until then.
    #[error("Too many failed attempts from this address, try again later")]
    SourceLocked(Time),
    /// No such machine or agent.
    #[error("Authentication failed")]
    Unknown(Kind),
    /// The vault's IP allowlist is on and the address not in it.
    #[error("Access denied")]
    AddressNotAllowed,
    /// The timestamp is too far from our clock.
    #[error("Authentication failed")]
    StaleTimestamp,
    /// The signature does not verify.
    #[error("Authentication failed")]
    BadSignature,
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

impl Refusal {
    /// The reason for our records; what the caller is told is the `Display` text.
    pub fn reason(self) -> &'static str {
        match self {
            Self::SourceLocked(_) => "source address locked out",
            Self::Unknown(Kind::Machine) => "unknown machine",
            Self::Unknown(Kind::Agent) => "unknown agent",
            Self::AddressNotAllowed => "address not in the vault's IP allowlist",
            Self::StaleTimestamp => "timestamp more than 300 s off",
            Self::BadSignature => "signature does not verify",
            Self::Expired => "machine expired",
            Self::Pending(Kind::Machine) => "machine not approved",
            Self::Pending(Kind::Agent) => "agent not approved",
            Self::Disabled(Kind::Machine) => "machine disabled",
            Self::Disabled(Kind::Agent) => "agent disabled",
            Self::Replayed => "nonce used before",
        }
    }

    fn is_authentication_failure(self) -> bool {
        matches!(self, Self::Unknown(_) | Self::StaleTimestamp | Self::BadSignature | Self::Expired | Self::Replayed)
    }

    fn is_signed(self) -> bool {
        matches!(self, Self::Expired | Self::Pending(_) | Self::Disabled(_) | Self::Replayed)
    }
}

/// A refusal of a gate: of its signer, or of what the signer wants.
pub trait Refused: Copy + std::fmt::Display + From<Refusal> {
    /// The refusal of the signer, if it is one.
    fn of_signer(self) -> Option<Refusal>;

    /// The reason for our records; what the caller is told is the `Display` text.
    fn reason(self) -> &'static str;

    /// Whether this counts as a failed authentication: a 401, recorded and counted toward the lockout.
    fn is_authentication_failure(self) -> bool {
        self.of_signer().is_some_and(Refusal::is_authentication_failure)
    }

    /// Whether the signature had verified. Then the request is the signer's own: it burns its nonce and is recorded as
    /// the signer's.
    fn is_signed(self) -> bool {
        self.of_signer().is_none_or(Refusal::is_signed)
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

/// What a request claims, and the lockout of its source address.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// Until when the source address is locked out.
    pub locked_until: Option<Time>,
    /// The bytes that should have been signed.
    pub signed_text: &'a [u8],
    /// The signature that came.
    pub signature: &'a [u8; 64],
    /// The request's own time, epoch seconds.
    pub timestamp_seconds: u64,
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
    signer: Option<&'a S>,
    allowed: impl FnOnce() -> bool,
    now: Time,
) -> Result<&'a S, Refusal> {
    if let Some(until) = claim.locked_until.filter(|until| *until > now) {
        return Err(Refusal::SourceLocked(until));
    }
    let signer = signer.ok_or(Refusal::Unknown(S::KIND))?;
    if !allowed() {
        return Err(Refusal::AddressNotAllowed);
    }
    if now.seconds().abs_diff(claim.timestamp_seconds) > MAX_CLOCK_SKEW_SECONDS {
        return Err(Refusal::StaleTimestamp);
    }
    if !signer.public_key().verify(claim.signed_text, claim.signature) {
        return Err(Refusal::BadSignature);
    }
    if signer.expires_at().is_some_and(|end| end <= now) {
        return Err(Refusal::Expired);
    }
    if !signer.is_approved() {
        return Err(Refusal::Pending(S::KIND));
    }
    if !signer.is_enabled() {
        return Err(Refusal::Disabled(S::KIND));
    }
    Ok(signer)
}

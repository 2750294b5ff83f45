//! The read gate: the whole access model in one pure function.
//!
//! [`decide`] takes facts and the time and answers whether a machine may read a secret, with a reason for every
//! refusal. It is the only thing that can admit a read. The order of its checks is part of the protocol
//! (decisions 2): what an address that is not allowed can learn, and what costs cryptography, depend on it.
//!
//! Step 1, the shape of the request, is done by the edge before any fact is read; step 13, the nonce and the audit
//! record, afterwards by one conditional write.

use std::net::IpAddr;

use protocol::MAX_CLOCK_SKEW_SECONDS;

use crate::Time;
use crate::model::{Grant, Machine, Membership, Project, Secret, Vault};

/// Why a request is refused, in the order in which the reasons are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Step 3: the source address is locked out until then.
    #[error("Too many failed attempts from this address, try again later")]
    SourceLocked(Time),
    /// Step 4: no such machine.
    #[error("Authentication failed")]
    UnknownMachine,
    /// Step 5: the vault's IP allowlist is on and the address not in it.
    #[error("Access denied")]
    AddressNotAllowed,
    /// Step 6: the timestamp is too far from our clock.
    #[error("Authentication failed")]
    StaleTimestamp,
    /// Step 7: the signature does not verify.
    #[error("Authentication failed")]
    BadSignature,
    /// Step 8: the machine's time is over.
    #[error("Authentication failed")]
    MachineExpired,
    /// Step 8: nobody has approved the machine yet.
    #[error("Machine is not approved yet")]
    MachinePending,
    /// Step 8: the machine is switched off.
    #[error("Machine is disabled")]
    MachineDisabled,
    /// Step 9: no such secret for this machine's vault.
    #[error("Secret not found")]
    SecretNotFound,
    /// Step 9, for routes about a project: no such project in this machine's vault.
    #[error("Project not found")]
    ProjectNotFound,
    /// Step 10: the project is frozen.
    #[error("Project is frozen")]
    ProjectFrozen,
    /// Step 11: the machine is not a member of the project.
    #[error("Machine is not a member of this project")]
    NotAMember,
    /// Step 11: no grant row says so.
    #[error("Machine has no grant for this secret")]
    NoGrant,
    /// Step 13: the nonce was used before. Found by the write, not by [`decide`].
    #[error("Authentication failed")]
    Replayed,
}

impl Refusal {
    /// The reason for our records; what the caller is told is the `Display` text.
    pub fn reason(self) -> &'static str {
        match self {
            Self::SourceLocked(_) => "source address locked out",
            Self::UnknownMachine => "unknown machine",
            Self::AddressNotAllowed => "address not in the vault's IP allowlist",
            Self::StaleTimestamp => "timestamp more than 300 s off",
            Self::BadSignature => "signature does not verify",
            Self::MachineExpired => "machine expired",
            Self::MachinePending => "machine not approved",
            Self::MachineDisabled => "machine disabled",
            Self::SecretNotFound => "secret not found",
            Self::ProjectNotFound => "project not found",
            Self::ProjectFrozen => "project frozen",
            Self::NotAMember => "not a member of the project",
            Self::NoGrant => "no grant",
            Self::Replayed => "nonce used before",
        }
    }

    /// Whether this counts as a failed authentication: a 401, recorded and counted toward the lockout.
    pub fn is_authentication_failure(self) -> bool {
        matches!(
            self,
            Self::UnknownMachine | Self::StaleTimestamp | Self::BadSignature | Self::MachineExpired | Self::Replayed
        )
    }

    /// Whether the signature had verified. Then the request is the machine's own: it burns its nonce and is recorded
    /// as the machine's.
    pub fn is_signed(self) -> bool {
        match self {
            Self::SourceLocked(_)
            | Self::UnknownMachine
            | Self::AddressNotAllowed
            | Self::StaleTimestamp
            | Self::BadSignature => false,
            Self::MachineExpired
            | Self::MachinePending
            | Self::MachineDisabled
            | Self::SecretNotFound
            | Self::ProjectNotFound
            | Self::ProjectFrozen
            | Self::NotAMember
            | Self::NoGrant
            | Self::Replayed => true,
        }
    }
}

/// The facts about who asks.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// The address the gateway reports.
    pub address: IpAddr,
    /// Until when that address is locked out.
    pub locked_until: Option<Time>,
    /// The machine named in the request.
    pub machine: Option<&'a Machine>,
    /// That machine's vault.
    pub vault: Option<&'a Vault>,
    /// The bytes that should have been signed.
    pub signed_text: &'a [u8],
    /// The signature that came.
    pub signature: &'a [u8; 64],
    /// The request's own time, epoch seconds.
    pub timestamp_seconds: u64,
}

/// The facts about what is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Target<'a> {
    /// The secret.
    pub secret: Option<&'a Secret>,
    /// Its project.
    pub project: Option<&'a Project>,
    /// The machine's membership of that project.
    pub membership: Option<&'a Membership>,
    /// The machine's grant for the secret.
    pub grant: Option<&'a Grant>,
}

/// A machine that has shown who it is and may act: what [`authenticate`] promises.
#[derive(Debug, Clone, Copy)]
pub struct Authenticated<'a> {
    /// The machine.
    pub machine: &'a Machine,
    /// Its vault.
    pub vault: &'a Vault,
}

/// A read that may go on: what [`decide`] promises.
#[derive(Debug, Clone, Copy)]
pub struct Admitted<'a> {
    /// The secret.
    pub secret: &'a Secret,
    /// Its project.
    pub project: &'a Project,
    /// The grant that says so.
    pub grant: &'a Grant,
}

/// Whether this machine may read this secret now.
pub fn decide<'a>(caller: &Caller<'a>, target: &Target<'a>, now: Time) -> Result<Admitted<'a>, Refusal> {
    let authenticated = authenticate(caller, now)?;
    admit(authenticated.machine, target)
}

/// Steps 3 to 8, the same for every signed route.
pub fn authenticate<'a>(caller: &Caller<'a>, now: Time) -> Result<Authenticated<'a>, Refusal> {
    if let Some(until) = caller.locked_until.filter(|until| *until > now) {
        return Err(Refusal::SourceLocked(until));
    }
    let machine = caller.machine.ok_or(Refusal::UnknownMachine)?;
    let vault = caller.vault.filter(|vault| vault.id == machine.vault).ok_or(Refusal::UnknownMachine)?;
    if !vault.allows(caller.address) {
        return Err(Refusal::AddressNotAllowed);
    }
    if now.seconds().abs_diff(caller.timestamp_seconds) > MAX_CLOCK_SKEW_SECONDS {
        return Err(Refusal::StaleTimestamp);
    }
    if !machine.public_key.verify(caller.signed_text, caller.signature) {
        return Err(Refusal::BadSignature);
    }
    if machine.expires_at.is_some_and(|end| end <= now) {
        return Err(Refusal::MachineExpired);
    }
    if !machine.approved {
        return Err(Refusal::MachinePending);
    }
    if !machine.enabled {
        return Err(Refusal::MachineDisabled);
    }
    Ok(Authenticated { machine, vault })
}

/// Steps 9 to 11, for one secret. Every row is held against the others, so a row that was swapped admits nothing.
pub fn admit<'a>(machine: &Machine, target: &Target<'a>) -> Result<Admitted<'a>, Refusal> {
    let (secret, project) = locate(machine, target)?;
    if project.frozen.is_some() {
        return Err(Refusal::ProjectFrozen);
    }
    let grant = entitle(machine, target, secret)?;
    Ok(Admitted { secret, project, grant })
}

/// The same without the freeze, which blocks reads only: whether a list may show this secret to this machine.
pub fn admit_to_list<'a>(machine: &Machine, target: &Target<'a>) -> Result<Admitted<'a>, Refusal> {
    let (secret, project) = locate(machine, target)?;
    let grant = entitle(machine, target, secret)?;
    Ok(Admitted { secret, project, grant })
}

/// Steps 9 to 11 for a whole project, as in a scoped export: it has to be there, not frozen, and the machine in it.
pub fn admit_to_project<'a>(machine: &Machine, target: &Target<'a>) -> Result<&'a Project, Refusal> {
    let project = member_of(machine, target)?;
    if project.frozen.is_some() { Err(Refusal::ProjectFrozen) } else { Ok(project) }
}

/// The project, if it is there and the machine is in it.
pub fn member_of<'a>(machine: &Machine, target: &Target<'a>) -> Result<&'a Project, Refusal> {
    let project = target.project.filter(|project| project.vault == machine.vault).ok_or(Refusal::ProjectNotFound)?;
    target
        .membership
        .filter(|membership| membership.machine == machine.id && membership.project == project.id)
        .ok_or(Refusal::NotAMember)?;
    Ok(project)
}

fn locate<'a>(machine: &Machine, target: &Target<'a>) -> Result<(&'a Secret, &'a Project), Refusal> {
    let secret = target
        .secret
        .filter(|secret| secret.vault == machine.vault && secret.deleted_at.is_none())
        .ok_or(Refusal::SecretNotFound)?;
    let project = target
        .project
        .filter(|project| project.id == secret.project && project.vault == machine.vault)
        .ok_or(Refusal::SecretNotFound)?;
    Ok((secret, project))
}

fn entitle<'a>(machine: &Machine, target: &Target<'a>, secret: &Secret) -> Result<&'a Grant, Refusal> {
    target
        .membership
        .filter(|membership| membership.machine == machine.id && membership.project == secret.project)
        .ok_or(Refusal::NotAMember)?;
    target
        .grant
        .filter(|grant| grant.machine == machine.id && grant.project == secret.project && grant.secret == secret.id)
        .ok_or(Refusal::NoGrant)
}

#[cfg(test)]
#[path = "read_gate_tests.rs"]
mod tests;

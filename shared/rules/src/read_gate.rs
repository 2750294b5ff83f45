//! The read gate: the whole access model in one pure function.
//!
//! [`decide`] takes facts and the time and answers whether a machine may read a secret, with a reason for every
//! refusal. It is the only thing that can admit a read. The order of its checks is part of the protocol
//! (decisions 2): what an address that is not allowed can learn, and what costs cryptography, depend on it.
//!
//! Step 1, the shape of the request, is done by the edge before any fact is read; step 13, the nonce and the audit
//! record, afterwards by one conditional write.

use std::net::IpAddr;

use protocol::MachineId;

use crate::Time;
use crate::audit::Action;
use crate::nouns::{Grant, Machine, Membership, Policy, Project, Secret, SecretReads, Tombstone, Vault};
use crate::policies::{self, Asked, Denied};
use crate::signer::{self, Claim, Kind, Known, Refused};

/// Why a request is refused, in the order in which the reasons are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Steps 3 to 8, and 13: who signed may not act.
    #[error(transparent)]
    Signer(#[from] signer::Refusal),
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
    /// Step 12: the secret is bound to a policy that is not there. That cannot be; nothing is read until it is mended.
    #[error("Secret not found")]
    PolicyMissing,
    /// Step 12: the policy refuses.
    #[error(transparent)]
    Policy(#[from] Denied),
}

impl Refused for Refusal {
    fn of_signer(self) -> Option<signer::Refusal> {
        match self {
            Self::Signer(refusal) => Some(refusal),
            _ => None,
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Signer(refusal) => refusal.reason(),
            Self::SecretNotFound => "secret not found",
            Self::ProjectNotFound => "project not found",
            Self::ProjectFrozen => "project frozen",
            Self::NotAMember => "not a member of the project",
            Self::NoGrant => "no grant",
            Self::PolicyMissing => "policy missing",
            Self::Policy(denied) => denied.reason(),
        }
    }
}

/// The facts about who asks.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// The address the gateway reports.
    pub address: IpAddr,
    /// What came with the request.
    pub claim: Claim<'a>,
    /// The machine named in the request.
    pub machine: Option<&'a Machine>,
    /// What stays of it if it was removed.
    pub tombstone: Option<&'a Tombstone<MachineId>>,
    /// That machine's vault.
    pub vault: Option<&'a Vault>,
}

/// The facts about the secret that is asked for.
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
    /// The policy that the secret is bound to.
    pub policy: Option<&'a Policy>,
    /// What was counted of the secret's reads.
    pub reads: Option<&'a SecretReads>,
}

/// From where a machine reads, and when.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// The address the gateway reports.
    pub address: IpAddr,
    /// The time.
    pub now: Time,
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
    /// The policy that it met, with what was counted.
    policy: Option<(&'a Policy, &'a SecretReads)>,
}

/// What an admitted read brings about, to be written with its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// It is counted, for the secret's policy.
    Counts(policies::Effect),
    /// It trips a canary.
    Trips {
        /// Whether that freezes the canary's project.
        freezes: bool,
    },
}

impl Admitted<'_> {
    /// What the read brings about; nothing when nothing is counted and no canary armed.
    #[must_use]
    pub fn effect(&self, at: Moment) -> Option<Effect> {
        if let Some(canary) = self.secret.canary.filter(|canary| canary.enabled) {
            return Some(Effect::Trips { freezes: canary.freeze_project });
        }
        let (policy, reads) = self.policy?;
        let read = Asked { machine: self.grant.machine, address: at.address, now: at.now, reads };
        policy.axes.effect(&read, self.secret.version).map(Effect::Counts)
    }

    /// Whether the read trips a canary.
    #[must_use]
    pub fn trips(&self) -> bool {
        self.secret.canary.is_some_and(|canary| canary.enabled)
    }

    /// What the read is recorded as.
    #[must_use]
    pub fn action(&self) -> Action {
        if self.trips() { Action::CanaryTriggered } else { Action::SecretRead }
    }
}

/// Whether this machine may read this secret now.
pub fn decide<'a>(caller: &Caller<'a>, target: &Target<'a>, now: Time) -> Result<Admitted<'a>, Refusal> {
    let authenticated = authenticate(caller, now)?;
    admit(authenticated.machine, target, Moment { address: caller.address, now })
}

/// What [`decide`] would say if this machine signed a request at this moment. It admits nothing.
pub fn foresee(machine: &Machine, vault: &Vault, target: &Target<'_>, at: Moment) -> Result<(), Refusal> {
    if !vault.allows(at.address) {
        return Err(signer::Refusal::AddressNotAllowed.into());
    }
    signer::stands(machine, at.now)?;
    admit(machine, target, at).map(drop)
}

/// Steps 3 to 8, the same for every signed route. A machine whose vault is another's is of no vault, and unknown.
pub fn authenticate<'a>(caller: &Caller<'a>, now: Time) -> Result<Authenticated<'a>, Refusal> {
    let unknown = signer::Refusal::Unknown(Kind::Machine);
    let vault = caller.vault.ok_or(unknown)?;
    let machine = caller.machine.filter(|machine| machine.vault == vault.id);
    let tombstone = caller.tombstone.filter(|tombstone| tombstone.vault == vault.id);
    let allowed = || vault.allows(caller.address);
    let machine = signer::authenticate(&caller.claim, &Known::of(machine, tombstone, now), allowed, now)?;
    Ok(Authenticated { machine, vault })
}

/// Steps 9 to 12, for one secret. Every row is held against the others, so a row that was swapped admits nothing.
pub fn admit<'a>(machine: &Machine, target: &Target<'a>, at: Moment) -> Result<Admitted<'a>, Refusal> {
    let (secret, project) = locate(machine, target)?;
    if project.frozen.is_some() {
        return Err(Refusal::ProjectFrozen);
    }
    let grant = entitle(machine, target, secret)?;
    let policy = met(machine, target, secret, at)?;
    Ok(Admitted { secret, project, grant, policy })
}

/// The same without freeze and policy, which are about reads only: whether a list may show this secret to this machine.
pub fn admit_to_list<'a>(machine: &Machine, target: &Target<'a>) -> Result<Admitted<'a>, Refusal> {
    let (secret, project) = locate(machine, target)?;
    let grant = entitle(machine, target, secret)?;
    Ok(Admitted { secret, project, grant, policy: None })
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

/// The policy of a secret, if it is bound to one and the read meets it.
fn met<'a>(
    machine: &Machine,
    target: &Target<'a>,
    secret: &Secret,
    at: Moment,
) -> Result<Option<(&'a Policy, &'a SecretReads)>, Refusal> {
    let Some(id) = secret.policy else { return Ok(None) };
    let is_its = |policy: &&Policy| policy.id == id && policy.project == secret.project && policy.vault == secret.vault;
    let policy = target.policy.filter(is_its).ok_or(Refusal::PolicyMissing)?;
    let reads = target.reads.filter(|reads| reads.secret == secret.id && reads.policy == id);
    let reads = reads.ok_or(Refusal::PolicyMissing)?;
    policy.axes.judge(&Asked { machine: machine.id, address: at.address, now: at.now, reads })?;
    Ok(Some((policy, reads)))
}

#[cfg(test)]
#[path = "read_gate_tests.rs"]
mod tests;

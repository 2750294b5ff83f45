//! What would make a refused read pass, for those who manage. Machines are never told.

use std::net::IpAddr;

use crate::policies::{Asked, Axes};
use crate::read_gate::Refusal;
use crate::signer;

/// What somebody can do about the refusal of a read from this address. `policy` is what the secret's policy says, and the read
/// as the policy sees it.
#[must_use]
pub fn remedy(refusal: Refusal, address: IpAddr, policy: Option<(&Axes, Asked<'_>)>) -> String {
    let said = match refusal {
        Refusal::Signer(signer::Refusal::AddressNotAllowed) => {
            return format!("Add {address} to the vault's IP allowlist, or switch the allowlist off");
        }
        Refusal::Signer(signer::Refusal::Pending(_)) => "Approve the machine",
        Refusal::Signer(signer::Refusal::Disabled(_)) => "Enable the machine",
        Refusal::Signer(signer::Refusal::Expired) => "Enroll another machine: the time of this one is over",
        Refusal::Signer(_) => "Register the machine",
        Refusal::SecretNotFound => "Restore the secret from the trash",
        Refusal::ProjectNotFound => "Create the project",
        Refusal::ProjectFrozen => "Unfreeze the project",
        Refusal::NotAMember => "Add the machine to the project, and grant it the secret",
        Refusal::NoGrant => "Grant the machine the secret",
        Refusal::PolicyMissing => "Bind the secret to a policy again, or unbind it",
        Refusal::Policy(_) => return policy.and_then(|(axes, read)| axes.remedy(&read)).unwrap_or_default(),
    };
    said.to_owned()
}

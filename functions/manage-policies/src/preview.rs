//! The preview of an edit: for whom a policy that is changed, or bound to more secrets, makes another decision.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use edge::{Error, Principal};
use protocol::{MachineId, ProjectId, SecretId};
use rules::Time;
use rules::nouns::{Machine, Policy, PolicyId, Project, Secret, SecretReads, Vault};
use rules::read_gate::{Moment, Target, foresee};
use schemars::JsonSchema;
use serde::Serialize;
use store::{Between, grant, machine, policy, project, secret, vault};

use crate::App;
use crate::edit::{edited, new_policy, refuse_past_end, refuse_unbindable};
use crate::fields::Fields;
use crate::simulate::{address_of, code_of};

/// Most secrets that one preview looks at.
pub(crate) const SECRETS: usize = 500;
/// Most grants of one secret that it looks at.
const GRANTS: usize = 1_000;
/// Most changes in one answer.
const CHANGES: usize = 1_000;

/// What is to be previewed.
pub(crate) struct Edit {
    /// A policy that is there; without it, a new one.
    pub(crate) policy: Option<PolicyId>,
    /// What is to be changed of it.
    pub(crate) fields: Option<Fields>,
    /// Secrets that would be bound to it.
    pub(crate) secrets: Vec<SecretId>,
}

/// Each machine with a grant for whom the decision changes.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SimulatedEdit")]
pub(crate) struct Changes {
    changes: Vec<Change>,
    /// Whether there is more that was not looked at.
    truncated: bool,
}

/// A read for which the decision changes: the codes of its refusals, null where it is admitted.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SimulatedChange")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Change {
    machine_id: MachineId,
    machine_name: String,
    secret_id: SecretId,
    secret_name: String,
    before: Option<&'static str>,
    after: Option<&'static str>,
}

pub(crate) async fn changes(
    app: &App,
    by: &Principal,
    project: ProjectId,
    edit: Edit,
    at: Time,
    address: Option<IpAddr>,
) -> Result<Changes, Error> {
    let (project, old) = match edit.policy {
        Some(id) => by.find_in(project, &policy::row(id)).await?,
        None => (by.find(&project::row(project)).await?, new_policy(by, project)),
    };
    if edit.secrets.is_empty() && (edit.policy.is_none() || edit.fields.is_none()) {
        return Err(Error::invalid("secretIds", "must be given, unless policyId and policy are"));
    }
    if edit.secrets.len() > SECRETS {
        return Err(Error::invalid("secretIds", format!("must list at most {SECRETS} secrets")));
    }
    let new = match edit.fields {
        Some(fields) => edited(by, &old, fields).await?,
        None => old.clone(),
    };
    let (secrets, mut truncated) = concerned(app, by, &old, &new, &edit.secrets).await?;
    let preview = Preview { project, vault: by.find(&vault::row(by.vault)).await?, new, at, address };
    let (mut changes, mut machines) = (vec![], BTreeMap::new());
    for secret in &secrets {
        let grants =
            app.store.part(&grant::of_project(preview.project.id, Some(secret.id)), None, GRANTS, false).await?;
        truncated |= grants.more;
        let readers: Vec<MachineId> = grants.rows.iter().map(|(_, grant)| grant.machine).collect();
        let unknown: Vec<_> =
            readers.iter().filter(|id| !machines.contains_key(*id)).map(|id| machine::row(*id)).collect();
        machines.extend(by.find_all(&unknown).await?.into_iter().map(|machine| (machine.id, machine)));
        let pairs: Vec<_> = readers.iter().map(|machine| (*machine, secret)).collect();
        for (id, between) in readers.iter().zip(app.store.between(&pairs).await?) {
            changes.extend(machines.get(id).and_then(|machine| preview.change(machine, secret, &between)));
            if changes.len() >= CHANGES {
                return Ok(Changes { changes, truncated: true });
            }
        }
    }
    Ok(Changes { changes, truncated })
}

/// The secrets that are bound to a policy, and those that would be; and whether there are more.
async fn concerned(
    app: &App,
    by: &Principal,
    old: &Policy,
    new: &Policy,
    more: &[SecretId],
) -> Result<(Vec<Secret>, bool), Error> {
    let keys = |ids: &BTreeSet<SecretId>| ids.iter().map(|id| secret::row(*id)).collect::<Vec<_>>();
    let part = app.store.part(&policy::bindings_of(old.id), None, SECRETS, false).await?;
    let is_cut = part.more;
    let bound: BTreeSet<SecretId> = part.rows.into_iter().map(|(_, binding)| binding.secret).collect();
    let mut secrets = by.find_all(&keys(&bound)).await?;
    let more: BTreeSet<SecretId> = more.iter().copied().filter(|id| !bound.contains(id)).collect();
    let found = by.find_all(&keys(&more)).await?;
    if found.len() < more.len() || found.iter().any(|secret| secret.project != old.project) {
        return Err(Error::not_found("Secret"));
    }
    if !found.is_empty() {
        refuse_past_end(new, by.now)?;
    }
    found.iter().try_for_each(|secret| refuse_unbindable(secret, new))?;
    secrets.extend(found);
    Ok((secrets, is_cut))
}

/// What is the same for all reads that are looked at.
struct Preview {
    project: Project,
    vault: Vault,
    new: Policy,
    at: Time,
    address: Option<IpAddr>,
}

impl Preview {
    /// What changes for this machine and this secret, if anything does.
    fn change(&self, machine: &Machine, secret: &Secret, between: &Between) -> Option<Change> {
        // A machine that was never seen has no address: no list of addresses has it.
        let address = address_of(machine, self.address).unwrap_or(Ipv4Addr::UNSPECIFIED.into());
        let say = |target: &Target<'_>| {
            foresee(machine, &self.vault, target, Moment { address, now: self.at }).err().map(code_of)
        };
        let before = say(&between.target(secret, &self.project));
        let is_bound = secret.policy == Some(self.new.id);
        // What is counted of a secret's reads begins anew when it is bound.
        let (bound, from_now) =
            (Secret { policy: Some(self.new.id), ..secret.clone() }, SecretReads::none(secret.id, self.new.id));
        let reads = between.reads.as_ref().filter(|_| is_bound).unwrap_or(&from_now);
        let after =
            say(&Target { policy: Some(&self.new), reads: Some(reads), ..between.target(&bound, &self.project) });
        (before != after).then(|| Change {
            machine_id: machine.id,
            machine_name: machine.name.clone(),
            secret_id: secret.id,
            secret_name: secret.name.clone(),
            before,
            after,
        })
    }
}

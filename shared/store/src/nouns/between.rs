//! What lies between machines and secrets: what the read gate judges by, beside the machine, the secret and its project.

use protocol::MachineId;
use rules::nouns::{Grant, Membership, Policy, Project, Secret, SecretReads};
use rules::read_gate::Target;

use super::{grant, member, policy};
use crate::{Batch, Lists, StoreError};

/// What lies between a machine and a secret.
#[derive(Default)]
pub struct Between {
    /// The machine's membership of the secret's project.
    pub membership: Option<Membership>,
    /// Its grant for the secret.
    pub grant: Option<Grant>,
    /// The policy that the secret is bound to.
    pub policy: Option<Policy>,
    /// What was counted of the secret's reads.
    pub reads: Option<SecretReads>,
}

impl Between {
    /// It, with the secret and its project, as facts.
    pub fn target<'a>(&'a self, secret: &'a Secret, project: &'a Project) -> Target<'a> {
        Target {
            secret: Some(secret),
            project: Some(project),
            membership: self.membership.as_ref(),
            grant: self.grant.as_ref(),
            policy: self.policy.as_ref(),
            reads: self.reads.as_ref(),
        }
    }
}

impl Lists {
    /// What lies between each of these, strongly consistent and in their order.
    pub async fn between(&self, pairs: &[(MachineId, &Secret)]) -> Result<Vec<Between>, StoreError> {
        let mut batch = Batch::new();
        for (machine, secret) in pairs {
            batch.want(&member::row(*machine, secret.project));
            batch.want(&grant::row(*machine, secret.project, secret.id));
            if let Some(bound_to) = secret.policy {
                batch.want(&policy::row(bound_to));
                batch.want(&policy::reads(secret.id));
            }
        }
        let fetched = self.fetch(batch).await?;
        let between = pairs.iter().map(|(machine, secret)| {
            let policy = secret.policy.map(|id| fetched.copy(&policy::row(id))).transpose()?;
            Ok(Between {
                membership: fetched.copy(&member::row(*machine, secret.project))?,
                grant: fetched.copy(&grant::row(*machine, secret.project, secret.id))?,
                policy: policy.flatten(),
                reads: fetched.copy(&policy::reads(secret.id))?,
            })
        });
        between.collect()
    }
}

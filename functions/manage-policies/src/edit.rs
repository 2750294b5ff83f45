//! What a policy becomes, and what may be bound to it: the same for an edit and for its preview.

use crypto::random;
use edge::{Code, Error, Principal};
use protocol::ProjectId;
use rules::Time;
use rules::limits::Invalid;
use rules::nouns::{Policy, PolicyId, Secret, SecretKind};
use rules::policies::Axes;
use store::{machine, policy, secret};

use crate::App;
use crate::fields::Fields;

/// A policy that is not there yet, with every axis off.
pub(crate) fn new_policy(by: &Principal, project: ProjectId) -> Policy {
    Policy {
        id: PolicyId::from_entropy(random::bytes()),
        vault: by.vault,
        project,
        name: String::new(),
        description: None,
        axes: Axes::default(),
        bound: 0,
        created_at: by.now,
        updated_at: by.now,
    }
}

/// The policy with what is given changed. A machine that has to read first is one of this vault: 404.
pub(crate) async fn edited(by: &Principal, old: &Policy, fields: Fields) -> Result<Policy, Error> {
    let mut new = old.clone();
    fields.merge(&mut new)?;
    if new.axes.ttl.expires_at != old.axes.ttl.expires_at {
        refuse_past_end(&new, by.now)?;
    }
    if let Some(id) = new.axes.co_sign.machine.filter(|id| old.axes.co_sign.machine != Some(*id)) {
        by.find(&machine::row(id)).await?;
    }
    Ok(new)
}

/// A moment at which secrets are destroyed has to be one to come.
pub(crate) fn refuse_past_end(policy: &Policy, now: Time) -> Result<(), Invalid> {
    if policy.axes.ttl.has_expired(now) {
        return Err(Invalid::new("ttlExpiresAt", "must be a time to come, in milliseconds since 1970"));
    }
    Ok(())
}

/// A canary has no policy, and who manages a secret has to be able to read it: 409.
pub(crate) fn refuse_unbindable(secret: &Secret, policy: &Policy) -> Result<(), Error> {
    let text = match secret.kind {
        SecretKind::Canary => "A canary has no policy",
        SecretKind::Managed if policy.axes.holds_back() => {
            "A managed secret is bound to policies with time window and IP allowlist only"
        }
        _ => return Ok(()),
    };
    Err(Error::new(Code::PolicyNotBindable, text))
}

impl App {
    /// Refuses a policy to which secrets are bound that may not be bound to it as it becomes: 409.
    pub(crate) async fn refuse_bound(&self, by: &Principal, new: &Policy) -> Result<(), Error> {
        let bound = self.store.all(policy::bindings_of(new.id)).await?;
        let keys: Vec<_> = bound.iter().map(|binding| secret::row(binding.secret)).collect();
        by.find_all(&keys).await?.iter().try_for_each(|secret| refuse_unbindable(secret, new))
    }
}

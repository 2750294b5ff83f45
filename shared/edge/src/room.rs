//! Room in a vault's plan: the one place where limits are held.

use protocol::VaultId;
use rules::Time;
use rules::nouns::Vault;
use rules::plan::{Counted, Plans};
use serde::{Deserialize, Serialize};
use store::{Step, Transaction, usage};

use crate::{Code, Error, Principal};

/// Room for one thing more in a vault.
#[must_use = "room is taken in the transaction that makes the thing"]
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Room {
    vault: VaultId,
    of: Counted,
    limit: Option<Limit>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Limit {
    plan: String,
    most: u64,
}

impl Room {
    /// For one thing of this kind more.
    pub fn of(plans: &Plans, vault: &Vault, of: Counted) -> Self {
        let limit = plans.of(vault).limit(of).map(|most| Limit { plan: plans.shown(vault).to_owned(), most });
        Self { vault: vault.id, of, limit }
    }

    /// Takes it. The step is refused when there is none.
    pub fn take(&self, write: &mut Transaction<'_>, now: Time) -> Step {
        usage::take(write, self.vault, self.of, self.limit.as_ref().map(|limit| limit.most), now)
    }

    /// 403: there is none.
    #[must_use]
    pub fn full(&self) -> Error {
        let (plan, most) = self.limit.as_ref().map_or(("", 0), |limit| (limit.plan.as_str(), limit.most));
        let words = self.of.words();
        let text =
            format!("The plan {plan} has room for {most} {words}; remove one, or ask the operator for another plan");
        Error::new(Code::PlanLimit, text)
    }
}

impl Principal {
    /// Room for one thing of this kind more in the vault it acts in.
    pub fn room(&self, of: Counted) -> Room {
        Room::of(&self.config.plans, &self.in_vault, of)
    }

    /// 403 unless the vault's plan has an IP allowlist. One that is switched on stays so.
    pub fn may_use_allowlist(&self) -> Result<(), Error> {
        let plans = &self.config.plans;
        if plans.of(&self.in_vault).ip_allowlist {
            return Ok(());
        }
        let plan = plans.shown(&self.in_vault);
        let text = format!("The plan {plan} has no IP allowlist; ask the operator for another plan");
        Err(Error::new(Code::PlanLimit, text))
    }
}

//! Room in a vault's plan: the one place where limits are held.

use protocol::VaultId;
use rules::Time;
use rules::nouns::Vault;
use rules::plan::{Counted, Feature, Plans};
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
    /// The plan whose limit it is; none of a limit that all vaults have.
    plan: Option<String>,
    most: u64,
}

impl Room {
    /// For one thing of this kind more.
    pub fn of(plans: &Plans, vault: &Vault, of: Counted) -> Self {
        let of_plan = plans.of(vault).limit(of).filter(|most| of.most().is_none_or(|any| *most <= any));
        let of_plan = of_plan.map(|most| Limit { plan: Some(plans.shown(vault).to_owned()), most });
        let limit = of_plan.or(of.most().map(|most| Limit { plan: None, most }));
        Self { vault: vault.id, of, limit }
    }

    /// Takes it. The step is refused when there is none.
    pub fn take(&self, write: &mut Transaction<'_>, now: Time) -> Step {
        usage::take(write, self.vault, self.of, self.limit.as_ref().map(|limit| limit.most), now)
    }

    /// 403: the plan has none. 409: no vault has.
    #[must_use]
    pub fn full(&self) -> Error {
        let words = self.of.words();
        let (plan, most) = match &self.limit {
            Some(Limit { plan: Some(plan), most }) => (plan.as_str(), *most),
            limit => {
                let most = limit.as_ref().map_or(0, |limit| limit.most);
                let text = format!("A vault has at most {most} {words}; delete one");
                return Error::new(Code::LimitReached, text);
            }
        };
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

    /// 403 unless the vault's plan has this. What is switched on stays so.
    pub fn may_use(&self, feature: Feature) -> Result<(), Error> {
        let plans = &self.config.plans;
        if plans.of(&self.in_vault).has(feature) {
            return Ok(());
        }
        let (plan, words) = (plans.shown(&self.in_vault), feature.words());
        let text = format!("The plan {plan} has no {words}; ask the operator for another plan");
        Err(Error::new(Code::PlanLimit, text))
    }
}

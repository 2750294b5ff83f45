//! `GET settings` and `POST settings`: the settings of a vault, for its owner.

use axum::extract::State;
use edge::{Body, Code, Error, Json, Principal};
use rules::audit::Action;
use rules::limits;
use rules::nouns::Vault;
use rules::plan::RETENTION;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::vault;

use crate::App;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "VaultSettings")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Settings {
    /// Whether people are asked to show again that it is them before an act that makes a reader or destroys.
    step_up: bool,
    /// How many days audit records are kept that are written from now on: the smaller one of the setting and the plan.
    audit_retention_days: u64,
    /// The name of the vault's plan.
    plan: String,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "VaultSettingsUpdate")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Update {
    step_up: Option<bool>,
    #[schemars(range(min = *RETENTION.start(), max = *RETENTION.end()))]
    audit_retention_days: Option<u64>,
}

/// `GET settings`: the vault's settings.
pub(crate) async fn show(State(app): State<App>, by: Principal) -> Result<Json<Settings>, Error> {
    Ok(Json(app.settings(&by.in_vault)))
}

/// `POST settings`: changes those that are given.
pub(crate) async fn update(
    State(app): State<App>,
    by: Principal,
    Body(body): Body<Update>,
) -> Result<Json<Settings>, Error> {
    let was = &*by.in_vault;
    let mut new = was.clone();
    let mut said = vec![];
    if let Some(step_up) = body.step_up.filter(|step_up| *step_up == was.step_up_off) {
        new.step_up_off = !step_up;
        let off = "off: nobody is asked again before an act that makes a reader or destroys";
        said.push(format!("Step-up switched {}", if step_up { "on" } else { off }));
    }
    if let Some(days) = body.audit_retention_days {
        let days = limits::number("auditRetentionDays", days, RETENTION)?;
        app.refuse_longer(was, days)?;
        if was.audit_retention_days != Some(days) {
            new.audit_retention_days = Some(days);
            said.push(format!("Audit records are kept for {days} days from now on"));
        }
    }
    if !said.is_empty() {
        by.step_up()?;
        let change = vault::row(by.vault)
            .change()
            .set(vault::STEP_UP_OFF, &new.step_up_off)
            .set(vault::AUDIT_RETENTION_DAYS, &new.audit_retention_days)
            // As it was, so that what somebody else changes meanwhile is not undone.
            .only_if(vault::STEP_UP_OFF.is_not(&!was.step_up_off))
            .only_if(vault::AUDIT_RETENTION_DAYS.is(&was.audit_retention_days));
        let mut write = app.store.transaction();
        write.change(change);
        write.record(&by.entry(Action::VaultSettingsUpdate, said.join(". ")));
        write.commit().await?;
    }
    Ok(Json(app.settings(&new)))
}

impl App {
    fn settings(&self, vault: &Vault) -> Settings {
        Settings {
            step_up: !vault.step_up_off,
            audit_retention_days: self.config.plans.kept_days(vault),
            plan: vault.plan_name().to_owned(),
        }
    }

    /// 403 if the plan keeps records for a shorter time.
    fn refuse_longer(&self, vault: &Vault, days: u64) -> Result<(), Error> {
        let plans = &self.config.plans;
        match plans.of(vault).audit_retention_days {
            Some(most) if days > most => {
                let plan = plans.shown(vault);
                let text = format!("The plan {plan} keeps records for {most} days at most, choose fewer");
                Err(Error::new(Code::PlanLimit, text))
            }
            _ => Ok(()),
        }
    }
}

//! `POST /v1/operator/vaults/{vaultId}/plan`: gives a vault another plan. What it has stays; what would pass a limit is refused.

use axum::extract::State;
use edge::answer::Done;
use edge::{Body, Error, Ids, Json, Person, done};
use protocol::VaultId;
use rules::audit::{Action, ActorKind};
use rules::nouns::Vault;
use rules::plan::UNLIMITED;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::vault;

use crate::App;

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PlanChange")]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// One of the deployment's plans, or `unlimited`.
    plan: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChangedVault")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Touched {
    vault_id: VaultId,
}

pub(crate) async fn change(
    State(app): State<App>,
    person: Person,
    Ids(id): Ids<VaultId>,
    Body(body): Body<Change>,
) -> Result<Json<Done<Touched>>, Error> {
    app.for_operator(&person).await?;
    let plans = &app.config.plans;
    if !plans.has(&body.plan) {
        return Err(Error::invalid(
            "plan",
            format!("must be one of: {}", plans.names().collect::<Vec<_>>().join(", ")),
        ));
    }
    let was = app.store.get(&vault::row(id)).await?.ok_or_else(|| Error::not_found("Vault"))?;
    let plan = (body.plan != UNLIMITED).then_some(body.plan);
    if was.plan != plan {
        let detail = format!("Plan changed from {} to {}", was.plan_name(), plan.as_deref().unwrap_or(UNLIMITED));
        let new = Vault { plan, ..was.clone() };
        let origin = app.origins.of(&new, ActorKind::User, Some(person.address), person.now);
        let mut write = app.store.transaction();
        let change = vault::row(id).change().set(vault::PLAN, &new.plan);
        write.change(change.only_if(vault::PLAN.is(&was.plan)));
        write.record(&origin.entry(Action::PlanChange, detail).person(person.user.id));
        write.commit().await?;
    }
    Ok(done(Touched { vault_id: id }))
}

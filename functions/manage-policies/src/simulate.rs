//! `POST projects/{projectId}/policies/simulate`: what the read gate says of one read, or what an edit of a policy changes. It
//! counts toward nothing.

use std::net::IpAddr;

use axum::extract::State;
use edge::{Body, Error, Ids, Json, Principal};
use protocol::{MachineId, ProjectId, SecretId};
use rules::nouns::{Machine, PolicyId};
use rules::policies::{Asked, Judged};
use rules::read_gate::{Moment, Refusal, foresee};
use rules::remedy::remedy;
use rules::{Time, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{machine, secret, vault};

use crate::App;
use crate::fields::Fields;
use crate::preview::{self, Changes, Edit};

/// One read, by `machineId` and `secretId`; or an edit, by `policyId`, `policy` and `secretIds`.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PolicySimulation")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Simulation {
    machine_id: Option<MachineId>,
    secret_id: Option<SecretId>,
    policy_id: Option<PolicyId>,
    policy: Option<Fields>,
    #[schemars(length(max = preview::SECRETS))]
    secret_ids: Option<Vec<SecretId>>,
    /// Epoch milliseconds. Without it, now.
    at: Option<Time>,
    /// Without it, the address from where a machine was last seen.
    source_ip: Option<IpAddr>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PolicySimulationAnswer")]
#[serde(untagged)]
pub(crate) enum Simulated {
    Read(Verdict),
    Edit(Changes),
}

/// What the gate says of one read.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SimulatedRead")]
pub(crate) struct Verdict {
    admitted: bool,
    /// What a refused machine is told; null when it is admitted.
    code: Option<&'static str>,
    text: Option<String>,
    /// What would make it pass.
    remedy: Option<String>,
    /// The axes of the secret's policy, each by itself; none of a secret that is bound to no policy.
    axes: Vec<AxisVerdict>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SimulatedAxis")]
pub(crate) struct AxisVerdict {
    axis: &'static str,
    enabled: bool,
    /// An axis that is off passes.
    passes: bool,
}

pub(crate) async fn simulate(
    State(app): State<App>,
    by: Principal,
    Ids(project): Ids<ProjectId>,
    Body(body): Body<Simulation>,
) -> Result<Json<Simulated>, Error> {
    if let Some(at) = body.at {
        limits::milliseconds("at", at)?;
    }
    let at = body.at.unwrap_or(by.now);
    let simulated = match (body.machine_id, body.secret_id) {
        (Some(machine), Some(secret)) => {
            if body.policy_id.is_some() || body.policy.is_some() || body.secret_ids.is_some() {
                return Err(Error::invalid(
                    "machineId",
                    "is of one read; policyId, policy and secretIds are of an edit",
                ));
            }
            Simulated::Read(read(&app, &by, project, machine, secret, at, body.source_ip).await?)
        }
        (None, None) => {
            let edit =
                Edit { policy: body.policy_id, fields: body.policy, secrets: body.secret_ids.unwrap_or_default() };
            Simulated::Edit(preview::changes(&app, &by, project, edit, at, body.source_ip).await?)
        }
        (Some(_), None) => return Err(Error::invalid("secretId", "must be given with machineId")),
        (None, Some(_)) => return Err(Error::invalid("machineId", "must be given with secretId")),
    };
    Ok(Json(simulated))
}

/// From where a machine reads, if that is known.
pub(crate) fn address_of(machine: &Machine, given: Option<IpAddr>) -> Option<IpAddr> {
    given.or(machine.last_seen_address).or(machine.registered_from)
}

/// The code of a refusal.
pub(crate) fn code_of(refusal: Refusal) -> &'static str {
    Error::from(refusal).code().name()
}

async fn read(
    app: &App,
    by: &Principal,
    project: ProjectId,
    machine: MachineId,
    secret: SecretId,
    at: Time,
    address: Option<IpAddr>,
) -> Result<Verdict, Error> {
    let (project, secret) = by.find_in(project, &secret::row(secret)).await?;
    let machine = by.find(&machine::row(machine)).await?;
    let vault = by.find(&vault::row(by.vault)).await?;
    let address = address_of(&machine, address);
    let address = address.ok_or_else(|| Error::invalid("sourceIp", "must be given: this machine was not seen yet"))?;
    let between = app.store.between(&[(machine.id, &secret)]).await?.pop().unwrap_or_default();
    let (target, moment) = (between.target(&secret, &project), Moment { address, now: at });
    let refusal = foresee(&machine, &vault, &target, moment).err();

    let policy = target.policy.zip(target.reads);
    let policy = policy.map(|(policy, reads)| (&policy.axes, Asked { machine: machine.id, address, now: at, reads }));
    let verdict_of = |axis: Judged| AxisVerdict { axis: axis.axis, enabled: axis.is_on, passes: axis.denied.is_none() };
    Ok(Verdict {
        admitted: refusal.is_none(),
        code: refusal.map(code_of),
        text: refusal.map(|refusal| refusal.to_string()),
        remedy: refusal.map(|refusal| remedy(refusal, address, policy)),
        axes: policy.map(|(axes, read)| axes.judged(&read).map(verdict_of).into()).unwrap_or_default(),
    })
}

//! Machines and the ways in which they come to be: bootstrap tokens and enrollment tokens; the IP allowlist, and the other
//! settings of a vault.

mod bootstrap_tokens;
mod enrollment_tokens;
mod ipallowlist;
mod machines;
mod names;
mod settings;
mod states;

use std::sync::Arc;

use edge::{Base, Config, Routes};
use protocol::MachineId;
use rules::scope::Needs;
use rules::scope::Scope::{
    EnrollmentRead, EnrollmentWrite, IpAllowlistRead, IpAllowlistWrite, MachinesRead, MachinesWrite,
};
use schemars::JsonSchema;
use serde::Serialize;
use store::Lists;

#[derive(Clone)]
struct App {
    store: Lists,
    config: Arc<Config>,
}

/// The function's routes.
pub fn routes(base: &Base) -> Routes {
    let app = App { store: base.store.lists(), config: base.config.clone() };
    Routes::of("manage-machines")
        .managed(base)
        .get("machines", MachinesRead, machines::list)
        .post("machines/query", MachinesRead, machines::query)
        .get("machines/{machineId}", MachinesRead, machines::one)
        .get("machines/{machineId}/name-history", MachinesRead, names::history)
        .post("machines/{machineId}/rename", MachinesWrite, names::rename)
        .post("machines/{machineId}/approve", MachinesWrite, states::approve)
        .post("machines/{machineId}/deny", MachinesWrite, states::deny)
        .post("machines/{machineId}/enable", Needs::Person, states::enable)
        .post("machines/{machineId}/disable", Needs::Person, states::disable)
        .post("machines/{machineId}/revoke", MachinesWrite, states::revoke)
        .post("bootstrap-tokens", Needs::Person, bootstrap_tokens::create)
        .get("enrollment-tokens", EnrollmentRead, enrollment_tokens::list)
        .post("enrollment-tokens", EnrollmentWrite, enrollment_tokens::create)
        .post("enrollment-tokens/query", EnrollmentRead, enrollment_tokens::query)
        .get("enrollment-tokens/{tokenId}", EnrollmentRead, enrollment_tokens::one)
        .post("enrollment-tokens/{tokenId}/revoke", EnrollmentWrite, enrollment_tokens::revoke)
        .get("ipallowlist", IpAllowlistRead, ipallowlist::list)
        .post("ipallowlist", IpAllowlistWrite, ipallowlist::add)
        .post("ipallowlist/query", IpAllowlistRead, ipallowlist::query)
        .post("ipallowlist/enable", IpAllowlistWrite, ipallowlist::enable)
        .post("ipallowlist/disable", IpAllowlistWrite, ipallowlist::disable)
        .post("ipallowlist/bulk-delete", IpAllowlistWrite, ipallowlist::bulk_delete)
        .post("ipallowlist/{entryId}/update", IpAllowlistWrite, ipallowlist::update)
        .post("ipallowlist/{entryId}/delete", IpAllowlistWrite, ipallowlist::delete)
        .get("settings", Needs::Person, settings::show)
        .post("settings", Needs::Person, settings::update)
        .with_state(app)
}

/// The machine that an action touched.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChangedMachine")]
#[serde(rename_all = "camelCase")]
struct Touched {
    machine_id: MachineId,
}

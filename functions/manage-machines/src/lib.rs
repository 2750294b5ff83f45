//! Machines and the ways in which they come to be: bootstrap tokens, enrollment tokens, bundles; and the IP allowlist.

mod bootstrap_tokens;
mod bundles;
mod enrollment_tokens;
mod ipallowlist;
mod machines;
mod states;

use std::sync::Arc;

use axum::extract::FromRef;
use edge::seal::Seal;
use edge::{Config, Routes, Services, Sessions};
use store::Store;

#[derive(Clone, FromRef)]
struct App {
    store: Store,
    config: Arc<Config>,
    sessions: Sessions,
    seal: Arc<dyn Seal>,
}

/// The function's routes.
pub fn routes(services: &Services, seal: Arc<dyn Seal>) -> Routes {
    let app =
        App { store: services.store.clone(), config: services.config.clone(), sessions: Sessions::new(services), seal };
    Routes::of("manage-machines")
        .get("/v1/manage/machines", machines::list)
        .get("/v1/manage/machines/{machineId}", machines::one)
        .post("/v1/manage/machines/{machineId}/approve", states::approve)
        .post("/v1/manage/machines/{machineId}/deny", states::deny)
        .post("/v1/manage/machines/{machineId}/enable", states::enable)
        .post("/v1/manage/machines/{machineId}/disable", states::disable)
        .post("/v1/manage/machines/{machineId}/revoke", states::revoke)
        .post("/v1/manage/bootstrap-tokens", bootstrap_tokens::create)
        .post("/v1/manage/bundles", bundles::create)
        .get("/v1/manage/enrollment-tokens", enrollment_tokens::list)
        .post("/v1/manage/enrollment-tokens", enrollment_tokens::create)
        .get("/v1/manage/enrollment-tokens/{tokenId}", enrollment_tokens::one)
        .post("/v1/manage/enrollment-tokens/{tokenId}/revoke", enrollment_tokens::revoke)
        .get("/v1/manage/ipallowlist", ipallowlist::list)
        .post("/v1/manage/ipallowlist", ipallowlist::add)
        .post("/v1/manage/ipallowlist/enable", ipallowlist::enable)
        .post("/v1/manage/ipallowlist/disable", ipallowlist::disable)
        .post("/v1/manage/ipallowlist/bulk-delete", ipallowlist::bulk_delete)
        .post("/v1/manage/ipallowlist/{entryId}/update", ipallowlist::update)
        .post("/v1/manage/ipallowlist/{entryId}/delete", ipallowlist::delete)
        .with_state(app)
}

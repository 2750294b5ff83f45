//! Machines and the ways in which they come to be: bootstrap tokens, enrollment tokens, bundles; and the IP allowlist.

mod bootstrap_tokens;
mod bundles;
mod enrollment_tokens;
mod ipallowlist;
mod machines;
mod states;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::post;
use edge::seal::Seal;
use edge::{Config, Services, Sessions, get};
use store::Store;

#[derive(Clone, FromRef)]
struct App {
    store: Store,
    config: Arc<Config>,
    sessions: Sessions,
    seal: Arc<dyn Seal>,
}

/// The function's routes.
pub fn router(services: &Services, seal: Arc<dyn Seal>) -> Router {
    let app = App {
        store: services.store.clone(),
        config: services.config.clone(),
        sessions: Sessions::new(services),
        seal,
    };
    Router::new()
        .route("/v1/manage/machines", get(machines::list))
        .route("/v1/manage/machines/{machineId}", get(machines::one))
        .route("/v1/manage/machines/{machineId}/approve", post(states::approve))
        .route("/v1/manage/machines/{machineId}/deny", post(states::deny))
        .route("/v1/manage/machines/{machineId}/enable", post(states::enable))
        .route("/v1/manage/machines/{machineId}/disable", post(states::disable))
        .route("/v1/manage/machines/{machineId}/revoke", post(states::revoke))
        .route("/v1/manage/bootstrap-tokens", post(bootstrap_tokens::create))
        .route("/v1/manage/bundles", post(bundles::create))
        .route("/v1/manage/enrollment-tokens", get(enrollment_tokens::list).post(enrollment_tokens::create))
        .route("/v1/manage/enrollment-tokens/{tokenId}", get(enrollment_tokens::one))
        .route("/v1/manage/enrollment-tokens/{tokenId}/revoke", post(enrollment_tokens::revoke))
        .route("/v1/manage/ipallowlist", get(ipallowlist::list).post(ipallowlist::add))
        .route("/v1/manage/ipallowlist/enable", post(ipallowlist::enable))
        .route("/v1/manage/ipallowlist/disable", post(ipallowlist::disable))
        .route("/v1/manage/ipallowlist/bulk-delete", post(ipallowlist::bulk_delete))
        .route("/v1/manage/ipallowlist/{entryId}/update", post(ipallowlist::update))
        .route("/v1/manage/ipallowlist/{entryId}/delete", post(ipallowlist::delete))
        .with_state(app)
}

//! Share links: a value for somebody outside the vault, who can open it once. Nobody who manages reads it again.

mod create;
mod list;

use std::sync::Arc;

use edge::seal::Seal;
use edge::{Base, Config, Passwords, Routes};
use rules::scope::Scope::{SecretsRead, SecretsWrite};
use store::Lists;

#[derive(Clone)]
struct App {
    store: Lists,
    config: Arc<Config>,
    passwords: Passwords,
    seal: Seal,
}

/// The function's routes.
pub fn routes(base: &Base, seal: Seal) -> Routes {
    let app = App { store: base.store.lists(), config: base.config.clone(), passwords: Passwords::new(base), seal };
    Routes::of("manage-shares")
        .managed(base)
        .get("projects/{projectId}/temporary-secrets", SecretsRead, list::list)
        .post("projects/{projectId}/temporary-secrets", SecretsWrite, create::create)
        .post("projects/{projectId}/temporary-secrets/query", SecretsRead, list::query)
        .with_state(app)
}

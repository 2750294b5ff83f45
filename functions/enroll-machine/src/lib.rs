//! Enrollment of ephemeral machines by token, and the script with which CI runs do it.

mod register;
mod script;

use edge::{Base, Routes};

/// The function's routes.
pub fn routes(base: &Base) -> Routes {
    Routes::of("enroll-machine")
        .post("/v1/{vaultId}/enroll/register", register::register)
        .get("/v1/{vaultId}/enroll/script", script::script)
        .with_state(base.clone())
}

//! `GET /v1/account`: the signed-in person.

use axum::extract::State;
use edge::{Error, Json, Person};
use protocol::{UserId, VaultId};
use rules::Time;
use schemars::JsonSchema;
use serde::Serialize;

use crate::App;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Account")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Me {
    user_id: UserId,
    email: String,
    /// Whether they have shown that the address is theirs.
    email_verified: bool,
    username: String,
    vault_id: VaultId,
    /// Whether they are the owner of the deployment.
    operator: bool,
    created_at: Time,
    /// Whether sign-in with a password asks for a code too.
    totp: bool,
    /// How many recovery codes are left.
    recovery_codes: usize,
}

pub(crate) async fn me(State(app): State<App>, person: Person) -> Result<Json<Me>, Error> {
    let user = person.user;
    let factor = app.store.second_factor(user.id).await?;
    Ok(Json(Me {
        user_id: user.id,
        email: user.email,
        email_verified: user.email_verified_at.is_some(),
        username: user.username,
        vault_id: user.vault,
        operator: app.store.is_operator(user.id).await?,
        created_at: user.created_at,
        totp: factor.is_some(),
        recovery_codes: factor.map_or(0, |factor| factor.recovery_hashes.len()),
    }))
}

//! `GET /v1/account`: the signed-in person.

use edge::{Json, Person};
use protocol::{UserId, VaultId};
use serde::Serialize;
use vault::Time;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Me {
    user_id: UserId,
    email: String,
    username: String,
    vault_id: VaultId,
    created_at: Time,
}

pub(crate) async fn me(person: Person) -> Json<Me> {
    let user = person.user;
    Json(Me {
        user_id: user.id,
        email: user.email,
        username: user.username,
        vault_id: user.vault,
        created_at: user.created_at,
    })
}

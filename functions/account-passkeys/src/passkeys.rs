//! `GET /v1/account/passkeys`, `POST /v1/account/passkeys/{id}/rename` and `/remove`: the passkeys of a signed-in person.

use axum::extract::State;
use edge::answer::Done;
use edge::body::SMALL;
use edge::{Body, Error, Ids, Json, Person, done};
use protocol::PasskeyId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Update, accounts};
use vault::Time;
use vault::audit::Action;
use vault::limits::{self, NAME};
use vault::people::Passkey;

use crate::App;

#[derive(Serialize)]
pub(crate) struct PasskeyList {
    passkeys: Vec<PasskeyItem>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PasskeyItem {
    id: PasskeyId,
    name: String,
    created_at: Time,
    last_used_at: Option<Time>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewName {
    name: String,
}

/// `GET /v1/account/passkeys`: in the order in which they were added.
pub(crate) async fn list(State(app): State<App>, person: Person) -> Result<Json<PasskeyList>, Error> {
    let mut passkeys = app.store.passkeys(person.user.id).await?;
    passkeys.sort_by_key(|passkey| passkey.created_at);
    let item = |passkey: Passkey| PasskeyItem {
        id: passkey.id,
        name: passkey.name,
        created_at: passkey.created_at,
        last_used_at: passkey.last_used_at,
    };
    Ok(Json(PasskeyList { passkeys: passkeys.into_iter().map(item).collect() }))
}

/// `POST /v1/account/passkeys/{id}/rename`
pub(crate) async fn rename(
    State(app): State<App>,
    person: Person,
    Ids(id): Ids<PasskeyId>,
    Body(body): Body<NewName, SMALL>,
) -> Result<Json<Done<Value>>, Error> {
    let name = limits::name("name", &body.name, NAME)?;
    let mut write = app.store.transaction();
    let there = write.update(Update::existing(&accounts::passkey(person.user.id, id)).set("name", &name)?);
    write.record(&person.record(Action::PasskeyRename, format!("Passkey renamed to {name}")));
    if !write.commit_unless_refused(there).await? {
        return Err(Error::not_found("Passkey"));
    }
    Ok(done(json!({ "passkeyId": id })))
}

/// `POST /v1/account/passkeys/{id}/remove`: it signs nobody in any more.
pub(crate) async fn remove(
    State(app): State<App>,
    person: Person,
    Ids(id): Ids<PasskeyId>,
) -> Result<Json<Done<Value>>, Error> {
    let key = accounts::passkey(person.user.id, id);
    let passkey = app.store.get(&key).await?.ok_or_else(|| Error::not_found("Passkey"))?;
    let mut write = app.store.transaction();
    let there = write.delete_existing(&key);
    write.record(&person.record(Action::PasskeyRemove, format!("Passkey {} removed", passkey.name)));
    if !write.commit_unless_refused(there).await? {
        return Err(Error::not_found("Passkey"));
    }
    Ok(done(json!({ "passkeyId": id })))
}

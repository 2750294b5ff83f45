//! `GET /v1/account/passkeys`, `POST /v1/account/passkeys/{id}/rename` and `/remove`: the passkeys of a signed-in person.

use axum::extract::State;
use edge::answer::Done;
use edge::body::SMALL;
use edge::names::NewName;
use edge::{Body, Error, Ids, Json, Person, done};
use rules::Time;
use rules::audit::Action;
use rules::limits::{self, NAME};
use rules::nouns::{Passkey, PasskeyId};
use schemars::JsonSchema;
use serde::Serialize;
use store::passkey;

use crate::{App, Touched};

#[derive(Serialize, JsonSchema)]
pub(crate) struct PasskeyList {
    passkeys: Vec<PasskeyItem>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PasskeyItem {
    id: PasskeyId,
    name: String,
    created_at: Time,
    last_used_at: Option<Time>,
}

/// `GET /v1/account/passkeys`: one's passkeys, in the order in which they were added.
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

/// `POST /v1/account/passkeys/{id}/rename`: gives a passkey another name.
pub(crate) async fn rename(
    State(app): State<App>,
    person: Person,
    Ids(id): Ids<PasskeyId>,
    Body(body): Body<NewName, SMALL>,
) -> Result<Json<Done<Touched>>, Error> {
    let name = limits::name("name", &body.name, NAME)?;
    let mut write = app.store.transaction();
    let there = write.change(passkey::row(person.user.id, id).change().set(passkey::NAME, &name));
    write.record(&person.entry(Action::PasskeyRename, format!("Passkey renamed to {name}")));
    if !write.commit_unless_refused(there).await? {
        return Err(Error::not_found("Passkey"));
    }
    Ok(done(Touched { passkey_id: id }))
}

/// `POST /v1/account/passkeys/{id}/remove`: removes a passkey, which signs nobody in any more.
pub(crate) async fn remove(
    State(app): State<App>,
    person: Person,
    Ids(id): Ids<PasskeyId>,
) -> Result<Json<Done<Touched>>, Error> {
    let key = passkey::row(person.user.id, id);
    let passkey = app.store.get(&key).await?.ok_or_else(|| Error::not_found("Passkey"))?;
    let mut write = app.store.transaction();
    let there = write.delete_existing(&key);
    write.record(&person.entry(Action::PasskeyRemove, format!("Passkey {} removed", passkey.name)));
    if !write.commit_unless_refused(there).await? {
        return Err(Error::not_found("Passkey"));
    }
    Ok(done(Touched { passkey_id: id }))
}

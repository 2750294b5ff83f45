//! `GET /v1/account/sessions` and `POST /v1/account/sessions/{id}/revoke`: where a person is signed in.

use rules::nouns::SessionId;
use std::net::IpAddr;
use store::session;

use axum::extract::State;
use edge::answer::Done;
use edge::{Error, Ids, Json, Person, done};
use rules::Time;
use rules::audit::Action;
use schemars::JsonSchema;
use serde::Serialize;

use crate::App;

#[derive(Serialize, JsonSchema)]
pub(crate) struct SessionList {
    sessions: Vec<SessionItem>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SessionItem {
    id: SessionId,
    address: IpAddr,
    user_agent: Option<String>,
    created_at: Time,
    last_used_at: Time,
    ends_at: Time,
    /// Whether it is the one that asks.
    current: bool,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RevokedSession")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Revoked {
    session_id: SessionId,
}

/// `GET /v1/account/sessions`: one's sessions that have not ended.
pub(crate) async fn list(State(app): State<App>, person: Person) -> Result<Json<SessionList>, Error> {
    let sessions = app.store.sessions(person.user.id).await?;
    let item = |session: rules::nouns::Session| SessionItem {
        ends_at: session.ends_at(),
        current: session.id == person.session.id,
        id: session.id,
        address: session.address,
        user_agent: session.user_agent,
        created_at: session.created_at,
        last_used_at: session.last_used_at,
    };
    let sessions = sessions.into_iter().filter(|session| person.user.has(session, person.now)).map(item).collect();
    Ok(Json(SessionList { sessions }))
}

/// `POST /v1/account/sessions/{id}/revoke`: ends one of one's sessions at once.
pub(crate) async fn revoke(
    State(app): State<App>,
    person: Person,
    Ids(id): Ids<SessionId>,
) -> Result<Json<Done<Revoked>>, Error> {
    let sessions = app.store.sessions(person.user.id).await?;
    let session = sessions.into_iter().find(|session| session.id == id).ok_or_else(|| Error::not_found("Session"))?;
    let mut write = app.store.transaction();
    write.delete(&session::row(&session.hash));
    write.record(&person.entry(Action::SessionRevoke, "Session revoked"));
    write.commit().await?;
    Ok(done(Revoked { session_id: id }))
}

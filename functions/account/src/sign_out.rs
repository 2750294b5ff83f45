//! `POST /v1/account/sign-out`: ends this session.

use axum::extract::State;
use edge::answer::Done;
use edge::{Error, Json, Person, SessionCookie, WithCookie, done};
use serde_json::{Value, json};
use store::accounts;
use vault::audit::Action;

use crate::App;

pub(crate) async fn sign_out(State(app): State<App>, person: Person) -> Result<WithCookie<Json<Done<Value>>>, Error> {
    let mut write = app.store.transaction();
    write.delete(&accounts::session(&person.session.hash));
    write.record(&person.record(Action::SessionEnd, "Signed out"));
    write.commit().await?;
    Ok(WithCookie(done(json!({})), SessionCookie::CLEAR))
}

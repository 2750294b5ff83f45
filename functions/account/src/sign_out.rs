//! `POST /v1/account/sign-out`: ends this session.

use axum::extract::State;
use axum::response::Response;
use edge::{Error, Person, done};
use serde_json::json;
use store::accounts;
use vault::audit::Action;

use crate::{App, with_cookie};

pub(crate) async fn sign_out(State(app): State<App>, person: Person) -> Result<Response, Error> {
    let mut write = app.store.transaction();
    write.delete(&accounts::session(&person.session.hash));
    write.record(&person.record(Action::SessionEnd, "Signed out"));
    write.commit().await?;
    with_cookie(done(json!({})), None)
}

//! `POST /v1/account/sign-out`: ends this session.

use axum::extract::State;
use edge::answer::{Done, Nothing};
use edge::{Error, Json, Person, SessionCookie, WithCookie, done};
use rules::audit::Action;
use store::session;

use crate::App;

pub(crate) async fn sign_out(State(app): State<App>, person: Person) -> Result<WithCookie<Json<Done<Nothing>>>, Error> {
    let mut write = app.store.transaction();
    write.delete(&session::row(&person.session.hash));
    write.record(&person.entry(Action::SessionEnd, "Signed out"));
    write.commit().await?;
    Ok(WithCookie(done(Nothing {}), SessionCookie::CLEAR))
}

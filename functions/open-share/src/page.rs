//! The page of a share link. It asks for the passphrase, sends it, and shows the value; it looks nothing up elsewhere.

use axum::extract::State;
use edge::page::{FORM, Page, Refused};
use edge::{Error, Ids};
use store::project;

use crate::App;

const TITLE: &str = "A value for you";

/// `GET /v1/share/{token}`: the page on which the link is opened. It costs nothing, however often it is fetched.
pub(crate) async fn page(State(app): State<App>, token: Result<Ids<String>, Error>) -> Result<Page, Refused> {
    let Ids(token) = token?;
    let now = app.clock.now();
    let link = app.find(&token, now).await?;
    app.store.get(&project::row(link.project)).await?.ok_or_else(Error::gone)?;
    let left = link.expires_at.ms().saturating_sub(now.ms());
    let content = include_str!("page/share.html").replace("__LEFT__", &left.to_string());
    Ok(Page::new(TITLE, &content, &format!("{FORM}{}", include_str!("page/share.js"))))
}

//! `POST webhooks/{webhookId}/delete`: deletes a webhook. What waits for it is not sent any more.

use axum::extract::State;
use edge::answer::Done;
use edge::{Error, Ids, Json, Principal, done};
use rules::audit::Action;
use rules::nouns::WebhookId;
use rules::plan::Counted;
use store::{usage, webhook};

use crate::{App, Touched};

pub(crate) async fn delete(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<WebhookId>,
) -> Result<Json<Done<Touched>>, Error> {
    let key = webhook::row(by.vault, id);
    by.find(&key).await?;
    let mut write = app.store.transaction();
    let was_there = write.delete_existing(&key);
    usage::free(&mut write, by.vault, Counted::Webhooks);
    write.record(&by.entry(Action::WebhookDelete, format!("Webhook {id} deleted")));
    if !write.commit_unless_refused(was_there).await? {
        return Err(Error::not_found("Webhook"));
    }
    Ok(done(Touched { webhook_id: id }))
}

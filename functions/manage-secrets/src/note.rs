//! `POST projects/{projectId}/secrets/{secretId}/note`: sets the note for people, or clears it with an empty one.

use axum::extract::State;
use edge::answer::Done;
use edge::{Body, Error, Ids, Json, Principal, done};
use protocol::{ProjectId, SecretId};
use rules::audit::Action;
use rules::limits::{self, TEXT};
use schemars::JsonSchema;
use serde::Deserialize;
use store::secret;

use crate::{App, Touched};

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SecretNote")]
#[serde(deny_unknown_fields)]
pub(crate) struct NewNote {
    #[schemars(length(max = TEXT))]
    note: String,
}

pub(crate) async fn update(
    State(app): State<App>,
    by: Principal,
    Ids((project, id)): Ids<(ProjectId, SecretId)>,
    Body(body): Body<NewNote>,
) -> Result<Json<Done<Touched>>, Error> {
    let note = limits::text("note", Some(&body.note))?;
    let (_, secret) = by.find_in(project, &secret::row(id)).await?;
    if note != secret.note {
        let verb = if note.is_some() { "set" } else { "cleared" };
        let record = by.entry(Action::SecretNoteUpdate, format!("Note of secret {} {verb}", secret.name));
        app.change(&by, &secret, secret::row(id).change().set(secret::NOTE, &note), record).await?;
    }
    Ok(done(Touched { secret_id: id }))
}

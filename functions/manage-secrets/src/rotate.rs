//! `POST projects/{projectId}/secrets/{secretId}/rotate`: a generated value as a new version. Of a structured secret the
//! named fields change, all of them unless some are named. Answers id and version only; 409 on a canary.

use std::collections::BTreeSet;
use store::secret;

use axum::extract::State;
use crypto::{Charset, Generator};
use edge::seal::{self, Rotation};
use edge::{Body, Error, Ids, Json, Principal};
use protocol::{ProjectId, SecretId};
use rules::audit::Action;
use rules::limits;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{App, Versioned, field_names, refuse_canary};

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SecretRotation")]
#[serde(deny_unknown_fields)]
pub(crate) struct Rotate {
    #[schemars(range(min = *Generator::LENGTH.start(), max = *Generator::LENGTH.end()))]
    length: Option<u64>,
    charset: Option<Charset>,
    fields: Option<BTreeSet<String>>,
}

pub(crate) async fn rotate(
    State(app): State<App>,
    by: Principal,
    Ids((project, id)): Ids<(ProjectId, SecretId)>,
    Body(body): Body<Rotate>,
) -> Result<Json<Versioned>, Error> {
    let generator = limits::generator(body.length, body.charset)?;
    let (_, secret) = by.find_in(project, &secret::row(id)).await?;
    if let Err(error) = refuse_canary(&secret) {
        let detail = format!("Rotation of secret {} refused: {}", secret.name, error.outside());
        let denied = by.entry(Action::SecretRotateDenied, detail).secret(id).project(project);
        app.store.audit().record(&denied).await?;
        return Err(error.recorded());
    }
    let fields = body.fields.filter(|fields| !fields.is_empty());
    // A set of names of this secret, so there are at most 64 of them in the record.
    let what = match (&fields, field_names(&secret)?) {
        (None, _) => String::new(),
        (Some(fields), Some(names)) if fields.iter().all(|field| names.contains(field)) => {
            format!(" ({})", fields.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
        }
        (Some(_), Some(_)) => return Err(Error::invalid("fields", "must name fields of this secret")),
        (Some(_), None) => {
            return Err(Error::invalid("fields", "can be named for structured secrets only; leave it out"));
        }
    };
    let record = by.entry(Action::SecretRotate, format!("Secret {} rotated{what}", secret.name));
    let how = Rotation { generator, fields: fields.map(|fields| fields.into_iter().collect()) };
    let record = record.secret(id).project(project);
    let made = app.seal.ask(seal::Rotate { vault: by.vault, secret: id, how, record, due: None }).await?;
    Ok(Json(Versioned { id, version: made.version }))
}

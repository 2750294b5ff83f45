//! Scheduled rotation: secrets that get a new random value again and again.

mod change;
mod create;
mod list;
mod new_secret;

use edge::seal::Seal;
use edge::{Base, Error, Principal, Routes};
use protocol::SecretId;
use rules::nouns::{Schedule, Secret};
use rules::scope::Scope::{SecretsRead, SecretsWrite};
use schemars::JsonSchema;
use serde::Serialize;
use store::{Lists, secret};

#[derive(Clone)]
struct App {
    store: Lists,
    seal: Seal,
}

/// The function's routes.
pub fn routes(base: &Base, seal: Seal) -> Routes {
    let app = App { store: base.store.lists(), seal };
    Routes::of("manage-schedules")
        .managed(base)
        .get("dynamic-secrets", SecretsRead, list::list)
        .post("dynamic-secrets", SecretsWrite, create::create)
        .post("dynamic-secrets/query", SecretsRead, list::query)
        .get("dynamic-secrets/{secretId}", SecretsRead, list::one)
        .post("dynamic-secrets/{secretId}/update", SecretsWrite, change::update)
        .post("dynamic-secrets/{secretId}/delete", SecretsWrite, change::delete)
        .with_state(app)
}

/// The secret whose schedule an action touched.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChangedSchedule")]
#[serde(rename_all = "camelCase")]
struct Touched {
    secret_id: SecretId,
}

/// A secret with a schedule; any other has none, 404.
async fn find(by: &Principal, id: SecretId) -> Result<(Secret, Schedule), Error> {
    let found = by.find_all(&[secret::row(id)]).await?.pop();
    let scheduled = found.and_then(|secret| secret.schedule.clone().map(|schedule| (secret, schedule)));
    scheduled.ok_or_else(|| Error::not_found("Schedule"))
}

/// The field names of a structured secret.
fn field_names(secret: &Secret) -> Result<Option<Vec<String>>, Error> {
    secret.fields().map_err(|_| Error::internal("stored field names"))
}

/// The fields that are to rotate: those of the secret, all of them unless some are named.
fn chosen(fields: Option<Vec<String>>, of: Option<&[String]>) -> Result<Option<Vec<String>>, Error> {
    let Some(fields) = fields.filter(|fields| !fields.is_empty()) else { return Ok(None) };
    match of {
        Some(names) if fields.iter().all(|field| names.contains(field)) => Ok(Some(fields)),
        Some(_) => Err(Error::invalid("fields", "must name fields of this secret")),
        None => Err(Error::invalid("fields", "can be named for structured secrets only; leave it out")),
    }
}

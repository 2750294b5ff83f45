//! Secrets as metadata, and the trash. Values go in through `seal-secret` and never come out here.

mod create;
mod delete;
mod list;
mod note;
mod rename;
mod rollback;
mod rotate;
mod trash;
mod update;
mod versions;

use edge::seal::Seal;
use edge::{Base, Code, Error, Principal, Routes};
use protocol::SecretId;
use rules::Time;
use rules::audit::Record;
use rules::nouns::{PolicyId, Secret, SecretKind};
use rules::scope::Scope::{SecretsRead, SecretsWrite, TrashRead, TrashWrite};
use schemars::JsonSchema;
use serde::Serialize;
use store::{Change, Lists, secret};

#[derive(Clone)]
struct App {
    store: Lists,
    seal: Seal,
}

/// The function's routes.
pub fn routes(base: &Base, seal: Seal) -> Routes {
    let app = App { store: base.store.lists(), seal };
    Routes::of("manage-secrets")
        .managed(base)
        .get("projects/{projectId}/secrets", SecretsRead, list::list)
        .post("projects/{projectId}/secrets", SecretsWrite, create::create)
        .post("projects/{projectId}/secrets/query", SecretsRead, list::query)
        .get("projects/{projectId}/secrets/{secretId}", SecretsRead, list::one)
        .get("projects/{projectId}/secrets/{secretId}/versions", SecretsRead, versions::list)
        .post("projects/{projectId}/secrets/{secretId}/update", SecretsWrite, update::update)
        .post("projects/{projectId}/secrets/{secretId}/name", SecretsWrite, rename::rename)
        .post("projects/{projectId}/secrets/{secretId}/note", SecretsWrite, note::update)
        .post("projects/{projectId}/secrets/{secretId}/rotate", SecretsWrite, rotate::rotate)
        .post("projects/{projectId}/secrets/{secretId}/rollback", SecretsWrite, rollback::roll_back)
        .post("projects/{projectId}/secrets/{secretId}/delete", SecretsWrite, delete::delete)
        .get("trash", TrashRead, trash::list)
        .post("trash/query", TrashRead, trash::query)
        .post("trash/{secretId}/restore", TrashWrite, trash::restore)
        .post("trash/{secretId}/purge", TrashWrite, trash::purge)
        .with_state(app)
}

/// A secret as those who manage see it: everything but its value.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Secret")]
#[serde(rename_all = "camelCase")]
struct SecretView {
    id: SecretId,
    name: String,
    #[serde(rename = "type")]
    kind: SecretKind,
    field_names: Option<String>,
    note: Option<String>,
    version: u64,
    /// The access policy that it is bound to.
    policy_id: Option<PolicyId>,
    /// How many machines hold a grant for it.
    machine_count: usize,
    /// When it was last delivered to a machine; some moments behind.
    last_accessed_at: Option<Time>,
    created_at: Time,
    updated_at: Time,
}

impl SecretView {
    fn of(secret: Secret, machine_count: usize) -> Self {
        Self {
            id: secret.id,
            name: secret.name,
            kind: secret.kind,
            field_names: secret.field_names,
            note: secret.note,
            version: secret.version,
            policy_id: secret.policy,
            machine_count,
            last_accessed_at: secret.last_accessed_at,
            created_at: secret.created_at,
            updated_at: secret.updated_at,
        }
    }
}

/// A new version: which secret, and which version it is now.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "NewSecretVersion")]
struct Versioned {
    id: SecretId,
    version: u64,
}

/// A project has each name once.
fn name_taken() -> Error {
    Error::new(Code::NameTaken, "A secret of this project has this name already, choose another")
}

/// Refuses to change the value of a canary: 409.
fn refuse_canary(secret: &Secret) -> Result<(), Error> {
    match secret.kind {
        SecretKind::Canary => Err(Error::new(Code::ValueFixed, "The value of a canary cannot be changed")),
        _ => Ok(()),
    }
}

/// Refuses another value where it is not the caller's to give: of a canary, and of a secret that a schedule rotates. 409.
fn refuse_fixed(secret: &Secret) -> Result<(), Error> {
    refuse_canary(secret)?;
    match &secret.schedule {
        Some(schedule) if schedule.enabled => {
            Err(Error::new(Code::ValueFixed, "A schedule rotates this secret; pause or delete the schedule first"))
        }
        _ => Ok(()),
    }
}

/// The field names of a structured or managed secret.
fn field_names(secret: &Secret) -> Result<Option<Vec<String>>, Error> {
    secret.fields().map_err(|_| Error::internal("stored field names"))
}

/// The secret that an action touched.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChangedSecret")]
#[serde(rename_all = "camelCase")]
struct Touched {
    secret_id: SecretId,
}

impl App {
    /// Changes a secret's row, with the record of it; 404 if it went to the trash meanwhile.
    async fn change(
        &self,
        by: &Principal,
        secret: &Secret,
        change: Change<Secret>,
        record: Record,
    ) -> Result<(), Error> {
        let mut write = self.store.transaction();
        let there = write.change(change.set(secret::UPDATED_AT, &by.now).only_if(secret::DELETED_AT.absent()));
        write.record(&record.secret(secret.id).project(secret.project));
        let changed = write.commit_unless_refused(there).await?;
        changed.then_some(()).ok_or_else(|| Error::not_found("Secret"))
    }
}

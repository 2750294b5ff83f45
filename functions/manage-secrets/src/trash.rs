//! `GET trash`, `POST trash/{secretId}/restore` and `…/purge`: secrets that were deleted, for 30 days.

use axum::extract::State;
use edge::answer::Done;
use edge::seal::Destroy;
use edge::{Error, Ids, Json, Principal, done};
use protocol::{ProjectId, SecretId};
use rules::Time;
use rules::audit::Action;
use rules::nouns::{Expiring, Expiry, Secret, SecretKind, TRASH_SECONDS};
use schemars::JsonSchema;
use serde::Serialize;
use store::{Put as _, project, secret};

use crate::{App, Touched};

/// What purges a secret that went to the trash then, unless it is restored.
pub(crate) fn purge_due(secret: &Secret, deleted_at: Time) -> Expiry {
    let of = Expiring::Secret(secret.project, secret.id);
    Expiry { at: deleted_at.plus_seconds(TRASH_SECONDS), of }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TrashedSecret")]
#[serde(rename_all = "camelCase")]
struct Trashed {
    id: SecretId,
    name: String,
    #[serde(rename = "type")]
    kind: SecretKind,
    project_id: ProjectId,
    project_name: String,
    version: u64,
    deleted_at: Time,
    purged_at: Time,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Trash {
    secrets: Vec<Trashed>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RestoredSecret")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Restored {
    secret_id: SecretId,
    project_id: ProjectId,
}

/// `GET trash`: what was deleted in the projects that the principal may see, newest first.
pub(crate) async fn list(State(app): State<App>, by: Principal) -> Result<Json<Trash>, Error> {
    let mut secrets = vec![];
    for project in app.store.projects(by.vault).await?.into_iter().filter(|project| by.may_see(project)) {
        for secret in app.store.secrets(project.id).await? {
            let Some(deleted_at) = secret.deleted_at else { continue };
            secrets.push(Trashed {
                id: secret.id,
                name: secret.name,
                kind: secret.kind,
                project_id: project.id,
                project_name: project.name.clone(),
                version: secret.version,
                deleted_at,
                purged_at: deleted_at.plus_seconds(TRASH_SECONDS),
            });
        }
    }
    secrets.sort_by_key(|secret| std::cmp::Reverse((secret.deleted_at, secret.id)));
    Ok(Json(Trash { secrets }))
}

/// `POST trash/{secretId}/restore`: brings a secret back to its project, with its grants.
pub(crate) async fn restore(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<SecretId>,
) -> Result<Json<Done<Restored>>, Error> {
    let (project, secret) = by.find_trashed(id).await?;
    let record = by.entry(Action::SecretRestore, format!("Secret {} restored", secret.name));
    let mut write = app.store.transaction();
    let restored =
        write.change(secret::row(id).change().remove(secret::DELETED_AT).only_if(secret::DELETED_AT.present()));
    write.require(&project::row(project.id));
    if let Some(deleted_at) = secret.deleted_at {
        write.delete(&purge_due(&secret, deleted_at).key());
    }
    write.record(&record.secret(id).project(project.id));
    if write.commit_unless_refused(restored).await? {
        Ok(done(Restored { secret_id: id, project_id: project.id }))
    } else {
        Err(Error::not_found("Secret"))
    }
}

/// `POST trash/{secretId}/purge`: destroys a secret at once, with all its versions.
pub(crate) async fn purge(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<SecretId>,
) -> Result<Json<Done<Touched>>, Error> {
    let (project, secret) = by.find_trashed(id).await?;
    by.step_up().await?;
    let record = by.entry(Action::SecretPurge, format!("Secret {} purged", secret.name));
    let record = record.secret(id).project(project.id);
    let destroyed = app.seal.ask(Destroy { vault: by.vault, secret: id, record: Some(record) }).await?;
    if !destroyed.was_there {
        // Somebody else was faster.
        return Err(Error::not_found("Secret"));
    }
    // Its grants admit nothing any more; the next sweep takes them away.
    let mut write = app.store.transaction();
    if let Some(deleted_at) = secret.deleted_at {
        write.delete(&purge_due(&secret, deleted_at).key());
    }
    write.put(&Expiry { at: by.now, of: Expiring::Secret(project.id, id) });
    write.commit().await?;
    Ok(done(Touched { secret_id: id }))
}

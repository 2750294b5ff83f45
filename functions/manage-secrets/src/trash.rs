//! `GET trash`, `POST trash/query`, `trash/{secretId}/restore` and `…/purge`: secrets that were deleted, for 30 days.

use std::collections::{BTreeSet, HashMap};

use axum::extract::State;
use edge::answer::Done;
use edge::listing::{Page, Pager, Whole};
use edge::paging::SIZE_LIMIT;
use edge::seal::Destroy;
use edge::{Body, Code, Error, Ids, Json, Principal, done};
use protocol::{ProjectId, SecretId};
use rules::Time;
use rules::audit::Action;
use rules::names::NameFilter;
use rules::nouns::{Expiring, Expiry, Secret, SecretKind, TRASH_SECONDS};
use rules::plan::Counted;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{CommitError, Put as _, project, schedule, secret};

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

impl Trash {
    fn of(secrets: Vec<Trashed>) -> Self {
        Self { secrets }
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "TrashQuery")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Query {
    #[schemars(range(min = 1, max = SIZE_LIMIT))]
    limit: Option<u64>,
    cursor: Option<String>,
    /// The whole name, in any letter case. The trash can have a name more than once.
    name: Option<String>,
    project_id: Option<ProjectId>,
    #[serde(rename = "type")]
    kind: Option<SecretKind>,
}

/// `GET trash`: what was deleted in the projects that the principal may see, newest first.
pub(crate) async fn list(State(app): State<App>, by: Principal) -> Result<Json<Whole<Trash>>, Error> {
    let pager = app.page_trash(&by, Pager::whole(), |_| true).await?;
    Ok(pager.end().whole(Trash::of))
}

/// `POST trash/query`: the same a page at a time; by name, project and kind.
pub(crate) async fn query(
    State(app): State<App>,
    by: Principal,
    Body(query): Body<Query>,
) -> Result<Json<Page<Trash>>, Error> {
    let pager = Pager::page(query.limit, query.cursor.as_deref())?;
    let name = NameFilter::of(query.name.as_deref());
    let wanted = |secret: &Secret| {
        name.takes(&secret.name)
            && query.project_id.is_none_or(|project| project == secret.project)
            && query.kind.is_none_or(|kind| kind == secret.kind)
    };
    Ok(app.page_trash(&by, pager, wanted).await?.end().page(Trash::of))
}

impl App {
    async fn page_trash(
        &self,
        by: &Principal,
        pager: Pager<Trashed>,
        wanted: impl Fn(&Secret) -> bool + Send,
    ) -> Result<Pager<Trashed>, Error> {
        let (mut pager, trash) = (pager.backward(true), secret::trash_of(by.vault));
        while let Some(mut rows) = pager.next(&self.store, &trash).await? {
            rows.retain(|(_, secret)| wanted(secret));
            let projects: BTreeSet<ProjectId> = rows.iter().map(|(_, secret)| secret.project).collect();
            let keys: Vec<_> = projects.into_iter().map(project::row).collect();
            let names: HashMap<_, _> =
                by.find_all(&keys).await?.into_iter().map(|project| (project.id, project.name)).collect();
            for (place, secret) in rows {
                // Of a project that is gone or not to be seen, nothing is shown.
                if let (Some(project_name), Some(deleted_at)) = (names.get(&secret.project), secret.deleted_at) {
                    pager.take(place, Trashed::of(secret, project_name.clone(), deleted_at));
                }
            }
        }
        Ok(pager)
    }
}

impl Trashed {
    fn of(secret: Secret, project_name: String, deleted_at: Time) -> Self {
        Self {
            id: secret.id,
            name: secret.name,
            kind: secret.kind,
            project_id: secret.project,
            project_name,
            version: secret.version,
            deleted_at,
            purged_at: deleted_at.plus_seconds(TRASH_SECONDS),
        }
    }
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
    let live = Secret { deleted_at: None, ..secret.clone() };
    let change = secret::row(id).change().remove(secret::DELETED_AT).placed_as(&live);
    let restored = write.change(change.only_if(secret::DELETED_AT.present()));
    let named = write.put_new(&live.unique_name());
    let room = by.room(Counted::Secrets);
    let has_room = room.take(&mut write, by.now);
    write.require(&project::row(project.id));
    if let Some(due) = schedule::due(&secret) {
        write.put(&due);
    }
    if let Some(deleted_at) = secret.deleted_at {
        write.delete(&purge_due(&secret, deleted_at).key());
    }
    write.record(&record.secret(id).project(project.id));
    match write.commit().await {
        Ok(()) => Ok(done(Restored { secret_id: id, project_id: project.id })),
        Err(CommitError::Refused(step)) if step == restored => Err(Error::not_found("Secret")),
        Err(CommitError::Refused(step)) if step == has_room => Err(room.full()),
        Err(CommitError::Refused(step)) if step == named => {
            let text = "Another secret of the project has this name now, rename that one first";
            Err(Error::new(Code::NameTaken, text))
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST trash/{secretId}/purge`: destroys a secret at once, with all its versions.
pub(crate) async fn purge(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<SecretId>,
) -> Result<Json<Done<Touched>>, Error> {
    let (project, secret) = by.find_trashed(id).await?;
    by.step_up()?;
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

//! `POST /v1/manage/bundles`: a machine whose identity the server makes, for containers: approved, in one project, with
//! the chosen grants. The private key is made and sealed by `seal-secret`, and waits for one download.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use crypto::{OneTimeToken, TokenHash, random};
use edge::seal::{Identity, MakeIdentity, Seal};
use edge::{Base, Body, Config, Error, Json, Principal, Routes};
use protocol::{MachineId, ProjectId, SecretId};
use rules::Time;
use rules::audit::Action;
use rules::limits::{self, NAME};
use rules::nouns::{Bundle, BundleId, Grant, Machine, MachineKind, Membership};
use rules::plan::Counted;
use rules::scope::Needs;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Lists, project, secret};

#[derive(Clone)]
struct App {
    store: Lists,
    config: Arc<Config>,
    seal: Seal,
}

/// The function's route. It is for people only.
pub fn routes(base: &Base, seal: Seal) -> Routes {
    let app = App { store: base.store.lists(), config: base.config.clone(), seal };
    Routes::of("make-bundle").managed(base).post("bundles", Needs::Person, create).with_state(app)
}

/// How long a bundle waits for its download, in seconds (15 minutes).
const LIFETIME_SECONDS: u64 = 900;
/// Most secrets in one bundle: everything is written in one transaction, which the store limits to 100 rows.
const SECRETS: usize = 90;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewBundle {
    project_id: ProjectId,
    secret_ids: Vec<SecretId>,
    #[schemars(length(min = 1, max = NAME))]
    name: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct MadeBundle {
    machine_id: MachineId,
    /// For one download; shown this once.
    url: String,
    expires_at: Time,
}

async fn create(State(app): State<App>, by: Principal, Body(body): Body<NewBundle>) -> Result<Json<MadeBundle>, Error> {
    let project = by.find(&project::row(body.project_id)).await?;
    let secrets = app.secrets(&by, project.id, body.secret_ids).await?;
    by.step_up()?;
    let id = MachineId::from_entropy(random::bytes());
    let bundle_id = BundleId::from_entropy(random::bytes());
    let name = match &body.name {
        Some(name) => limits::name("name", name, NAME)?,
        None => format!("container-{}", id.to_string().chars().take(8).collect::<String>()),
    };
    let identity = app.seal.ask(MakeIdentity { vault: by.vault, bundle: bundle_id }).await?;
    let Identity { public_key, private_key } = identity;
    let token = OneTimeToken::make().to_link_text();
    let hash = TokenHash::of_link_text(&token).ok_or_else(|| Error::internal("a token of another shape"))?;
    let expires_at = by.now.plus_seconds(LIFETIME_SECONDS);

    let record = by.entry(Action::BundleCreate, format!("Machine {name} created with a bundle"));
    let mut write = app.store.transaction();
    let room = by.room(Counted::Machines);
    let has_room = room.take(&mut write, by.now);
    write.put_new(&Machine {
        id,
        vault: by.vault,
        name,
        kind: MachineKind::Standard,
        public_key,
        approved: true,
        enabled: true,
        expires_at: None,
        ended: false,
        enrollment_token: None,
        registered_from: None,
        added_by: by.person().map(|user| user.id),
        created_at: by.now,
        last_seen_at: None,
        last_seen_address: None,
    });
    write.require(&project::row(project.id));
    write.put_new(&Membership { machine: id, project: project.id, added_at: by.now });
    for secret in secrets {
        write.put_new(&Grant::new(id, project.id, secret, by.now));
    }
    let bundle = Bundle { id: bundle_id, hash, vault: by.vault, machine: id, private_key, expires_at };
    write.put_new(&bundle.expiry());
    write.put_new(&bundle);
    write.record(&record.machine(id).project(project.id));
    if !write.commit_unless_refused(has_room).await? {
        return Err(room.full());
    }
    Ok(Json(MadeBundle { machine_id: id, url: format!("{}/v1/bundle/{token}", app.config.url), expires_at }))
}

impl App {
    /// The chosen secrets, each once; all have to be live secrets of the project.
    async fn secrets(
        &self,
        by: &Principal,
        project: ProjectId,
        chosen: Vec<SecretId>,
    ) -> Result<BTreeSet<SecretId>, Error> {
        let chosen: BTreeSet<SecretId> = chosen.into_iter().collect();
        if chosen.len() > SECRETS {
            return Err(Error::invalid("secretIds", format!("must list at most {SECRETS} secrets")));
        }
        let keys: Vec<_> = chosen.iter().map(|id| secret::row(*id)).collect();
        let found = by.find_all(&keys).await?;
        let here = found.iter().filter(|secret| secret.project == project).count();
        if here == chosen.len() { Ok(chosen) } else { Err(Error::not_found("Secret")) }
    }
}

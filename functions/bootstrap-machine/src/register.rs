//! `POST /v1/bootstrap/{token}/register`: uses the token up and registers the machine, pending.

use axum::extract::State;
use crypto::{PublicKey, random};
use edge::body::SMALL;
use edge::{Base, Body, Error, Ids, Json, Origins, Room, SourceAddress};
use protocol::MachineId;
use protocol::bodies::{BootstrapRegistration, BootstrappedMachine};
use rules::audit::{Action, ActorKind};
use rules::limits::{self, NAME};
use rules::nouns::{Machine, MachineKind};
use rules::plan::Counted;
use store::{CommitError, token, vault};

pub(crate) async fn register(
    State(base): State<Base>,
    Ids(token): Ids<String>,
    from: SourceAddress,
    Body(body): Body<BootstrapRegistration, SMALL>,
) -> Result<Json<BootstrappedMachine>, Error> {
    let token = crate::token(&base, &token, from.ip()).await?;
    // Checked before the token is used, so that a mistake does not cost it.
    let public_key = PublicKey::from_base64(&body.public_key)
        .map_err(|_| Error::invalid("publicKey", "must be standard base64 of a 32-byte Ed25519 public key"))?;
    let name = limits::name("hostname", &body.hostname, NAME)?;

    let vault = base.store.get(&vault::row(token.vault)).await?;
    let vault = vault.ok_or_else(|| Error::internal("a token of no vault"))?;
    let now = base.clock.now();
    let machine = Machine {
        id: MachineId::from_entropy(random::bytes()),
        vault: vault.id,
        name,
        kind: MachineKind::Standard,
        public_key,
        approved: false,
        enabled: true,
        expires_at: None,
        ended: false,
        enrollment_token: None,
        registered_from: Some(from.ip()),
        added_by: token.made_by,
        created_at: now,
        last_seen_at: None,
        last_seen_address: None,
    };
    let origin = Origins::new(&base).of(&vault, ActorKind::External, Some(from.ip()), now);
    let record =
        origin.entry(Action::MachineRegister, format!("Machine {} registered and waits for approval", machine.name));

    let room = Room::of(&base.config.plans, &vault, Counted::Machines);
    let mut write = base.store.transaction();
    let used = write.delete_existing(&token::bootstrap(&token.hash));
    let has_room = room.take(&mut write, now);
    write.put_new(&machine);
    write.record(&record.machine(machine.id));
    match write.commit().await {
        Ok(()) => {}
        // Somebody else was faster with the same token.
        Err(CommitError::Refused(step)) if step == used => return Err(Error::unauthenticated()),
        Err(CommitError::Refused(step)) if step == has_room => return Err(room.full()),
        Err(error) => return Err(error.into()),
    }
    Ok(Json(BootstrappedMachine {
        machine_id: machine.id,
        machine_name: machine.name,
        vault_id: machine.vault,
        api_url: base.config.url.clone(),
    }))
}

//! `POST /v1/{vaultId}/enroll/register`: registers an ephemeral machine, approved, with its memberships and grants.

use std::net::IpAddr;

use axum::extract::State;
use crypto::{PublicKey, TokenHash, random};
use edge::body::SMALL;
use edge::{Base, Body, Code, Error, Ids, Json, Origins, Room, SourceAddress};
use http::StatusCode;
use protocol::MachineId;
use protocol::bodies::{EnrolledMachine, Enrollment};
use rules::Time;
use rules::audit::{Action, ActorKind};
use rules::enrollment::{self, Refusal};
use rules::limits::{self, NAME};
use rules::lockout::Guessed;
use rules::nouns::{
    EnrollmentToken, EnrollmentTokenId, Expiring, Expiry, Grant, Machine, MachineKind, Membership, Project, Secret,
    Vault,
};
use rules::plan::Counted;
use rules::signer;
use store::{CommitError, project, secret, token, vault};

/// How often an enrollment is tried again when another one took its number.
const TRIES: usize = 64;

pub(crate) async fn register(
    State(base): State<Base>,
    Ids(vault_id): Ids<String>,
    from: SourceAddress,
    Body(body): Body<Enrollment, SMALL>,
) -> Result<Json<EnrolledMachine>, Error> {
    let address = from.ip();
    let hash = TokenHash::of_enrollment_text(&body.token);
    let pointer = match hash {
        Some(hash) => base.store.get(&token::enrollment_hash(&hash)).await?,
        None => None,
    };
    let Some(pointer) = pointer else { return Err(base.attempts().failed(Guessed::Token, address).await) };
    // Lengths before any pattern is matched; and before the token is used, so that a mistake does not cost a use.
    let public_key =
        PublicKey::from_base64(&body.public_key).map_err(|error| Error::invalid("publicKey", error.to_string()))?;
    limits::name("hostname", &body.hostname, NAME)?;
    if let Some(name) = &body.name {
        limits::name("name", name, NAME)?;
    }
    for _ in 0..TRIES {
        let (vault, token) = token(&base, &vault_id, pointer.id).await?.ok_or_else(Error::unauthenticated)?;
        let now = base.clock.now();
        if let Err(error) = admit(&vault, &token, &body.hostname, address, now) {
            return Err(deny(&base, &vault, &token, address, error).await?);
        }
        let machine = machine(&token, &body, public_key, from, now);
        let enrolled = match enroll(&base, &vault, &token, &machine, address, now).await {
            Err(error) if error.code() == Code::PlanLimit => {
                return Err(deny(&base, &vault, &token, address, error).await?);
            }
            other => other?,
        };
        if enrolled {
            return Ok(Json(EnrolledMachine {
                machine_id: machine.id,
                machine_name: machine.name,
                vault_id: vault.id,
                expires_at: machine.expires_at.map_or(0, Time::seconds),
                api_url: base.config.url.clone(),
            }));
        }
    }
    Err(Error::new(Code::ChangedMeanwhile, "Many machines enroll with this token at once, try again"))
}

/// Whether this host may enroll from here. The vault's allowlist gates enrollment as it gates machines, and says as little;
/// but whether the token is good comes first.
fn admit(vault: &Vault, token: &EnrollmentToken, hostname: &str, from: IpAddr, now: Time) -> Result<(), Error> {
    match enrollment::decide(token, hostname, from, now) {
        Err(Refusal::NotValid) => Err(Refusal::NotValid.into()),
        _ if !vault.allows(from) => Err(signer::Refusal::AddressNotAllowed.into()),
        verdict => Ok(verdict?),
    }
}

/// Records that a known token was refused, and gives the refusal.
async fn deny(base: &Base, vault: &Vault, token: &EnrollmentToken, from: IpAddr, error: Error) -> Result<Error, Error> {
    if error.status() == StatusCode::FORBIDDEN {
        let origin = Origins::new(base).of(vault, ActorKind::External, Some(from), base.clock.now());
        let detail = format!("Enrollment with the enrollment token {} refused: {}", token.name, error.outside());
        base.store.audit().record(&origin.entry(Action::EnrollmentDenied, detail)).await?;
    }
    Ok(error)
}

fn machine(
    token: &EnrollmentToken,
    body: &Enrollment,
    public_key: PublicKey,
    from: SourceAddress,
    now: Time,
) -> Machine {
    let id = MachineId::from_entropy(random::bytes());
    let uuid8: String = id.to_string().chars().take(8).collect();
    Machine {
        id,
        vault: token.vault,
        name: enrollment::machine_name(token, body.name.as_deref(), &body.hostname, &uuid8, token.uses + 1),
        kind: MachineKind::Ephemeral,
        public_key,
        approved: true,
        enabled: true,
        expires_at: Some(now.plus_seconds(token.machine_lifetime_seconds)),
        ended: false,
        enrollment_token: Some(token.id),
        registered_from: Some(from.ip()),
        added_by: None,
        created_at: now,
        last_seen_at: None,
        last_seen_address: None,
    }
}

/// The token and its vault, if the path names that vault.
async fn token(base: &Base, vault: &str, id: EnrollmentTokenId) -> Result<Option<(Vault, EnrollmentToken)>, Error> {
    let token = base.store.get(&token::enrollment(id)).await?;
    let Some(token) = token.filter(|token| vault.parse() == Ok(token.vault)) else { return Ok(None) };
    Ok(base.store.get(&vault::row(token.vault)).await?.map(|vault| (vault, token)))
}

/// Counts the use and writes the machine with all its rows, or nothing; says whether it did. It does not when the
/// token changed since it was read.
async fn enroll(
    base: &Base,
    vault: &Vault,
    token: &EnrollmentToken,
    machine: &Machine,
    from: IpAddr,
    now: Time,
) -> Result<bool, Error> {
    // What the token names may have been deleted since; the rest is still given.
    let projects: Vec<_> = token.project_ids.iter().map(|id| project::row(*id)).collect();
    let secrets: Vec<_> = token.secret_ids.iter().map(|id| secret::row(*id)).collect();
    let projects: Vec<Project> = base.store.get_all(&projects).await?;
    let secrets: Vec<Secret> = base.store.get_all(&secrets).await?;

    let mut use_up = token::enrollment(token.id)
        .change()
        .add(token::USES, 1)
        .set(token::LAST_USED_AT, &Some(now))
        .only_if(token::USES.less_than(&token.max_uses));
    if enrollment::is_numbered(token) {
        // The machine's name says which use this is.
        use_up = use_up.only_if(token::USES.is(&token.uses));
    }
    let mut write = base.store.transaction();
    let used = write.change(use_up);
    let good = write.require_if(&token::enrollment_hash(&token.hash), [token::of_hash::REVOKED.absent()]);
    let room = Room::of(&base.config.plans, vault, Counted::Machines);
    let has_room = room.take(&mut write, now);
    write.put_new(machine);
    for project in projects.iter().filter(|project| project.vault == vault.id) {
        write.put_new(&Membership { machine: machine.id, project: project.id, added_at: now });
    }
    let in_token = |secret: &&Secret| secret.vault == vault.id && token.project_ids.contains(&secret.project);
    for secret in secrets.iter().filter(in_token) {
        let (machine, project) = (machine.id, secret.project);
        write.put_new(&Grant::new(machine, project, secret.id, now));
    }
    if let Some(at) = machine.expires_at {
        write.put_new(&Expiry { at, of: Expiring::Machine(machine.id) });
    }
    let origin = Origins::new(base).of(vault, ActorKind::External, Some(from), now);
    let detail = format!("Machine {} enrolled with the enrollment token {}", machine.name, token.name);
    write.record(&origin.entry(Action::MachineEnroll, detail).machine(machine.id));
    match write.commit().await {
        Ok(()) => Ok(true),
        Err(CommitError::Refused(step)) if step == used || step == good => Ok(false),
        Err(CommitError::Refused(step)) if step == has_room => Err(room.full()),
        Err(error) => Err(error.into()),
    }
}

//! `POST /v1/{vaultId}/enroll/register`: registers an ephemeral machine, approved, with its memberships and grants.

use axum::extract::State;
use crypto::{PublicKey, TokenHash, random};
use edge::body::SMALL;
use edge::{Base, Body, Error, Ids, Json, SourceAddress};
use protocol::bodies::{EnrolledMachine, Enrollment};
use protocol::{MachineId, VaultId};
use rules::Time;
use rules::audit::{Action, ActorKind, Origin};
use rules::enrollment::{self, Refusal};
use rules::limits::{self, NAME};
use rules::nouns::{
    EnrollmentToken, Expiring, Expiry, Grant, Machine, MachineKind, Membership, Project, Secret, Vault,
};
use rules::signer;
use store::{project, secret, token, vault};

/// How often an enrollment is tried again when another one took its number.
const TRIES: usize = 64;

pub(crate) async fn register(
    State(base): State<Base>,
    Ids(vault_id): Ids<String>,
    from: SourceAddress,
    Body(body): Body<Enrollment, SMALL>,
) -> Result<Json<EnrolledMachine>, Error> {
    let address = from.ip();
    base.attempts().check(address).await?;
    let (Ok(vault_id), Some(hash)) = (vault_id.parse::<VaultId>(), TokenHash::of_enrollment_text(&body.token)) else {
        return Err(base.attempts().failed(address).await);
    };
    for _ in 0..TRIES {
        let Some((vault, token)) = token(&base, vault_id, &hash).await? else {
            return Err(base.attempts().failed(address).await);
        };
        // The allowlist gates enrollment as it gates machines, and says as little.
        if !vault.allows(address) {
            return Err(signer::Refusal::AddressNotAllowed.into());
        }
        let now = base.clock.now();
        match enrollment::decide(&token, &body.hostname, address, now) {
            Ok(()) => {}
            Err(Refusal::NotValid) => return Err(base.attempts().failed(address).await),
            Err(refusal) => return Err(refusal.into()),
        }
        let machine = machine(&token, &body, from, now)?;
        if enroll(&base, &vault, &token, &machine, now).await? {
            return Ok(Json(EnrolledMachine {
                machine_id: machine.id,
                machine_name: machine.name,
                vault_id,
                expires_at: machine.expires_at.map_or(0, Time::seconds),
                api_url: base.config.url.clone(),
            }));
        }
    }
    Err(Error::conflict("Many machines enroll with this token at once, try again"))
}

fn machine(token: &EnrollmentToken, body: &Enrollment, from: SourceAddress, now: Time) -> Result<Machine, Error> {
    let public_key =
        PublicKey::from_base64(&body.public_key).map_err(|error| Error::invalid("publicKey", error.to_string()))?;
    limits::name("hostname", &body.hostname, NAME)?;
    if let Some(name) = &body.name {
        limits::name("name", name, NAME)?;
    }
    let id = MachineId::from_entropy(random::bytes());
    let uuid8: String = id.to_string().chars().take(8).collect();
    Ok(Machine {
        id,
        vault: token.vault,
        name: enrollment::machine_name(token, body.name.as_deref(), &body.hostname, &uuid8, token.uses + 1),
        kind: MachineKind::Ephemeral,
        public_key,
        approved: true,
        enabled: true,
        expires_at: Some(now.plus_seconds(token.machine_lifetime_seconds)),
        enrollment_token: Some(token.id),
        registered_from: Some(from.ip()),
        created_at: now,
    })
}

/// The token with this hash and its vault, if it is a token of that vault.
async fn token(base: &Base, vault: VaultId, hash: &TokenHash) -> Result<Option<(Vault, EnrollmentToken)>, Error> {
    let Some(pointer) = base.store.get(&token::enrollment_hash(hash)).await? else { return Ok(None) };
    let token = base.store.get(&token::enrollment(pointer.id)).await?;
    let Some(token) = token.filter(|token| token.vault == vault) else { return Ok(None) };
    Ok(base.store.get(&vault::row(vault)).await?.map(|vault| (vault, token)))
}

/// Counts the use and writes the machine with all its rows, or nothing; says whether it did. It does not when the
/// token changed since it was read.
async fn enroll(
    base: &Base,
    vault: &Vault,
    token: &EnrollmentToken,
    machine: &Machine,
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
        .only_if(token::USES.less_than(&token.max_uses))
        .only_if(token::REVOKED.absent());
    if enrollment::is_numbered(token) {
        // The machine's name says which use this is.
        use_up = use_up.only_if(token::USES.is(&token.uses));
    }
    let mut write = base.store.transaction();
    let used = write.change(use_up);
    write.put_new(machine);
    for project in projects.iter().filter(|project| project.vault == vault.id) {
        write.put_new(&Membership { machine: machine.id, project: project.id, added_at: now });
    }
    let in_token = |secret: &&Secret| secret.vault == vault.id && token.project_ids.contains(&secret.project);
    for secret in secrets.iter().filter(in_token) {
        let (machine, project) = (machine.id, secret.project);
        write.put_new(&Grant { machine, project, secret: secret.id, delivered: None, granted_at: now });
    }
    if let Some(at) = machine.expires_at {
        write.put_new(&Expiry { at, of: Expiring::Machine(machine.id) });
    }
    let origin = Origin {
        vault: vault.id,
        owner: vault.owner,
        actor: ActorKind::External,
        address: machine.registered_from,
        at: now,
    };
    let detail = format!("Machine {} enrolled with the enrollment token {}", machine.name, token.name);
    write.record(&origin.entry(Action::MachineEnroll, detail).machine(machine.id));
    Ok(write.commit_unless_refused(used).await?)
}

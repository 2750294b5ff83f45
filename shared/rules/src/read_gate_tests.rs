//! The gate against a naive model on random worlds, and the loss of each single condition.

use super::*;
use crate::nouns::{AllowlistEntryId, Freeze, MachineKind, PolicyId};
use crate::policies::tests::{self as policies, Case};
use crypto::{KeyPair, Sealed};
use proptest::prelude::*;
use protocol::{MachineId, ProjectId, SecretId, UserId, VaultId};
use std::collections::BTreeMap;

/// That of the cases of policies.
const NOW: Time = Time::from_ms(1_795_773_630_000);
const TEXT: &[u8] = b"GET:/v1/secret/sk_a1b2c3d4e5:1700000000:nonce:hash";

/// A world as plain switches. The default admits.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "switches are what it is made of")]
struct World {
    machine_known: bool,
    tombstone: bool,
    vault_is_the_machines: bool,
    allowlist_on: bool,
    address_listed: bool,
    skew_seconds: i64,
    signature_good: bool,
    expires_in_ms: Option<i64>,
    approved: bool,
    enabled: bool,
    secret_known: bool,
    secret_in_vault: bool,
    in_trash: bool,
    project_known: bool,
    project_is_the_secrets: bool,
    frozen: bool,
    member: Row,
    grant: Row,
    policy: Bound,
    /// What the policy says, and what was counted.
    case: Case,
}

/// Whether the secret is bound to a policy, and what becomes of that.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Bound {
    Not,
    ToOne,
    Missing,
    OfAnotherProject,
    WithoutCounts,
    WithCountsOfAnotherPolicy,
}

/// A row that is there, is missing, or belongs to something else.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Row {
    There,
    Missing,
    OfAnotherMachine,
    OfAnotherProject,
}

impl Default for World {
    fn default() -> Self {
        Self {
            machine_known: true,
            tombstone: false,
            vault_is_the_machines: true,
            allowlist_on: false,
            address_listed: true,
            skew_seconds: 0,
            signature_good: true,
            expires_in_ms: None,
            approved: true,
            enabled: true,
            secret_known: true,
            secret_in_vault: true,
            in_trash: false,
            project_known: true,
            project_is_the_secrets: true,
            frozen: false,
            member: Row::There,
            grant: Row::There,
            policy: Bound::Not,
            case: Case::off(),
        }
    }
}

/// What the protocol says, as a list of conditions from first to last.
fn model(world: &World) -> Result<(), &'static str> {
    let conditions = [
        ((world.machine_known || world.tombstone) && world.vault_is_the_machines, "unknown machine"),
        (!world.allowlist_on || world.address_listed, "address not in the allowlist, signature not checked"),
        (world.signature_good, "signature does not verify"),
        (world.machine_known, "machine revoked"),
        ((-300..=300).contains(&world.skew_seconds), "timestamp more than 300 s off"),
        (world.expires_in_ms.is_none_or(|ms| ms > 0), "machine expired"),
        (world.approved, "machine not approved"),
        (world.enabled, "machine disabled"),
        (world.secret_known && world.secret_in_vault && !world.in_trash, "secret not found"),
        (world.project_known && world.project_is_the_secrets, "secret not found"),
        (!world.frozen, "project frozen"),
        (world.member == Row::There, "not a member of the project"),
        (world.grant == Row::There, "no grant"),
        (matches!(world.policy, Bound::Not | Bound::ToOne), "policy missing"),
    ];
    match conditions.iter().find(|(holds, _)| !holds) {
        Some((_, reason)) => Err(*reason),
        None if world.policy == Bound::ToOne => world.case.model(),
        None => Ok(()),
    }
}

/// The policy of that world, with what was counted for it.
fn policy_of(world: &World) -> (Policy, SecretReads) {
    let policy = Policy {
        id: PolicyId::from_entropy([1; 16]),
        vault: VaultId::from_entropy([1; 16]),
        project: ProjectId::from_entropy([if world.policy == Bound::OfAnotherProject { 3 } else { 1 }; 16]),
        name: String::new(),
        description: None,
        axes: world.case.axes(),
        bound: 1,
        created_at: NOW,
        updated_at: NOW,
    };
    let counted_for = if world.policy == Bound::WithCountsOfAnotherPolicy { 2 } else { 1 };
    let reads = SecretReads { policy: PolicyId::from_entropy([counted_for; 16]), ..world.case.reads() };
    (policy, reads)
}

/// What the gate says of the same world.
fn gate(world: &World) -> Result<(), &'static str> {
    judged(world, |caller, target| decide(caller, target, NOW).map(|_| ()))
}

/// What the simulator says of it.
fn simulator(world: &World) -> Result<(), &'static str> {
    judged(world, |caller, target| {
        let at = Moment { address: caller.address, now: NOW };
        foresee(caller.machine.unwrap(), caller.vault.unwrap(), target, at)
    })
}

fn judged(world: &World, by: impl FnOnce(&Caller<'_>, &Target<'_>) -> Result<(), Refusal>) -> Result<(), &'static str> {
    let key = KeyPair::from_seed(&[0x42; 32]);
    let vault_id = |n| VaultId::from_entropy([n; 16]);
    let project_id = |n| ProjectId::from_entropy([n; 16]);
    let machine_id = |n| MachineId::from_entropy([n; 16]);
    let secret_id = SecretId::from_entropy([1; 16]);
    let sealed = || Sealed::from_bytes(vec![]);
    let listed = if world.address_listed { "192.0.2.0/24" } else { "198.51.100.0/24" };

    let vault = Vault {
        id: vault_id(if world.vault_is_the_machines { 1 } else { 2 }),
        owner: UserId::from_entropy([1; 16]),
        key: sealed(),
        allowlist_enabled: world.allowlist_on,
        allowlist: BTreeMap::from([(AllowlistEntryId::from_entropy([1; 16]), listed.parse().unwrap())]),
        step_up_off: false,
        audit_retention_days: None,
        plan: None,
        created_at: NOW,
    };
    let machine = Machine {
        id: machine_id(1),
        vault: vault_id(1),
        name: String::new(),
        kind: MachineKind::Standard,
        public_key: key.public(),
        approved: world.approved,
        enabled: world.enabled,
        expires_at: world.expires_in_ms.map(|ms| Time::from_ms(NOW.ms().saturating_add_signed(ms))),
        ended: false,
        enrollment_token: None,
        registered_from: None,
        added_by: None,
        last_seen_at: None,
        last_seen_address: None,
        created_at: NOW,
    };
    let tombstone = machine.tombstone(vault.owner, NOW);
    let in_vault = vault_id(if world.secret_in_vault { 1 } else { 2 });
    let secret = Secret {
        policy: (world.policy != Bound::Not).then(|| PolicyId::from_entropy([1; 16])),
        deleted_at: world.in_trash.then_some(NOW),
        ..Secret::new(secret_id, in_vault, project_id(1), String::new(), NOW)
    };
    let project = Project {
        id: project_id(if world.project_is_the_secrets { 1 } else { 2 }),
        vault: vault_id(1),
        name: String::new(),
        description: None,
        master_key: sealed(),
        frozen: world.frozen.then_some(Freeze { at: NOW, reason: None }),
        created_at: NOW,
        updated_at: NOW,
    };
    let of = |row| match row {
        Row::Missing => None,
        Row::There => Some((machine_id(1), project_id(1))),
        Row::OfAnotherMachine => Some((machine_id(2), project_id(1))),
        Row::OfAnotherProject => Some((machine_id(1), project_id(3))),
    };
    let membership = of(world.member).map(|(machine, project)| Membership { machine, project, added_at: NOW });
    let grant = of(world.grant).map(|(machine, project)| Grant::new(machine, project, secret_id, NOW));
    let (policy, reads) = policy_of(world);
    let signature = key.sign(if world.signature_good { TEXT } else { b"another text" });

    by(
        &Caller {
            address: "192.0.2.7".parse().unwrap(),
            claim: Claim {
                signed_text: TEXT,
                signature: &signature,
                timestamp_seconds: NOW.seconds().saturating_add_signed(world.skew_seconds),
            },
            machine: world.machine_known.then_some(&machine),
            tombstone: world.tombstone.then_some(&tombstone),
            vault: Some(&vault),
        },
        &Target {
            secret: world.secret_known.then_some(&secret),
            project: world.project_known.then_some(&project),
            membership: membership.as_ref(),
            grant: grant.as_ref(),
            policy: Some(&policy).filter(|_| world.policy != Bound::Missing),
            reads: Some(&reads).filter(|_| world.policy != Bound::WithoutCounts),
        },
    )
    .map_err(Refusal::reason)
}

/// True nine times out of ten, so that worlds get far enough for every reason.
fn mostly() -> impl Strategy<Value = bool> {
    proptest::bool::weighted(0.9)
}

fn row() -> impl Strategy<Value = Row> {
    prop_oneof![9 => Just(Row::There), 1 => Just(Row::Missing), 1 => Just(Row::OfAnotherMachine), 1 => Just(Row::OfAnotherProject)]
}

fn bound() -> impl Strategy<Value = Bound> {
    use Bound::{Missing, Not, OfAnotherProject, ToOne, WithCountsOfAnotherPolicy, WithoutCounts};
    prop_oneof![
        4 => Just(Not), 8 => Just(ToOne), 1 => Just(Missing), 1 => Just(OfAnotherProject),
        1 => Just(WithoutCounts), 1 => Just(WithCountsOfAnotherPolicy)
    ]
}

prop_compose! {
    fn world()(
        (known, tombstone, of_vault, listed, signed) in (mostly(), any::<bool>(), mostly(), mostly(), mostly()),
        allowlist_on: bool,
        skew_seconds in prop_oneof![8 => -300i64..=300, 1 => Just(301i64), 1 => Just(-301i64), 1 => -100_000i64..100_000],
        expires_in_ms in proptest::option::of(prop_oneof![4 => 1i64..100_000, 1 => -100_000i64..=0]),
        (approved, enabled, secret_known, secret_in_vault, kept) in (mostly(), mostly(), mostly(), mostly(), mostly()),
        (project_known, project_is_the_secrets, thawed) in (mostly(), mostly(), mostly()),
        member in row(),
        grant in row(),
        policy in bound(),
        case in policies::case(),
    ) -> World {
        World {
            machine_known: known, tombstone, vault_is_the_machines: of_vault, allowlist_on,
            address_listed: listed, skew_seconds, signature_good: signed, expires_in_ms, approved, enabled,
            secret_known, secret_in_vault, in_trash: !kept, project_known, project_is_the_secrets, frozen: !thawed,
            member, grant, policy, case,
        }
    }
}

proptest! {
    #[test]
    fn the_gate_agrees_with_the_model(world in world()) {
        prop_assert_eq!(gate(&world), model(&world));
    }

    #[test]
    fn a_policy_never_turns_a_refusal_into_an_admission(world in world()) {
        let unbound = World { policy: Bound::Not, ..world.clone() };
        if let Err(reason) = gate(&unbound) {
            prop_assert_eq!(gate(&world), Err(reason));
        }
    }
}

proptest! {
    // Ten times as many as of other properties: with `--deep` 100,000 worlds.
    #![proptest_config(ProptestConfig::with_cases(10 * ProptestConfig::default().cases))]

    #[test]
    fn the_simulator_agrees_with_the_gate(any in world()) {
        // What it takes for granted: a machine that is there signs now.
        let world = World { machine_known: true, vault_is_the_machines: true, signature_good: true, skew_seconds: 0, ..any };
        prop_assert_eq!(simulator(&world), gate(&world));
    }
}

#[test]
fn the_loss_of_any_one_condition_refuses() {
    let good = World::default;
    let met = || World { policy: Bound::ToOne, case: Case { on: [true; 6], ..Case::off() }, ..good() };
    let with = |case: Case| World { case, ..met() };
    assert_eq!(gate(&good()), Ok(()));
    assert_eq!(gate(&met()), Ok(()));
    assert_eq!(gate(&World { allowlist_on: true, expires_in_ms: Some(1), skew_seconds: -300, ..good() }), Ok(()));
    for (world, reason) in [
        (World { machine_known: false, ..good() }, "unknown machine"),
        (World { machine_known: false, tombstone: true, ..good() }, "machine revoked"),
        (World { machine_known: false, tombstone: true, signature_good: false, ..good() }, "signature does not verify"),
        (World { vault_is_the_machines: false, ..good() }, "unknown machine"),
        (
            World { allowlist_on: true, address_listed: false, ..good() },
            "address not in the allowlist, signature not checked",
        ),
        (World { skew_seconds: 301, ..good() }, "timestamp more than 300 s off"),
        (World { skew_seconds: -301, ..good() }, "timestamp more than 300 s off"),
        (World { signature_good: false, ..good() }, "signature does not verify"),
        (World { expires_in_ms: Some(0), ..good() }, "machine expired"),
        (World { approved: false, ..good() }, "machine not approved"),
        (World { enabled: false, ..good() }, "machine disabled"),
        (World { secret_known: false, ..good() }, "secret not found"),
        (World { secret_in_vault: false, ..good() }, "secret not found"),
        (World { in_trash: true, ..good() }, "secret not found"),
        (World { project_known: false, ..good() }, "secret not found"),
        (World { project_is_the_secrets: false, ..good() }, "secret not found"),
        (World { frozen: true, ..good() }, "project frozen"),
        (World { member: Row::Missing, ..good() }, "not a member of the project"),
        (World { member: Row::OfAnotherMachine, ..good() }, "not a member of the project"),
        (World { grant: Row::Missing, ..good() }, "no grant"),
        (World { grant: Row::OfAnotherProject, ..good() }, "no grant"),
        (with(Case { in_window: false, ..met().case }), "outside the policy's time window"),
        (with(Case { listed: false, ..met().case }), "address not in the policy's allowlist"),
        (with(Case { cosigned_seconds_ago: Some(61), ..met().case }), "not co-signed"),
        (with(Case { caps: (Some(1), None), reads: 1, ..met().case }), "rate cap reached"),
        (with(Case { caps: (None, Some(1)), reads: 1, ..met().case }), "rate cap reached"),
        (with(Case { ttl_expired: true, ..met().case }), "TTL reached"),
        (with(Case { ttl_reads: Some(1), reads: 1, ..met().case }), "TTL reached"),
        (World { policy: Bound::Missing, ..good() }, "policy missing"),
        (World { policy: Bound::OfAnotherProject, ..good() }, "policy missing"),
        (World { policy: Bound::WithoutCounts, ..good() }, "policy missing"),
        (World { policy: Bound::WithCountsOfAnotherPolicy, ..good() }, "policy missing"),
    ] {
        assert_eq!(gate(&world), Err(reason), "{world:?}");
    }
}

#[test]
fn an_empty_allowlist_that_is_on_lets_nobody_in() {
    let vault = Vault {
        id: VaultId::from_entropy([1; 16]),
        owner: UserId::from_entropy([1; 16]),
        key: Sealed::from_bytes(vec![]),
        allowlist_enabled: true,
        allowlist: BTreeMap::new(),
        step_up_off: false,
        audit_retention_days: None,
        plan: None,
        created_at: NOW,
    };
    assert!(!vault.allows("192.0.2.7".parse().unwrap()));
}

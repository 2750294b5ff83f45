//! The lockout of an address and the hold-back of an account: what is guessed is stopped, and nobody else is.

use crypto::KeyPair;
use e2e::{Browser, Person, Request, World};
use rules::Time;
use rules::audit::Action;
use rules::hold_back::HoldBack;
use rules::lockout::Guessed;
use serde_json::json;

use crate::credentials::{NEW, PASSWORD, post};
use crate::onboarding::registration;

pub(crate) const WRONG: &str = "a wrong passw0rd!";
/// As many failures as one broken client makes in a night.
const MANY: usize = 1_000;

fn fetch(token: &str) -> Request {
    Request::new("GET", &format!("/v1/bootstrap/{token}"))
}

async fn failures(world: &World, owner: &Person<'_>, detail: &str) -> usize {
    let log = world.audit(owner).await;
    log.iter().filter(|record| record.action == Action::AuthFailure && record.detail == detail).count()
}

/// With the real numbers: ten failures in five minutes lock for fifteen, and nobody who can sign notices.
#[tokio::test]
async fn ten_failures_lock_an_address_out_for_fifteen_minutes_but_not_who_signs() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (_, secret, machine) = owner.readable("value").await;
    let path = format!("/v1/secret/{secret}");
    let forged = || machine.request("GET", &path, b"").replace("x-timestamp", "1");
    for n in 1..=10 {
        world.send(forged()).await.error(401);
        // Spread over the window, so that the first is still in it at the end.
        if n < 9 {
            world.wait_seconds(33);
        }
    }
    let locked = world.send(forged()).await;
    locked.error(429);
    assert_eq!(locked.headers["retry-after"], "900");
    assert_eq!(world.count(&owner, Action::AuthFailure).await, 10);
    // Nothing is written for it while it is locked out.
    world.store.forget();
    world.send(forged()).await.error(429);
    assert_eq!(world.store.operations(), ["BatchGetItem", "GetItem"]);
    machine.read(&secret).await.expect(200);
    world.send(forged().from("192.0.2.8")).await.error(401);

    world.wait_seconds(899);
    world.send(forged()).await.error(429);
    world.wait_seconds(1);
    world.send(forged()).await.error(401);
}

#[tokio::test]
async fn a_thousand_failures_of_a_stranger_stop_no_machine_behind_the_same_address() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (_, secret, machine) = owner.readable("value").await;
    let agent = owner.agent(&[], &[]).await;
    let token = owner.bootstrap_token().await;
    let path = format!("/v1/secret/{secret}");
    for n in 0..MANY {
        let forged = machine.request("GET", &path, b"").replace("x-timestamp", "1");
        let expected = if n < 10 { 401 } else { 429 };
        world.send(forged).await.error(expected);
        world.send(fetch("x").from(&machine.from)).await.error(expected);
        if n % 100 == 0 {
            machine.read(&secret).await.expect(200);
        }
    }
    machine.read(&secret).await.expect(200);
    world.send(agent.signed("GET", "/v1/ai/whoami", b"").from(&machine.from)).await.expect(200);
    // A token that is there is never refused either, and somebody who is signed in is not.
    world.send(registration(&token, &KeyPair::make()).from(&machine.from)).await.expect(200);
    world.send(owner.request("/v1/account", None).from(&machine.from)).await.expect(200);
}

/// A machine that nobody told of its revocation goes on asking; one beside it goes on reading.
#[tokio::test]
async fn whoever_was_removed_is_refused_and_recorded_and_counts_for_nothing() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (_, secret, machine) = owner.readable("value").await;
    let (_, other_secret, other) = owner.readable("other").await;
    let pending = owner.pending_machine().await;
    let agent = owner.agent(&[], &[]).await;
    let nothing = json!({});
    owner.post(&format!("/v1/manage/machines/{}/revoke", machine.id), &nothing).await.expect(200);
    owner.post(&format!("/v1/manage/machines/{}/deny", pending.id), &nothing).await.expect(200);
    owner.post(&format!("/v1/manage/ai-agents/{}/revoke", agent.id), &nothing).await.expect(200);
    let cold = world.another_process();
    for n in 0..MANY / 4 {
        let asked = if n % 2 == 0 { &world } else { &cold };
        asked.send(machine.request("GET", &format!("/v1/secret/{secret}"), b"")).await.error(401);
        asked.send(pending.request("GET", "/v1/secrets", b"").from(&machine.from)).await.error(401);
        asked.send(agent.signed("GET", "/v1/ai/whoami", b"").from(&machine.from)).await.error(401);
    }
    world.send(other.request("GET", &format!("/v1/secret/{other_secret}"), b"").from(&machine.from)).await.expect(200);
    // Nobody is locked out: a wrong signature is still a 401.
    world.send(other.request("GET", "/v1/secrets", b"").replace("x-timestamp", "1")).await.error(401);
    assert_eq!(failures(&world, &owner, "machine revoked").await, 2);
    assert_eq!(failures(&world, &owner, "agent revoked").await, 1);
    world.wait_seconds(60);
    machine.read(&secret).await.error(401);
    machine.read(&secret).await.error(401);
    assert_eq!(failures(&world, &owner, "machine revoked").await, 3);
    let named = world.audit(&owner).await.into_iter().find(|record| record.detail == "machine revoked").unwrap();
    assert_eq!(named.machine_id.unwrap().to_string(), machine.id);

    // Its own key is needed for that: a stranger with its id is a stranger.
    let forged = || machine.request("GET", "/v1/secrets", b"").replace("x-timestamp", "1").from("192.0.2.77");
    for _ in 0..10 {
        world.send(forged()).await.error(401);
    }
    world.send(forged()).await.error(429);
    // After 90 days it is one too.
    world.wait_seconds(90 * 86_400);
    machine.read(&secret).await.error(401);
    assert_eq!(failures(&world, &owner, "machine revoked").await, 3);
}

/// A proxy that delivers everything twice: the second is a replay, and that is all.
#[tokio::test]
async fn requests_that_are_delivered_twice_lock_nobody_out() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (_, secret, machine) = owner.readable("value").await;
    for _ in 0..MANY / 2 {
        let request = machine.request("GET", &format!("/v1/secret/{secret}"), b"");
        world.send(request.clone()).await.expect(200);
        world.send(request).await.error(401);
    }
    assert_eq!(failures(&world, &owner, "nonce used before").await, 1);
    world.wait_seconds(60);
    machine.read(&secret).await.expect(200);
}

/// Each of these is a machine that is out of date in one way, and asks again and again.
#[tokio::test]
async fn what_is_signed_well_is_never_counted() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (_, secret, machine) = owner.readable("value").await;
    let pending = owner.pending_machine().await;
    let path = format!("/v1/secret/{secret}");
    for _ in 0..30 {
        world.send(machine.request_at(-301, "GET", &path, b"")).await.error(401);
        world.send(pending.request("GET", &path, b"").from(&machine.from)).await.error(403);
    }
    assert_eq!(failures(&world, &owner, "timestamp more than 300 s off").await, 1);
    // A stale request takes no nonce.
    let stale = machine.request_at(-301, "GET", &path, b"");
    world.send(stale.clone()).await.error(401);
    world.send(stale).await.error(401);
    assert_eq!(failures(&world, &owner, "nonce used before").await, 0);
    machine.read(&secret).await.expect(200);

    let body = json!({ "name": "ci", "projectIds": null, "secretIds": null, "tokenLifetimeSeconds": 3_600,
        "machineLifetimeSeconds": 60, "maxUses": 5 });
    let made = owner.post("/v1/manage/enrollment-tokens", &body).await.expect(200);
    let key = KeyPair::make();
    let enrolled = json!({ "token": made.field("token"), "publicKey": key.public().to_base64(), "hostname": "h" });
    let enroll = Request::new("POST", &format!("/v1/{}/enroll/register", owner.vault)).json(&enrolled);
    let id = world.send(enroll).await.expect(200).field("machineId");
    let expired = e2e::Machine { world: &world, id, key, from: machine.from.clone() };
    world.wait_seconds(60);
    for _ in 0..30 {
        expired.get("/v1/secrets").await.error(401);
    }
    assert_eq!(failures(&world, &owner, "machine expired").await, 1);
    machine.read(&secret).await.expect(200);

    owner.post("/v1/manage/ipallowlist/enable", &json!({})).await.expect(200);
    for _ in 0..30 {
        // Neither looked at nor counted: it burns no nonce.
        let request = machine.request("GET", &path, b"");
        world.send(request.clone()).await.error(403);
        world.send(request).await.error(403);
    }
    let told = "address not in the allowlist, signature not checked";
    assert_eq!(failures(&world, &owner, told).await, 1);
    world.send(machine.request("GET", &path, b"").from("198.51.100.1")).await.error(403);
    world.send(machine.request("GET", &path, b"").from("2001:db8::1")).await.error(403);
    world.send(machine.request("GET", &path, b"").from("2001:db8::2")).await.error(403);
    assert_eq!(failures(&world, &owner, told).await, 3);
    owner.post("/v1/manage/ipallowlist/disable", &json!({})).await.expect(200);
    machine.read(&secret).await.expect(200);
}

#[tokio::test]
async fn counters_are_apart_by_what_is_guessed() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (_, secret, machine) = owner.readable("value").await;
    let from = "203.0.113.7";
    let signature =
        || machine.request("GET", &format!("/v1/secret/{secret}"), b"").replace("x-timestamp", "1").from(from);
    let token = || fetch("x").from(from);
    let password = |n| {
        let body = json!({ "email": format!("p{n}@example.org"), "password": WRONG });
        post("/v1/account/sign-in", &body).from(from)
    };
    for n in 0..10 {
        world.send(signature()).await.error(401);
        world.send(token()).await.error(401);
        world.send(password(n)).await.error(401);
    }
    for locked in [signature(), token(), password(99)] {
        world.send(locked).await.error(429);
    }
    // Links and tokens are one kind.
    let link = json!({ "token": "ab".repeat(32), "newPassword": NEW });
    world.send(post("/v1/account/recovery/confirm", &link).from(from)).await.error(429);
    world.wait_seconds(901);
    for _ in 0..10 {
        world.send(token()).await.error(401);
    }
    world.send(token()).await.error(429);
    world.send(signature()).await.error(401);
    world.send(password(1)).await.error(401);
}

#[tokio::test]
async fn old_failures_do_not_count() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (_, _, machine) = owner.readable("value").await;
    for _ in 0..60 {
        world.send(machine.request("GET", "/v1/secrets", b"").replace("x-timestamp", "1")).await.error(401);
        // Nine in any five minutes.
        world.wait_seconds(34);
    }
}

#[tokio::test]
async fn ipv6_addresses_are_locked_out_by_their_64() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (_, secret, machine) = owner.readable("value").await;
    let path = format!("/v1/secret/{secret}");
    let forged = |from: &str| machine.request("GET", &path, b"").replace("x-timestamp", "1").from(from);
    for n in 0..10 {
        world.send(forged(&format!("2001:db8:0:1::{n}"))).await.error(401);
    }
    world.send(forged("2001:db8:0:1:ffff::1")).await.error(429);
    world.send(forged("2001:db8:0:2::1")).await.error(401);
}

/// Somebody's clock was wrong, or somebody wrote into the table: no end is believed that lies beyond the longest.
#[tokio::test]
async fn no_stored_end_is_believed_beyond_its_span() {
    let world = World::new().await;
    let owner = world.owner().await;
    let machine = owner.pending_machine().await;
    let store = &world.services.store;
    let far = Some(Time::from_ms(world.now().ms() + 10 * 365 * 86_400_000));
    for guessed in [Guessed::Signature, Guessed::Token, Guessed::Password] {
        let row = store::lockout::row(guessed, machine.from.parse().unwrap());
        store.change_if(row.upsert().set(store::lockout::LOCKED_UNTIL, &far)).await.unwrap();
    }
    let row = store::hold_back::row("owner@example.org");
    let known = store.get(&row).await.unwrap();
    let held = HoldBack { wrong: 50, until: far };
    assert!(store.note_tries("owner@example.org", known.as_ref(), &held, world.now()).await.unwrap());
    world.send(machine.request("GET", "/v1/secrets", b"").replace("x-timestamp", "1")).await.error(401);
    world.send(fetch("x").from(&machine.from)).await.error(401);
    let body = json!({ "email": "owner@example.org", "password": PASSWORD });
    world.send(post("/v1/account/sign-in", &body).from(&machine.from)).await.expect(200);
}

#[tokio::test]
async fn guesses_at_tokens_lock_an_address_out_of_guessing() {
    let world = World::new().await;
    let owner = world.owner().await;
    let token = owner.bootstrap_token().await;
    for guess in ["0".repeat(64), "x".into(), token.to_uppercase(), format!("{token}0")].iter().cycle().take(10) {
        world.send(fetch(guess)).await.error(401);
    }
    let locked = world.send(fetch("x")).await;
    locked.error(429);
    assert_eq!(locked.headers["retry-after"], "900");
    let guess = json!({ "token": "ske_guess", "publicKey": "", "hostname": "h" });
    let enroll = || Request::new("POST", &format!("/v1/{}/enroll/register", owner.vault)).json(&guess);
    world.send(enroll()).await.error(429);
    let agent = json!({ "token": "0".repeat(64), "publicKey": "" });
    let register = || Request::new("POST", "/v1/ai-bootstrap/register").json(&agent);
    world.send(register()).await.error(429);
    // Each of them counts by itself, too.
    for _ in 0..10 {
        world.send(enroll().from("192.0.2.66")).await.error(401);
        world.send(register().from("192.0.2.67")).await.error(401);
    }
    world.send(enroll().from("192.0.2.66")).await.error(429);
    world.send(register().from("192.0.2.67")).await.error(429);
    world.send(registration(&token, &KeyPair::make())).await.expect(200);
}

/// A token that was known is no guess, whatever has become of it.
#[tokio::test]
async fn tokens_that_are_found_are_not_counted() {
    let world = World::new().await;
    let owner = world.owner().await;
    let token = owner.bootstrap_token().await;
    let body = json!({ "name": "ci", "projectIds": null, "secretIds": null, "tokenLifetimeSeconds": 60,
        "machineLifetimeSeconds": 60, "maxUses": 5 });
    let enrollment = owner.post("/v1/manage/enrollment-tokens", &body).await.expect(200).field("token");
    world.wait_seconds(600);
    let enroll = json!({ "token": enrollment, "publicKey": KeyPair::make().public().to_base64(), "hostname": "h" });
    for _ in 0..30 {
        world.send(fetch(&token)).await.error(401);
        world
            .send(Request::new("POST", &format!("/v1/{}/enroll/register", owner.vault)).json(&enroll))
            .await
            .error(401);
    }
    world.send(fetch("x")).await.error(401);
}

#[tokio::test]
async fn guesses_at_passkeys_lock_out_guesses_alone() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (mut browser, _) = Browser::with_passkey(&owner, "laptop").await;
    let (ceremony, right) = browser.begin_sign_in(&world).await;
    let mut wrong = right.clone();
    wrong["response"]["signature"] = wrong["response"]["authenticatorData"].clone();
    let finish = async |credential| {
        let body = json!({ "ceremony": ceremony, "credential": credential });
        world.send(post("/v1/account/passkeys/sign-in/finish", &body)).await
    };
    for _ in 0..10 {
        finish(&wrong).await.error(401);
    }
    finish(&wrong).await.error(429);
    assert_eq!(world.count(&owner, Action::AuthFailure).await, 10);
    finish(&right).await.expect(200);
}

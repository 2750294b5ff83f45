//! The hold-back of an account: who guesses its password or its codes waits, and who has what cannot be guessed does not.

use std::collections::BTreeSet;

use e2e::{Browser, CodeApp, Options, Person, World};
use rules::audit::Action;
use serde_json::json;

use crate::credentials::{NEW, PASSWORD, post, sign_in};
use crate::lockout::WRONG;
use crate::races::{count, storm};

/// From as many addresses as one likes.
#[tokio::test]
async fn after_ten_wrong_passwords_an_account_waits_longer_and_longer() {
    let world = World::new().await;
    let owner = world.owner().await;
    let from = |n: usize| format!("198.51.{}.{}", n / 200, n % 200 + 1);
    let tries = std::cell::Cell::new(0);
    let attempt = async |email: &str, password: &str| {
        tries.set(tries.get() + 1);
        let body = json!({ "email": email, "password": password });
        world.send(post("/v1/account/sign-in", &body).from(&from(tries.get()))).await
    };
    for email in ["owner@example.org", "nobody@example.org"] {
        for _ in 0..10 {
            attempt(email, WRONG).await.error(401);
        }
        for wait in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900] {
            let held = attempt(&email.to_uppercase(), PASSWORD).await;
            held.error(429);
            assert_eq!(held.headers["retry-after"], wait.to_string().as_str(), "{email}");
            world.wait_seconds(wait - 1);
            attempt(email, PASSWORD).await.error(429);
            world.wait_seconds(1);
            attempt(email, WRONG).await.error(401);
        }
        assert_eq!(attempt(email, PASSWORD).await.headers["retry-after"], "900");
        world.wait_seconds(900);
    }
    // Ten, and eleven after waiting; those that came too early are neither looked at nor recorded.
    let again = owner.again().await;
    assert_eq!(world.count(&again, Action::AuthFailure).await, 21);
    // Signing in has cleared it.
    for _ in 0..10 {
        attempt("owner@example.org", WRONG).await.error(401);
    }
    attempt("owner@example.org", PASSWORD).await.error(429);
}

/// Who has something that cannot be guessed need not wait.
#[tokio::test]
async fn a_held_back_account_still_takes_passkeys_sessions_and_mailed_links() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (mut browser, _) = Browser::with_passkey(&owner, "laptop").await;
    for n in 0..10 {
        let body = json!({ "email": "owner@example.org", "password": WRONG });
        world.send(post("/v1/account/sign-in", &body).from(&format!("198.51.100.{n}"))).await.error(401);
    }
    sign_in(&world, "owner@example.org", PASSWORD, None).await.error(429);
    owner.get("/v1/account").await.expect(200);
    let (ceremony, credential) = browser.begin_sign_in(&world).await;
    let body = json!({ "ceremony": ceremony, "credential": credential });
    world.send(post("/v1/account/passkeys/sign-in/finish", &body)).await.expect(200);
    world.send(post("/v1/account/recovery", &json!({ "email": "owner@example.org" }))).await.expect(200);
    let reset = json!({ "token": world.mail.token(), "newPassword": NEW });
    world.send(post("/v1/account/recovery/confirm", &reset)).await.expect(200);
}

/// Who knows the password cannot guess codes by clearing the count with it.
#[tokio::test]
async fn a_right_password_alone_clears_nothing_where_a_code_is_asked_for() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (app, _) = CodeApp::enroll(&owner).await;
    world.wait_seconds(60);
    let tries = std::cell::Cell::new(0);
    let attempt = async |totp: Option<&str>| {
        tries.set(tries.get() + 1);
        let mut body = json!({ "email": "owner@example.org", "password": PASSWORD });
        if let Some(totp) = totp {
            body["totp"] = totp.into();
        }
        world.send(post("/v1/account/sign-in", &body).from(&format!("198.51.100.{}", tries.get()))).await
    };
    let right = app.code(world.now());
    let wrong = if right == "000000" { "000001" } else { "000000" };
    for _ in 0..10 {
        attempt(None).await.error(401);
        attempt(Some(wrong)).await.error(401);
    }
    attempt(None).await.error(429);
    attempt(Some(&right)).await.error(429);
    world.wait_seconds(1);
    attempt(Some(&app.code(world.now()))).await.expect(200);
    attempt(None).await.error(401);
}

/// Nor does a password that is asked for by itself within a session.
#[tokio::test]
async fn a_right_password_asked_for_again_clears_nothing_where_there_is_a_second_factor() {
    let world = World::new().await;
    let owner = world.owner().await;
    CodeApp::enroll(&owner).await;
    let wrong = json!({ "password": PASSWORD, "totp": "AAAAA-AAAAA-AAAAA" });
    for n in 0..10 {
        owner.post("/v1/account/totp/disable", &wrong).await.error(401);
        let right = json!({ "password": PASSWORD });
        let (path, status) = [("totp/enroll", 409), ("passkeys/register", 403)][n % 2];
        let answer = owner.post(&format!("/v1/account/{path}"), &right).await;
        assert_eq!(answer.status.as_u16(), if n < 9 { status } else { 429 });
    }
    owner.post("/v1/account/totp/disable", &wrong).await.error(429);
}

/// A password that is asked for again counts for the account: a stolen session does not help to guess it, and does not lock
/// out who else is behind the address.
#[tokio::test]
async fn asking_again_counts_for_the_account_and_never_for_the_address() {
    let world = World::with(Options { open_sign_up: true, ..Options::default() }).await;
    let owner = world.owner().await;
    let other = Person::sign_up(&world, "other@example.org").await;
    let change = json!({ "currentPassword": WRONG, "newPassword": NEW });
    for _ in 0..10 {
        owner.post("/v1/account/password", &change).await.error(401);
    }
    owner.post("/v1/account/password", &change).await.error(429);
    let right = json!({ "password": PASSWORD });
    owner.post("/v1/account/totp/enroll", &right).await.error(429);
    sign_in(&world, "owner@example.org", PASSWORD, None).await.error(429);
    other.post("/v1/account/totp/enroll", &right).await.expect(200);
    sign_in(&world, "other@example.org", PASSWORD, None).await.expect(200);
    world.wait_seconds(1);
    owner.post("/v1/account/totp/enroll", &right).await.expect(200);
}

/// A burst of guesses that all arrive before the first one is judged gains nothing, from however many addresses and at
/// however many instances.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_burst_of_guesses_is_held_back_like_single_ones() {
    let world = World::new().await;
    world.store.interleave();
    let owner = world.owner().await;
    let (one, two) = (world.another_process(), world.another_process());
    let guess = |n: usize| {
        let body = json!({ "email": "owner@example.org", "password": WRONG });
        post("/v1/account/sign-in", &body).from(&format!("198.51.100.{n}"))
    };
    let statuses = storm(&[&world, &one, &two], (0..60).map(guess).collect()).await;
    assert_eq!(count(&statuses, 401), 10, "{statuses:?}");
    assert_eq!(count(&statuses, 429), 50);
    assert_eq!(world.count(&owner, Action::AuthFailure).await, 10);
    let addresses: BTreeSet<_> = world.audit(&owner).await.into_iter().map(|record| record.source_ip).collect();
    assert!(addresses.len() > 10);
}

/// The same from one address, at accounts that are not there.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_burst_from_one_address_is_locked_out_like_single_guesses() {
    let world = World::new().await;
    world.store.interleave();
    let guess = |n: usize| {
        let body = json!({ "email": format!("p{n}@example.org"), "password": WRONG });
        post("/v1/account/sign-in", &body)
    };
    let statuses = storm(&[&world], (0..60).map(guess).collect()).await;
    let judged = count(&statuses, 401);
    assert!((10..=12).contains(&judged), "{judged} guesses were judged");
    assert_eq!(count(&statuses, 429), 60 - judged);
}

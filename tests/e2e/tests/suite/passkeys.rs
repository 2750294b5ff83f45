//! Passkeys: added, used to sign in, and refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use e2e::{Answer, Browser, CodeApp, Options, Person, World};
use rules::audit::Action;
use serde_json::{Value, json};

use crate::credentials::{NEW, PASSWORD, URL, cookie, post, sign_in};

/// Begins a sign-in and gives the ceremony's token and the options.
async fn begin(world: &World) -> (Value, Value) {
    let begun = world.send(post("/v1/account/passkeys/sign-in", &json!({}))).await.expect(200).json();
    (begun["ceremony"].clone(), begun["publicKey"].clone())
}

async fn finish(world: &World, ceremony: &Value, credential: &Value) -> Answer {
    let body = json!({ "ceremony": ceremony, "credential": credential });
    world.send(post("/v1/account/passkeys/sign-in/finish", &body)).await
}

#[tokio::test]
async fn a_passkey_signs_in_without_password_and_code() {
    let world = World::new().await;
    let owner = world.owner().await;
    owner.post("/v1/account/passkeys/register", &json!({ "password": NEW })).await.error(401);
    let (mut browser, id) = Browser::with_passkey(&owner, "laptop").await;
    // Once there is one, it takes the place of a code too.
    CodeApp::enroll(&owner).await;

    let (ceremony, options) = begin(&world).await;
    assert_eq!((&options["rpId"], &options["userVerification"]), (&json!("localhost"), &json!("required")));
    let credential = browser.get(&options).await.expect("an assertion");
    let signed_in = finish(&world, &ceremony, &credential).await.expect(200);
    assert_eq!((signed_in.field("userId"), signed_in.field("vaultId")), (owner.id.clone(), owner.vault.clone()));
    let (id_of, vault, email) = (owner.id.clone(), owner.vault.clone(), owner.email.clone());
    let fresh = Person { world: &world, cookie: cookie(&signed_in), id: id_of, vault, email };
    fresh.get("/v1/account").await.expect(200);
    finish(&world, &ceremony, &credential).await.error(410);

    let listed = fresh.get("/v1/account/passkeys").await.expect(200).json();
    assert_eq!((&listed["passkeys"][0]["id"], &listed["passkeys"][0]["name"]), (&json!(id), &json!("laptop")));
    assert!(listed["passkeys"][0]["lastUsedAt"].is_number() || listed["passkeys"][0]["lastUsedAt"].is_string());
    fresh.post(&format!("/v1/account/passkeys/{id}/rename"), &json!({ "name": "old laptop" })).await.expect(200);
    fresh.post(&format!("/v1/account/passkeys/{id}/rename"), &json!({ "name": "" })).await.error(422);
    assert_eq!(fresh.get("/v1/account/passkeys").await.json()["passkeys"][0]["name"], "old laptop");

    // A second time, with the counter a step further; then not any more.
    let (ceremony, options) = begin(&world).await;
    let again = browser.get(&options).await.unwrap();
    finish(&world, &ceremony, &again).await.expect(200);
    fresh.post(&format!("/v1/account/passkeys/{id}/remove"), &json!({})).await.expect(200);
    fresh.post(&format!("/v1/account/passkeys/{id}/remove"), &json!({})).await.error(404);
    let (ceremony, options) = begin(&world).await;
    let gone = browser.get(&options).await.unwrap();
    finish(&world, &ceremony, &gone).await.error(401);
    for (action, times) in [(Action::PasskeyAdd, 1), (Action::PasskeyRename, 1), (Action::PasskeyRemove, 1)] {
        assert_eq!(world.count(&owner, action).await, times, "{action:?}");
    }
}

/// Everything about an assertion that can be wrong.
#[tokio::test]
async fn a_wrong_assertion_signs_nobody_in() {
    let world = World::with(Options { open_sign_up: true, lockout_failures: Some(100), ..Options::default() }).await;
    let owner = world.owner().await;
    let stranger = Person::sign_up(&world, "stranger@example.org").await;
    let (mut browser, _) = Browser::with_passkey(&owner, "laptop").await;
    let (mut strangers, _) = Browser::with_passkey(&stranger, "phone").await;

    // For another challenge.
    let (_, other) = begin(&world).await;
    let (ceremony, options) = begin(&world).await;
    let of_other = browser.get(&other).await.unwrap();
    finish(&world, &ceremony, &of_other).await.error(401);
    // Somebody else's, in the owner's name.
    let mut claimed = strangers.get(&options).await.unwrap();
    let right = browser.get(&options).await.unwrap();
    claimed["response"]["userHandle"] = right["response"]["userHandle"].clone();
    finish(&world, &ceremony, &claimed).await.error(401);
    claimed["id"] = right["id"].clone();
    claimed["rawId"] = right["rawId"].clone();
    finish(&world, &ceremony, &claimed).await.error(401);
    // With a byte of the signature, or of what was signed, changed.
    for part in ["signature", "authenticatorData"] {
        let mut changed = right.clone();
        let mut bytes = URL_SAFE_NO_PAD.decode(changed["response"][part].as_str().unwrap()).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        changed["response"][part] = URL_SAFE_NO_PAD.encode(bytes).into();
        finish(&world, &ceremony, &changed).await.error(401);
    }
    // Of nobody, and not one at all.
    let mut nobody = right.clone();
    nobody["response"]["userHandle"] = URL_SAFE_NO_PAD.encode([7; 16]).into();
    finish(&world, &ceremony, &nobody).await.error(401);
    nobody["response"]["userHandle"] = Value::Null;
    finish(&world, &ceremony, &nobody).await.error(401);
    assert_eq!(finish(&world, &ceremony, &json!({})).await.error(422), "The body lacks the field id");
    // After its time.
    world.wait_seconds(300);
    finish(&world, &ceremony, &right).await.error(410);
    finish(&world, &json!("ab".repeat(32)), &right).await.error(410);
    // An authenticator whose counter went back was copied.
    let (ceremony, options) = begin(&world).await;
    let older = browser.get(&options).await.unwrap();
    let newer = browser.get(&options).await.unwrap();
    finish(&world, &ceremony, &newer).await.expect(200);
    let (again, _) = begin(&world).await;
    finish(&world, &again, &older).await.error(401);
    // What a browser would not do for a page of somebody else is of no use to it either.
    let (ceremony, options) = begin(&world).await;
    let mut phished = browser.moved_to("https://keys.evil.example");
    let credential = phished.get(&options).await.unwrap();
    finish(&world, &ceremony, &credential).await.error(401);
    assert!(world.count(&owner, Action::AuthFailure).await >= 5);
}

/// A ceremony is its person's, and a passkey is bound to who began it.
#[tokio::test]
async fn a_passkey_is_added_by_who_began() {
    let world = World::with(Options { open_sign_up: true, ..Options::default() }).await;
    let owner = world.owner().await;
    let stranger = Person::sign_up(&world, "stranger@example.org").await;
    let password = json!({ "password": PASSWORD });
    let begun = owner.post("/v1/account/passkeys/register", &password).await.expect(200).json();
    let mut browser = Browser::at(URL);
    let credential = browser.create(&begun["publicKey"]).await.unwrap();
    let done = json!({ "ceremony": begun["ceremony"], "name": "n", "credential": credential });
    let path = "/v1/account/passkeys/register/finish";
    stranger.post(path, &done).await.error(410);
    // A sign-in is no registration.
    let (ceremony, _) = begin(&world).await;
    owner.post(path, &json!({ "ceremony": ceremony, "name": "n", "credential": credential })).await.error(410);
    let other = owner.post("/v1/account/passkeys/register", &password).await.expect(200).json();
    let swapped = json!({ "ceremony": other["ceremony"], "name": "n", "credential": credential });
    assert!(owner.post(path, &swapped).await.error(422).starts_with("credential"));
    owner.post(path, &done).await.expect(200);
    owner.post(path, &done).await.error(410);
    // The authenticator is told what it has already.
    let again = owner.post("/v1/account/passkeys/register", &password).await.expect(200).json();
    assert_eq!(again["publicKey"]["excludeCredentials"][0]["id"], credential["id"]);
    assert!(browser.create(&again["publicKey"]).await.is_none());
}

/// A passkey signs in without a code, so with a second factor it takes a session that a code or a passkey just made.
#[tokio::test]
async fn with_a_second_factor_a_passkey_is_added_by_who_has_just_shown_it() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (app, _) = CodeApp::enroll(&owner).await;
    let password = json!({ "password": PASSWORD });
    let begin = async |person: &Person<'_>| person.post("/v1/account/passkeys/register", &password).await;
    // That a session is good and new, and its own enabling of the app, is not enough.
    assert_eq!(begin(&owner).await.code(403), "step_up_required");

    world.wait_seconds(60);
    let code = app.code(world.now());
    let signed_in = sign_in(&world, "owner@example.org", PASSWORD, Some(&code)).await.expect(200);
    let owner = Person { cookie: cookie(&signed_in), ..owner };
    let begun = begin(&owner).await.expect(200).json();
    let mut browser = Browser::at(URL);
    let credential = browser.create(&begun["publicKey"]).await.unwrap();
    let finish = json!({ "ceremony": begun["ceremony"], "name": "laptop", "credential": credential });
    owner.post("/v1/account/passkeys/register/finish", &finish).await.expect(200);
    // Neither is a session that is older, or one that a password made.
    world.wait_seconds(300);
    assert_eq!(begin(&owner).await.code(403), "step_up_required");
    let change = json!({ "currentPassword": PASSWORD, "newPassword": PASSWORD });
    let changed = owner.post("/v1/account/password", &change).await.expect(200);
    let owner = Person { cookie: cookie(&changed), ..owner };
    assert_eq!(begin(&owner).await.code(403), "step_up_required");
}

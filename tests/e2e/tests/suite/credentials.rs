//! What people show that they are themselves with: mailed links, authenticator apps, recovery codes, passkeys.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use e2e::{Answer, Browser, CodeApp, Options, Person, Request, World};
use rules::audit::Action;
use serde_json::{Value, json};

const PASSWORD: &str = "a long passw0rd!";
const NEW: &str = "another passw0rd!";
const URL: &str = "http://localhost:8080";

fn post(path: &str, body: &Value) -> Request {
    Request::new("POST", path).header("x-sikkerkey-request", "1").json(body)
}

fn cookie(answer: &Answer) -> String {
    answer.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned()
}

async fn sign_in(world: &World, email: &str, password: &str, totp: Option<&str>) -> Answer {
    let mut body = json!({ "email": email, "password": password });
    if let Some(totp) = totp {
        body["totp"] = totp.into();
    }
    world.send(post("/v1/account/sign-in", &body)).await
}

#[tokio::test]
async fn an_address_is_verified_by_the_link_that_was_mailed_to_it() {
    let world = World::new().await;
    let owner = world.owner().await;
    let verified = async || owner.get("/v1/account").await.expect(200).json()["emailVerified"].clone();
    assert_eq!(verified().await, false);
    let mail = world.mail.mails().remove(0);
    assert_eq!((mail.to.as_str(), mail.subject.contains("Verify")), ("owner@example.org", true));
    let token = world.mail.token();
    assert!(mail.text.contains(&format!("\n{URL}/verify-email#{token}\n")), "{}", mail.text);
    // The link is of one kind, and only whole.
    let path = "/v1/account/verification/confirm";
    let reset = json!({ "token": token, "newPassword": NEW });
    world.send(post("/v1/account/recovery/confirm", &reset)).await.error(410);
    world.send(post(path, &json!({ "token": &token[1..] }))).await.error(410);
    world.send(post(path, &json!({ "token": token }))).await.expect(200);
    assert_eq!(verified().await, true);
    world.send(post(path, &json!({ "token": token }))).await.error(410);
    assert_eq!(owner.post("/v1/account/verification", &json!({})).await.error(409), "This address is verified");
    assert_eq!(world.count(&owner, Action::EmailVerify).await, 1);
}

#[tokio::test]
async fn a_link_ends_and_only_a_few_are_sent() {
    let world = World::new().await;
    let owner = world.owner().await;
    let old = world.mail.token();
    world.wait_seconds(24 * 3_600);
    let owner = owner.again().await;
    world.send(post("/v1/account/verification/confirm", &json!({ "token": old }))).await.error(410);
    for sent in [2, 3, 4, 4] {
        owner.post("/v1/account/verification", &json!({})).await.expect(200);
        assert_eq!(world.mail.mails().len(), sent);
    }
    // One that could not be handed over does not count.
    world.wait_seconds(24 * 3_600);
    let owner = owner.again().await;
    world.mail.set_down(true);
    for _ in 0..5 {
        owner.post("/v1/account/verification", &json!({})).await.expect(200);
    }
    world.mail.set_down(false);
    owner.post("/v1/account/verification", &json!({})).await.expect(200);
    let token = world.mail.token();
    world.send(post("/v1/account/verification/confirm", &json!({ "token": token }))).await.expect(200);
}

/// Nothing in the answers tells whether there is an account.
#[tokio::test]
async fn a_lost_password_is_set_anew_by_a_link() {
    let world = World::new().await;
    let owner = world.owner().await;
    let other = owner.again().await;
    let ask = async |email: &str| world.send(post("/v1/account/recovery", &json!({ "email": email }))).await;
    let sent = world.mail.mails().len();
    let unknown = ask("nobody@example.org").await.expect(200);
    assert_eq!(world.mail.mails().len(), sent);
    let known = ask("Owner@Example.org").await.expect(200);
    assert_eq!((known.body, known.headers), (unknown.body, unknown.headers));
    assert_eq!(world.mail.mails().len(), sent + 1);
    ask("not an address").await.error(422);
    ask("owner@example.org").await.expect(200);
    let (first, second) = (world.mail.mails(), world.mail.token());
    let first = first[1].text.split_once("reset-password#").unwrap().1[..64].to_owned();

    let path = "/v1/account/recovery/confirm";
    let weak = json!({ "token": second, "newPassword": "weak" });
    assert!(world.send(post(path, &weak)).await.error(422).starts_with("newPassword must"));
    world.send(post(path, &json!({ "token": second, "newPassword": NEW }))).await.expect(200);
    for old in [&owner, &other] {
        old.get("/v1/account").await.error(401);
    }
    sign_in(&world, "owner@example.org", PASSWORD, None).await.error(401);
    let owner = Person { cookie: cookie(&sign_in(&world, "owner@example.org", NEW, None).await.expect(200)), ..owner };
    // The mailbox is theirs, then.
    assert_eq!(owner.get("/v1/account").await.json()["emailVerified"], true);
    // Neither the same link again nor one that was mailed before.
    for token in [&second, &first] {
        world.send(post(path, &json!({ "token": token, "newPassword": PASSWORD }))).await.error(410);
    }
    assert_eq!(world.count(&owner, Action::PasswordReset).await, 1);
    assert_eq!(world.count(&owner, Action::PasswordResetRequest).await, 2);

    world.wait_seconds(1);
    ask("owner@example.org").await.expect(200);
    let late = world.mail.token();
    world.wait_seconds(30 * 60);
    world.send(post(path, &json!({ "token": late, "newPassword": PASSWORD }))).await.error(410);
    // Guesses at links lock out like guesses at passwords.
    for _ in 0..10 {
        world.send(post(path, &json!({ "token": "ab".repeat(32), "newPassword": PASSWORD })).from("203.0.113.5")).await;
    }
    ask("owner@example.org").await.expect(200);
    world.send(post("/v1/account/recovery", &json!({ "email": "a@b.org" })).from("203.0.113.5")).await.error(429);
}

/// A sign-in that began with the old password does not outlive a new one.
#[tokio::test]
async fn no_session_is_made_with_a_password_that_was_replaced_meanwhile() {
    let world = World::new().await;
    let owner = world.owner().await;
    let stored = world.services.store.user_by_email("owner@example.org").await.unwrap().unwrap();
    // The store answers with the person as they were, as it would to who asked before.
    let change = json!({ "currentPassword": PASSWORD, "newPassword": NEW });
    owner.post("/v1/account/password", &change).await.expect(200);
    let current = world.services.store.user_by_email("owner@example.org").await.unwrap().unwrap();
    assert_ne!(stored.password_hash, current.password_hash);
    let mut write = world.services.store.transaction();
    let held = [store::person::PASSWORD_HASH.is(&stored.password_hash)];
    let as_it_was = write.require_if(&store::person::row(stored.id), held);
    assert!(matches!(write.commit().await, Err(store::CommitError::Refused(step)) if step == as_it_was));
}

#[tokio::test]
async fn a_second_factor_is_asked_for_and_each_code_is_taken_once() {
    let world = World::new().await;
    let owner = world.owner().await;
    let enrolling = "/v1/account/totp/enroll";
    owner.post(enrolling, &json!({ "password": NEW })).await.error(401);
    let begun = owner.post(enrolling, &json!({ "password": PASSWORD })).await.expect(200);
    let secret = begun.field("secret");
    assert!(begun.field("uri").starts_with(&format!("otpauth://totp/SikkerKey:owner@example.org?secret={secret}&")));
    // Nothing is asked for before a code was right.
    sign_in(&world, &owner.email, PASSWORD, None).await.expect(200);
    owner.post("/v1/account/totp/confirm", &json!({ "totp": "000000" })).await.error(401);
    let (app, codes) = CodeApp::enroll(&owner).await;
    assert_ne!(app.seed(), CodeApp::with(&secret).seed());
    assert_eq!(codes.len(), 10);
    assert_eq!(owner.post(enrolling, &json!({ "password": PASSWORD })).await.status, 409);
    let me = owner.get("/v1/account").await.json();
    assert_eq!((&me["totp"], &me["recoveryCodes"]), (&json!(true), &json!(10)));

    let asked = sign_in(&world, &owner.email, PASSWORD, None).await.error(401);
    assert!(asked.contains("has to be sent as totp"), "{asked}");
    assert_eq!(sign_in(&world, &owner.email, NEW, None).await.error(401), "Authentication failed");
    // The code that confirmed is used up.
    assert_eq!(
        sign_in(&world, &owner.email, PASSWORD, Some(&app.code(world.now()))).await.error(401),
        "Authentication failed"
    );
    world.wait_seconds(30);
    let code = app.code(world.now());
    sign_in(&world, &owner.email, PASSWORD, Some(&code)).await.expect(200);
    sign_in(&world, &owner.email, PASSWORD, Some(&code)).await.error(401);
    // The one before is older than the last that was taken.
    sign_in(&world, &owner.email, PASSWORD, Some(&app.code(world.now().minus_seconds(30)))).await.error(401);

    // A recovery code is good once, however it is typed.
    sign_in(&world, &owner.email, PASSWORD, Some(&codes[0].to_uppercase().replace('-', " "))).await.expect(200);
    sign_in(&world, &owner.email, PASSWORD, Some(&codes[0])).await.error(401);
    assert_eq!(owner.get("/v1/account").await.json()["recoveryCodes"], 9);
    assert_eq!(world.count(&owner, Action::TotpEnable).await, 1);
    let details: Vec<_> = world.audit(&owner).await.into_iter().map(|record| record.detail).collect();
    for detail in ["Sign-in with a wrong code", "Signed in with a code", "Signed in with a recovery code"] {
        assert!(details.iter().any(|known| known == detail), "{detail}: {details:?}");
    }
}

#[tokio::test]
async fn a_second_factor_is_replaced_and_disabled_by_who_has_it() {
    let world = World::with(Options { lockout_failures: Some(100), ..Options::default() }).await;
    let owner = world.owner().await;
    let both = |password: &str, totp: &str| json!({ "password": password, "totp": totp });
    let (renew, disable) = ("/v1/account/totp/recovery-codes", "/v1/account/totp/disable");
    owner.post(disable, &both(PASSWORD, "000000")).await.error(409);
    let (_, old) = CodeApp::enroll(&owner).await;
    owner.post(renew, &both(NEW, &old[0])).await.error(401);
    owner.post(renew, &both(PASSWORD, "aaaa-aaaa-aaaa-aaaa")).await.error(401);
    let renewed = owner.post(renew, &both(PASSWORD, &old[0])).await.expect(200).json();
    let new = renewed["recoveryCodes"][0].as_str().unwrap();
    sign_in(&world, &owner.email, PASSWORD, Some(&old[1])).await.error(401);
    sign_in(&world, &owner.email, PASSWORD, Some(new)).await.expect(200);

    // A reset by mail does not take the second factor away.
    world.send(post("/v1/account/recovery", &json!({ "email": owner.email }))).await.expect(200);
    let reset = json!({ "token": world.mail.token(), "newPassword": NEW });
    world.send(post("/v1/account/recovery/confirm", &reset)).await.expect(200);
    sign_in(&world, &owner.email, NEW, None).await.error(401);
    let code = renewed["recoveryCodes"][1].as_str().unwrap();
    let owner = Person { cookie: cookie(&sign_in(&world, &owner.email, NEW, Some(code)).await.expect(200)), ..owner };

    owner.post(disable, &both(NEW, "123456")).await.error(401);
    owner.post(disable, &both(NEW, renewed["recoveryCodes"][2].as_str().unwrap())).await.expect(200);
    sign_in(&world, &owner.email, NEW, None).await.expect(200);
    assert_eq!(owner.get("/v1/account").await.json()["recoveryCodes"], 0);
    for action in [Action::RecoveryCodesCreate, Action::TotpDisable] {
        assert_eq!(world.count(&owner, action).await, 1, "{action:?}");
    }
}

/// Six digits can be guessed from many addresses; recovery codes cannot.
#[tokio::test]
async fn after_many_wrong_codes_the_app_has_to_wait() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (app, codes) = CodeApp::enroll(&owner).await;
    world.wait_seconds(30);
    let from = async |number: u8, totp: &str| {
        let body = json!({ "email": owner.email, "password": PASSWORD, "totp": totp });
        let request = post("/v1/account/sign-in", &body).from(&format!("198.51.100.{number}"));
        world.send(request).await.status.as_u16()
    };
    let right = app.code(world.now());
    let wrong = if right == "000000" { "000001" } else { "000000" };
    for number in 0..10 {
        assert_eq!(from(number, wrong).await, 401);
    }
    assert_eq!(from(10, &right).await, 401, "it waits");
    world.wait_seconds(900);
    assert_eq!(from(11, &app.code(world.now())).await, 200);
    for number in 20..30 {
        assert_eq!(from(number, wrong).await, 401);
    }
    assert_eq!(from(31, &codes[0]).await, 200);
    world.wait_seconds(30);
    assert_eq!(from(32, &app.code(world.now())).await, 200, "a recovery code ends the waiting");
}

#[tokio::test]
async fn a_seed_opens_for_its_person_only_and_is_not_stored_in_clear() {
    let world = World::with(Options { open_sign_up: true, ..Options::default() }).await;
    let owner = world.owner().await;
    let (app, _) = CodeApp::enroll(&owner).await;
    let stranger = Person::sign_up(&world, "stranger@example.org").await;
    let store = &world.services.store;
    let key = |person: &Person<'_>| store::second_factor::row(person.id.parse().unwrap());
    let mut factor = store.get(&key(&owner)).await.unwrap().unwrap();
    let sealed = factor.seed.as_bytes();
    assert!(!sealed.windows(app.seed().len()).any(|window| window == app.seed()));
    // The whole row moved to somebody else is of no use.
    factor.user = stranger.id.parse().unwrap();
    let mut write = store.transaction();
    write.put(&factor);
    write.commit().await.unwrap();
    world.wait_seconds(30);
    sign_in(&world, &stranger.email, PASSWORD, Some(&app.code(world.now()))).await.error(500);
    sign_in(&world, &owner.email, PASSWORD, Some(&app.code(world.now()))).await.expect(200);
    // Without the key layer nobody's code can be judged, and nobody is let in for that.
    world.wait_seconds(600);
    world.keys.set_down(true);
    sign_in(&world, &owner.email, PASSWORD, Some(&app.code(world.now()))).await.error(503);
}

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

#[tokio::test]
async fn guesses_at_passkeys_lock_out() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (mut browser, _) = Browser::with_passkey(&owner, "laptop").await;
    let (ceremony, options) = begin(&world).await;
    let right = browser.get(&options).await.unwrap();
    let mut wrong = right.clone();
    wrong["response"]["signature"] = wrong["response"]["authenticatorData"].clone();
    for _ in 0..10 {
        finish(&world, &ceremony, &wrong).await.error(401);
    }
    finish(&world, &ceremony, &right).await.error(429);
    world.send(post("/v1/account/passkeys/sign-in", &json!({}))).await.error(429);
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
    let text = "Sign in again with a code, and add the passkey within five minutes";
    // That a session is good, and its own enabling of the app, is not enough.
    assert_eq!(begin(&owner).await.error(403), text);

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
    assert_eq!(begin(&owner).await.error(403), text);
    let change = json!({ "currentPassword": PASSWORD, "newPassword": PASSWORD });
    let changed = owner.post("/v1/account/password", &change).await.expect(200);
    let owner = Person { cookie: cookie(&changed), ..owner };
    assert_eq!(begin(&owner).await.error(403), text);
}

/// The pages that links lead to run their own script and nothing else, and change nothing by being opened.
#[tokio::test]
async fn pages_of_links_are_closed_to_everything_else() {
    let world = World::new().await;
    for path in ["/verify-email", "/reset-password"] {
        let page = world.send(Request::new("GET", path)).await.expect(200);
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        for part in ["default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'", "script-src 'sha256-"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert_eq!(page.headers["referrer-policy"], "no-referrer");
        let text = page.text();
        let script = text.split_once("<script>").unwrap().1.split_once("</script>").unwrap().0;
        let hash = base64::engine::general_purpose::STANDARD.encode(crypto::sha256(script.as_bytes()));
        assert!(policy.contains(&format!("script-src 'sha256-{hash}'")), "{policy}");
        assert_eq!(text.matches("<script").count(), 1);
    }
}

//! What people show that they are themselves with: mailed links, authenticator apps, recovery codes.

use base64::Engine as _;
use e2e::{Answer, CodeApp, Options, Person, Request, World};
use rules::audit::Action;
use serde_json::{Value, json};

use super::races::storm;

pub(crate) const PASSWORD: &str = "a long passw0rd!";
pub(crate) const NEW: &str = "another passw0rd!";
pub(crate) const URL: &str = "http://localhost:8080";

pub(crate) fn post(path: &str, body: &Value) -> Request {
    Request::new("POST", path).header("x-sikkerkey-request", "1").json(body)
}

pub(crate) fn cookie(answer: &Answer) -> String {
    answer.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned()
}

pub(crate) async fn sign_in(world: &World, email: &str, password: &str, totp: Option<&str>) -> Answer {
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

/// Many who ask at once get no more links than one who asks again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_burst_of_requests_sends_a_few_links() {
    let world = World::new().await;
    world.store.interleave();
    let owner = world.owner().await;
    let sent = world.mail.mails().len();
    let ask = || post("/v1/account/recovery", &json!({ "email": owner.email }));
    storm(&[&world, &world.another_process()], (0..32).map(|_| ask()).collect()).await;
    assert_eq!(world.mail.mails().len() - sent, 3);
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
    // Guesses at links lock out guesses at links; asking for a mail is none.
    let guess = || post(path, &json!({ "token": "ab".repeat(32), "newPassword": PASSWORD })).from("203.0.113.5");
    for _ in 0..10 {
        world.send(guess()).await.error(410);
    }
    world.send(guess()).await.error(429);
    world.send(post("/v1/account/recovery", &json!({ "email": "a@b.org" })).from("203.0.113.5")).await.expect(200);
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

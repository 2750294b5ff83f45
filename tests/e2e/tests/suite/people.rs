//! People: accounts, sessions, and the door of the management plane.

use e2e::{Answer, Options, Person, Request, World, keys};
use rules::audit::Action;
use serde_json::{Value, json};

const PASSWORD: &str = "a long passw0rd!";

fn post(path: &str, body: &Value) -> Request {
    Request::new("POST", path).header("x-sikkerkey-request", "1").json(body)
}

/// The cookie that an answer sets, as a header value.
fn cookie(answer: &Answer) -> String {
    answer.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned()
}

async fn sign_in(world: &World, email: &str, password: &str) -> Answer {
    world.send(post("/v1/account/sign-in", &json!({ "email": email, "password": password }))).await
}

#[tokio::test]
async fn the_first_account_owns_the_deployment_and_closes_it() {
    let world = World::new().await;
    let body = json!({ "email": "Ann@Example.org", "username": "ann", "password": PASSWORD });
    let answer = world.send(post("/v1/account/sign-up", &body)).await.expect(200);
    assert_eq!(keys(&answer.json()), ["userId", "vaultId"]);
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-sikkerkey="));
    for part in ["; Path=/", "; HttpOnly", "; Secure", "; SameSite=Strict", "; Max-Age=604800"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let body = json!({ "email": "bob@example.org", "username": "bob", "password": PASSWORD });
    world.send(post("/v1/account/sign-up", &body)).await.error(403);
    sign_in(&world, "ann@example.org", PASSWORD).await.expect(200);

    let open = World::with(Options { open_sign_up: true, ..Options::default() }).await;
    let first = Person::sign_up(&open, "ann@example.org").await;
    let second = Person::sign_up(&open, "bob@example.org").await;
    assert_ne!(first.vault, second.vault);
    let again = json!({ "email": "BOB@example.org", "username": "bob", "password": PASSWORD });
    open.send(post("/v1/account/sign-up", &again)).await.error(409);
}

/// On AWS the first account is for whoever has the code that the deployment printed.
#[tokio::test]
async fn the_first_account_shows_the_set_up_code() {
    let hash = hex::encode(crypto::sha256(b"ABCDEFGHJKLMNPQRSTUV"));
    let world = World::with(Options { set_up_code_hash: Some(hash), ..Options::default() }).await;
    let sign_up = async |email: &str, code: Option<&str>| {
        let mut body = json!({ "email": email, "username": "ann", "password": PASSWORD });
        if let Some(code) = code {
            body["setUpCode"] = code.into();
        }
        world.send(post("/v1/account/sign-up", &body)).await
    };
    // Without it, nothing is counted.
    for _ in 0..20 {
        assert_eq!(sign_up("ann@example.org", None).await.code(403), "set_up_code_required");
    }
    for wrong in ["", "ABCDE-FGHJK-LMNPQ-RSTUW", "ABCDEFGHJKLMNPQRSTU", "ABCDEFGHJKLMNPQRSTUVA"] {
        assert_eq!(sign_up("ann@example.org", Some(wrong)).await.code(403), "set_up_code_required");
    }
    sign_up("ann@example.org", Some("abcde fghjk-LMNPQ-rstuv")).await.expect(200);
    // There is an owner now: the code makes no second one.
    let late = sign_up("bob@example.org", Some("ABCDE-FGHJK-LMNPQ-RSTUV")).await;
    assert_eq!(late.code(403), "invitation_required");
}

/// Guessing the code locks the address out, and the right code is still taken.
#[tokio::test]
async fn guessing_the_set_up_code_is_locked_out() {
    let hash = hex::encode(crypto::sha256(b"ABCDEFGHJKLMNPQRSTUV"));
    let world = World::with(Options { set_up_code_hash: Some(hash), ..Options::default() }).await;
    let sign_up = async |code: &str| {
        let body = json!({ "email": "a@example.org", "username": "a", "password": PASSWORD, "setUpCode": code });
        world.send(post("/v1/account/sign-up", &body)).await
    };
    for _ in 0..10 {
        sign_up("WRONG").await.error(403);
    }
    sign_up("WRONG").await.error(429);
    sign_up("ABCDE-FGHJK-LMNPQ-RSTUV").await.expect(200);
}

#[tokio::test]
async fn sign_up_takes_only_good_input() {
    let world = World::new().await;
    for (email, username, password) in [
        ("nobody", "n", PASSWORD),
        ("n@example.org", "", PASSWORD),
        ("n@example.org", "n", "short1!"),
        ("n@example.org", "n", "no digits here!"),
        ("n@example.org", "n", "n0specialcharacter"),
    ] {
        let body = json!({ "email": email, "username": username, "password": password });
        let text = world.send(post("/v1/account/sign-up", &body)).await.error(422);
        assert!(!text.contains(password), "{text}");
    }
    world.owner().await;
}

#[tokio::test]
async fn an_unknown_address_and_a_wrong_password_look_the_same() {
    let world = World::new().await;
    let owner = world.owner().await;
    let wrong = sign_in(&world, "owner@example.org", "a wrong passw0rd!").await;
    let unknown = sign_in(&world, "stranger@example.org", PASSWORD).await;
    assert_eq!(wrong.error(401), unknown.error(401));
    assert_eq!(wrong.headers, unknown.headers);
    sign_in(&world, &"a".repeat(300), PASSWORD).await.error(401);
    assert_eq!(world.count(&owner, Action::AuthFailure).await, 1);

    for n in 0..7 {
        sign_in(&world, &format!("p{n}@example.org"), "a wrong passw0rd!").await.error(401);
    }
    // The right password does not help an address that is locked out.
    sign_in(&world, "owner@example.org", PASSWORD).await.error(429);
    world.wait_seconds(901);
    sign_in(&world, "owner@example.org", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_session_ends_when_idle_when_old_and_when_told_to() {
    let world = World::new().await;
    let owner = world.owner().await;
    owner.get("/v1/account").await.expect(200);
    // Used every eleven hours it lasts seven days.
    for _ in 0..15 {
        world.wait_seconds(11 * 3_600);
        owner.get("/v1/account").await.expect(200);
    }
    world.wait_seconds(3 * 3_600);
    owner.get("/v1/account").await.error(401);

    let fresh = Person { cookie: cookie(&sign_in(&world, "owner@example.org", PASSWORD).await.expect(200)), ..owner };
    world.wait_seconds(12 * 3_600);
    fresh.get("/v1/account").await.error(401);

    let one = Person { cookie: cookie(&sign_in(&world, "owner@example.org", PASSWORD).await), ..fresh };
    let other = cookie(&sign_in(&world, "owner@example.org", PASSWORD).await);
    let sessions = one.get("/v1/account/sessions").await.expect(200).json();
    let sessions = sessions["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    let of_other = sessions.iter().find(|session| session["current"] == false).unwrap();
    let path = format!("/v1/account/sessions/{}/revoke", of_other["id"].as_str().unwrap());
    one.post(&path, &json!({})).await.expect(200);
    one.post(&path, &json!({})).await.error(404);
    world.send(Request::new("GET", "/v1/account").header("cookie", &other)).await.error(401);

    let out = one.post("/v1/account/sign-out", &json!({})).await.expect(200);
    assert!(out.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    one.get("/v1/account").await.error(401);
    assert_eq!(world.count(&one, Action::SessionRevoke).await, 1);
    assert_eq!(world.count(&one, Action::SessionEnd).await, 1);
}

#[tokio::test]
async fn another_site_cannot_act_for_a_person() {
    let world = World::new().await;
    let owner = world.owner().await;
    let good = owner.request("/v1/manage/projects", Some(&json!({ "name": "p" })));
    world.send(good.clone().without("x-sikkerkey-request")).await.error(403);
    world.send(good.clone().replace("x-sikkerkey-request", "yes")).await.error(403);
    world.send(good.clone().header("origin", "https://evil.example")).await.error(403);
    world.send(good.clone().header("origin", "null")).await.error(403);
    world.send(good.clone().header("origin", "http://localhost:8080")).await.expect(200);
    world.send(good.without("cookie")).await.error(401);
    let body = json!({ "email": "owner@example.org", "password": PASSWORD });
    world.send(Request::new("POST", "/v1/account/sign-in").json(&body)).await.error(403);
    assert_eq!(owner.get("/v1/manage/projects").await.json()["projects"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_person_acts_in_their_own_vault() {
    let world = World::new().await;
    let owner = world.owner().await;
    let request = owner.request("/v1/manage/projects", None);
    world.send(request.clone().header("x-vault-id", &owner.vault)).await.expect(200);
    world.send(request.clone().header("x-vault-id", "vault_0000000000")).await.error(404);
    world.send(request.header("x-vault-id", "nonsense")).await.error(404);
    let me = owner.get("/v1/account").await.expect(200).json();
    assert_eq!((me["userId"].as_str(), me["email"].as_str()), (Some(owner.id.as_str()), Some("owner@example.org")));
    assert!(me.get("passwordHash").is_none());
}

/// A new password needs the one there is, and ends every other session.
#[tokio::test]
async fn a_password_is_changed_by_who_knows_it() {
    let world = World::new().await;
    let owner = world.owner().await;
    let other = owner.again().await;
    let change = |current: &str, new: &str| json!({ "currentPassword": current, "newPassword": new });
    let path = "/v1/account/password";
    assert_eq!(
        owner.post(path, &change("a wrong passw0rd!", "another passw0rd!")).await.error(401),
        "Authentication failed"
    );
    assert!(owner.post(path, &change("a long passw0rd!", "short1!")).await.error(422).starts_with("newPassword must"));
    other.get("/v1/account").await.expect(200);
    let changed = owner.post(path, &change("a long passw0rd!", "another passw0rd!")).await.expect(200);
    owner.get("/v1/account").await.error(401);
    other.get("/v1/account").await.error(401);
    let owner = Person { cookie: cookie(&changed), ..owner };
    assert_eq!(changed.json(), json!({ "success": true }));
    let sessions = owner.get("/v1/account/sessions").await.expect(200).json();
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1, "{sessions}");
    let sign_in = async |password: &str| {
        let body = json!({ "email": owner.email, "password": password });
        let request = Request::new("POST", "/v1/account/sign-in").header("x-sikkerkey-request", "1").json(&body);
        world.send(request).await.status.as_u16()
    };
    assert_eq!(sign_in("a long passw0rd!").await, 401);
    assert_eq!(sign_in("another passw0rd!").await, 200);
    assert_eq!(world.count(&owner, Action::PasswordChange).await, 1);
    // Guesses with a session in hand count for the account.
    for _ in 0..10 {
        owner.post(path, &change("a wrong passw0rd!", "another passw0rd!")).await.error(401);
    }
    owner.post(path, &change("another passw0rd!", "a third passw0rd!")).await.error(429);
}

//! Bad input to signed routes: each has a clear error of the right status.

use e2e::{Machine, Options, Request, World};
use serde_json::json;

async fn world() -> World {
    World::with(Options { lockout_failures: Some(40), ..Options::default() }).await
}

fn value_of<'a>(request: &'a Request, name: &str) -> &'a str {
    &request.headers.iter().find(|(known, _)| known == name).unwrap().1
}

const HEADERS: [&str; 4] = ["x-machine-id", "x-timestamp", "x-nonce", "x-signature"];

#[tokio::test]
async fn every_header_missing_doubled_malformed_or_oversized_is_401() {
    let world = world().await;
    let owner = world.owner().await;
    let (_, secret, machine) = owner.readable("value").await;
    let path = format!("/v1/secret/{secret}");
    let good = machine.request("GET", &path, b"");
    for name in HEADERS {
        let value = value_of(&good, name).to_owned();
        let huge = "A".repeat(10_000);
        for (what, request) in [
            ("missing", good.clone().without(name)),
            ("doubled", good.clone().header(name, &value)),
            ("doubled and different", good.clone().header(name, "x")),
            ("empty", good.clone().replace(name, "")),
            ("malformed", good.clone().replace(name, "\u{e4}")),
            ("followed by another", good.clone().replace(name, &format!("{value}, {value}"))),
            ("oversized", good.clone().replace(name, &huge)),
        ] {
            world.store.forget();
            let answer = world.send(request).await;
            assert_eq!(answer.error(401), "Authentication failed", "{name} {what}");
            if !["followed by another"].contains(&what) {
                assert_eq!(world.store.operations(), [""; 0], "{name} {what}: nothing is asked of the store");
            }
        }
    }
    world.send(good).await.expect(200);
}

#[tokio::test]
async fn a_query_string_is_400_and_a_large_body_413() {
    let world = world().await;
    let owner = world.owner().await;
    let (_, secret, machine) = owner.readable("value").await;
    let path = format!("/v1/secret/{secret}");
    for query in ["?", "?a=b", "?a"] {
        let request = machine.request("GET", &path, b"");
        world.send(Request { target: format!("{path}{query}"), ..request }).await.error(400);
        let target = format!("{path}{query}");
        world.send(machine.request("GET", &target, b"")).await.error(400);
    }
    let limit = 64 * 1_024;
    let fits = format!("{{\"watch\":[]}}{}", " ".repeat(limit - 12));
    assert_eq!(fits.len(), limit);
    world.send(machine.request("POST", "/v1/secrets/poll", fits.as_bytes())).await.expect(200);
    let large = format!("{fits} ");
    world.send(machine.request("POST", "/v1/secrets/poll", large.as_bytes())).await.error(413);
    let huge = json!({ "name": "n".repeat(1_024 * 1_024) });
    owner.post("/v1/manage/projects", &huge).await.error(413);
}

#[tokio::test]
async fn paths_are_taken_literally() {
    let world = world().await;
    let owner = world.owner().await;
    let (_, secret, machine) = owner.readable("value").await;
    let encoded = secret.replace('_', "%5F");
    for path in [
        format!("//v1/secret/{secret}"),
        format!("/v1//secret/{secret}"),
        format!("/v1/secret/{secret}/"),
        format!("/v1/secret/../secret/{secret}"),
        format!("/v1/./secret/{secret}"),
        format!("/v1/secret/{encoded}"),
        format!("/v1/secret/{secret}%00"),
        format!("/v1/secret/{secret}%2F"),
        format!("/v1/secret/..%2Fsecret%2F{secret}"),
        "/v1/secret/".to_owned(),
        format!("/V1/secret/{secret}"),
        format!("/v1/secret/{}", secret.to_uppercase()),
        format!("/v1/secret/{}", "a".repeat(5_000)),
        "/v1/secret/%ff%fe".to_owned(),
    ] {
        let text = machine.get(&path).await.error(404);
        assert!(text.ends_with("not found"), "{path}: {text}");
    }
    // Other methods are no routes, and use up neither a nonce nor a value.
    for method in ["HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "POST"] {
        let answer = world.send(machine.request(method, &format!("/v1/secret/{secret}"), b"")).await;
        assert_eq!(answer.status.as_u16(), 404, "{method}");
    }
    machine.read(&secret).await.expect(200);
}

async fn post(machine: &Machine<'_>, path: &str, body: &[u8], content_type: Option<&str>) -> e2e::Answer {
    let mut request = machine.request("POST", path, body).without("content-type");
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    machine.world.send(request).await
}

#[tokio::test]
async fn bodies_are_parsed_strictly() {
    let world = world().await;
    let owner = world.owner().await;
    let (project, _, machine) = owner.readable("value").await;
    let good = format!("{{\"projectId\":\"{project}\"}}");
    let path = "/v1/secrets/list";
    for content_type in ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON"] {
        post(&machine, path, good.as_bytes(), Some(content_type)).await.expect(200);
    }
    for content_type in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("")] {
        post(&machine, path, good.as_bytes(), content_type).await.error(415);
    }
    let deep = format!("{{\"projectId\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    for (body, status) in [
        (&b"{"[..], 400),
        (b"not json", 400),
        (b"\xff\xfe", 400),
        (b"{\"projectId\":\"\xc3\x28\"}", 400),
        (format!("{good}{good}").as_bytes(), 400),
        (format!("{{\"projectId\":\"{project}\",\"projectId\":\"{project}\"}}").as_bytes(), 400),
        (b"{\"projectId\":null}", 400),
        (b"", 422),
        (b"{}", 422),
        (b"[]", 422),
        (b"null", 400),
        (b"{\"projectId\":7}", 422),
        (format!("{{\"projectId\":\"{project}\",\"more\":1}}").as_bytes(), 422),
        (deep.as_bytes(), 422),
    ] {
        let answer = post(&machine, path, body, Some("application/json")).await;
        answer.error(status);
    }
}

#[tokio::test]
async fn ipv6_addresses_are_locked_out_by_their_64() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (_, secret, machine) = owner.readable("value").await;
    let path = format!("/v1/secret/{secret}");
    for n in 0..10 {
        let forged = machine.request("GET", &path, b"").replace("x-timestamp", "1");
        world.send(forged.from(&format!("2001:db8:0:1::{n}"))).await.error(401);
    }
    world.send(machine.request("GET", &path, b"").from("2001:db8:0:1:ffff::1")).await.error(429);
    world.send(machine.request("GET", &path, b"").from("2001:db8:0:2::1")).await.expect(200);
}

#[tokio::test]
async fn what_no_route_matches_is_a_plain_404() {
    let world = world().await;
    for (method, path) in
        [("GET", "/v1"), ("GET", "/v2/secrets"), ("POST", "/"), ("GET", "/v1/manage"), ("DELETE", "/v1/account")]
    {
        assert_eq!(world.send(Request::new(method, path)).await.error(404), "Route not found");
    }
    world.send(Request::new("GET", "/")).await.expect(200);
}

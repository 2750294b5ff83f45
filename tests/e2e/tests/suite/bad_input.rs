//! Bad input: each has a clear error of the right status, and costs nothing.

use e2e::cases::{self, Things};
use e2e::{Machine, Options, Person, Request, World};
use serde_json::{Value, json};

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
async fn what_no_route_matches_is_a_plain_404() {
    let world = world().await;
    for (method, path) in
        [("GET", "/v1"), ("GET", "/v2/secrets"), ("POST", "/"), ("GET", "/v1/manage"), ("DELETE", "/v1/account")]
    {
        assert_eq!(world.send(Request::new(method, path)).await.error(404), "Route not found");
    }
    world.send(Request::new("GET", "/")).await.expect(200);
}

/// A body with one thing wrong in it, and what it is answered.
fn mistakes(body: &Value, schema: &Value) -> Vec<(String, Vec<u8>, &'static [u16])> {
    let text = body.to_string();
    let mut cut = text.clone().into_bytes();
    cut.pop();
    let mut all: Vec<(String, Vec<u8>, &'static [u16])> = vec![
        ("cut off".into(), cut, &[400]),
        ("not UTF-8".into(), b"\xff\xfe".to_vec(), &[400]),
        ("a list".into(), b"[]".to_vec(), &[422]),
        ("a text".into(), b"\"hunter2\"".to_vec(), &[422]),
        ("followed by another".into(), format!("{text}{text}").into_bytes(), &[400]),
        ("too large".into(), format!("{text}{}", " ".repeat(1_024 * 1_024)).into_bytes(), &[413]),
    ];
    let fields = body.as_object().unwrap();
    let with = |name: &str, value: Value| {
        let mut changed = fields.clone();
        changed.insert(name.to_owned(), value);
        Value::Object(changed).to_string().into_bytes()
    };
    if schema["additionalProperties"] == false {
        all.push(("with an unknown field".into(), with("colour", json!("red")), &[422]));
    }
    for (name, value) in fields {
        let doubled = format!("{{\"{name}\":{value},{}", &text[1..]);
        all.push((format!("with {name} twice"), doubled.into_bytes(), &[400]));
        // An object where there is none, and a number where there is one.
        let wrong = if value.is_object() { json!(7) } else { json!({ "a": { "b": [] } }) };
        all.push((format!("with {name} of another type"), with(name, wrong), &[422]));
        if schema["required"].as_array().is_some_and(|required| required.contains(&json!(name))) {
            let mut less = fields.clone();
            less.remove(name);
            all.push((format!("without {name}"), Value::Object(less).to_string().into_bytes(), &[422]));
            all.push((format!("with {name} null"), with(name, Value::Null), &[400, 422]));
        }
    }
    all
}

/// Each mistake in each body is answered with its status, changes nothing, and costs nothing: afterwards the good call, with
/// the same one-time token, does what it is for.
#[tokio::test]
async fn no_mistake_in_any_body_costs_anything() {
    let world = World::with(Options { open_sign_up: true, lockout_failures: Some(1_000), ..Options::default() }).await;
    let owner = world.owner().await;
    let document = e2e::document(&world.functions());
    let mut tried = 0;
    for route in world.routes().iter().filter(|route| route.method == "POST" && !route.path.starts_with("/v1/ai/")) {
        let operation = &document["paths"][&route.path]["post"];
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let schema = schema["$ref"].as_str().map_or(schema, |name| document.pointer(&name[1..]).unwrap());
        if schema.is_null() {
            continue;
        }
        let case = cases::of(route);
        let own = if case.is_alone() { Some(Person::somebody(&world).await) } else { None };
        let owner = own.as_ref().unwrap_or(&owner);
        let things = Things::of(&case, owner).await;
        let (path, body) = (case.path_of(route, &things), things.body(&case));
        let before = world.now();
        let send = async |body: &[u8], content_type: Option<&str>| {
            // A machine signs what it sends, wrong or not.
            let mut request = case.request_with(&path, body, owner, things.reader.as_ref()).without("content-type");
            if let Some(content_type) = content_type {
                request = request.header("content-type", content_type);
            }
            world.send(request).await
        };
        for content_type in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("")] {
            let answer = send(body.to_string().as_bytes(), content_type).await;
            // Without a body there is nothing to have a type.
            assert_eq!(answer.status, 415, "{path} as {content_type:?}: {}", answer.text());
        }
        for (what, bytes, statuses) in mistakes(&body, schema) {
            let answer = send(&bytes, Some("application/json")).await;
            assert!(statuses.contains(&answer.status.as_u16()), "{path} {what}: {} {}", answer.status, answer.text());
            assert!(!answer.text().contains("hunter2"), "{path} {what}: {}", answer.text());
            tried += 1;
        }
        let effects = async || {
            let newest = world.newest_records_of(owner.vault.parse().unwrap(), 100).await;
            newest.iter().filter(|record| record.timestamp > before && Some(record.action) == case.effect).count()
        };
        let of_another = case.effect == Some(rules::audit::Action::AccountCreate);
        assert_eq!(effects().await, 0, "{path}: a mistake took effect");
        send(body.to_string().as_bytes(), Some("application/json")).await.expect(200);
        assert_eq!(effects().await, usize::from(case.effect.is_some() && !of_another), "{path}: the good call");
    }
    assert!(tried > 550, "{tried}");
}

/// What stands in a path in the place of an id is an id of nothing, whatever it is.
#[tokio::test]
async fn no_id_of_another_shape_breaks_anything() {
    let world = World::with(Options { open_sign_up: true, lockout_failures: Some(1_000), ..Options::default() }).await;
    let owner = world.owner().await;
    for route in world.routes().iter().filter(|route| route.path.contains('{') && !route.path.starts_with("/v1/ai/")) {
        let case = cases::of(route);
        let things = Things::of(&case, &owner).await;
        let (path, body) = (case.path_of(route, &things), things.body(&case));
        for (place, part) in route.path.split('/').enumerate().filter(|(_, part)| part.starts_with('{')) {
            for text in ["x", "%00", "%2F", "..%2F..", "%ff%fe", "%F0%9F%94%91", "sk_0000000000%20", &"a".repeat(5_000)]
            {
                let parts = path.split('/').enumerate().map(|(n, there)| if n == place { text } else { there });
                let wrong = parts.collect::<Vec<_>>().join("/");
                let request = case.request(&wrong, &body, &owner, things.reader.as_ref());
                let answer = world.send(request).await;
                let known = [401, 404, 410].contains(&answer.status.as_u16());
                assert!(known, "{} with {part} {text}: {} {}", route.path, answer.status, answer.text());
            }
        }
    }
}

//! The OpenAPI document is made from the code, and is complete. That it is right every test shows: the world holds
//! each answer against it.

use std::collections::BTreeSet;
use std::io::Read as _;

use e2e::{World, cases, document};
use serde_json::{Value, json};

#[tokio::test]
async fn the_document_is_what_the_code_says() {
    let world = World::new().await;
    let made = format!("{:#}\n", document(&world.functions()));
    std::fs::write(e2e::left_by_tests("openapi.json"), &made).unwrap();
    let committed = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json"));
    assert!(made == committed, "docs/openapi.json is not what the code says: run `tests/template/run --write`");
}

#[tokio::test]
async fn the_document_has_every_route() {
    let world = World::new().await;
    let document = document(&world.functions());
    let mut documented: Vec<String> = vec![];
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            documented.push(format!("{} {path}", method.to_uppercase()));
        }
    }
    let routes = world.routes();
    let routes = routes.iter().filter(|route| route.function != "local");
    let mut there: Vec<String> = routes.map(|route| format!("{} {}", route.method, route.path)).collect();
    documented.sort_unstable();
    there.sort_unstable();
    assert_eq!(documented, there);
}

#[tokio::test]
async fn the_document_is_served() {
    let world = World::new().await;
    let answer = world.send(e2e::Request::new("GET", "/v1/openapi.json")).await.expect(200);
    assert_eq!(answer.json()["openapi"], Value::from("3.1.0"));
    let document = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json"));
    assert_eq!(answer.text(), document);

    // Compressed for who takes it so, and not again for who has it.
    let get = || e2e::Request::new("GET", "/v1/openapi.json");
    let compressed = world.send(get().header("accept-encoding", "br, gzip;q=0.8")).await.expect(200);
    assert_eq!(compressed.headers["content-encoding"], "gzip");
    assert!(compressed.body.len() * 8 < document.len(), "{}", compressed.body.len());
    let mut plain = String::new();
    flate2::read::GzDecoder::new(&*compressed.body).read_to_string(&mut plain).unwrap();
    assert_eq!(plain, document);
    let refusing = world.send(get().header("accept-encoding", "gzip;q=0, br")).await.expect(200);
    assert!(!refusing.headers.contains_key("content-encoding"));
    let etag = answer.headers["etag"].to_str().unwrap();
    for known in [etag, "\"other\", *", &format!("\"other\", {}", etag.trim_start_matches("W/"))] {
        let unchanged = world.send(get().header("if-none-match", known)).await.expect(304);
        assert_eq!((unchanged.body.len(), &unchanged.headers["etag"]), (0, &answer.headers["etag"]));
    }
    world.send(get().header("if-none-match", "\"other\"")).await.expect(200);
    assert_eq!(answer.headers["cache-control"], "public, max-age=300");
}

/// Every operation of the document, by its method and path.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, operations)| {
        operations.as_object().unwrap().iter().map(move |(method, operation)| (format!("{method} {path}"), operation))
    });
    all.collect()
}

#[tokio::test]
async fn every_operation_has_what_generators_of_clients_use() {
    let world = World::new().await;
    let document = document(&world.functions());
    let schemes = document["components"]["securitySchemes"].as_object().unwrap();
    let mut topics: BTreeSet<&str> = cases::TOPICS.iter().map(|topic| topic.name).collect();
    let mut ids = BTreeSet::new();
    for (name, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap();
        let is_camel = id.starts_with(|first: char| first.is_ascii_lowercase())
            && id.contains(|letter: char| letter.is_ascii_uppercase())
            && id.chars().all(|letter| letter.is_ascii_alphanumeric());
        assert!(is_camel, "{name} is called {id}, which is no verb of a noun in camel case");
        assert!(ids.insert(id), "two operations are called {id}");
        assert_eq!(id.ends_with("AsAgent"), name.contains(" /v1/ai/"), "{name} is called {id}");
        for text in ["summary", "description"] {
            assert!(operation[text].as_str().is_some_and(|text| !text.is_empty()), "{name} has no {text}");
        }
        let [topic] = operation["tags"].as_array().unwrap().as_slice() else { panic!("{name} has not one topic") };
        assert!(document["tags"].as_array().unwrap().iter().any(|tag| tag["name"] == *topic), "{name}: {topic}");
        topics.remove(topic.as_str().unwrap());
        for requirement in operation["security"].as_array().unwrap() {
            assert!(requirement.as_object().unwrap().keys().all(|scheme| schemes.contains_key(scheme)), "{name}");
        }
    }
    assert_eq!(topics, BTreeSet::new(), "no operation is about these");
}

#[tokio::test]
async fn every_body_every_answer_and_every_name_in_a_path_has_an_example() {
    let world = World::new().await;
    let document = document(&world.functions());
    let check = |part: &Value, what: &str| {
        let shared = part["examples"]["answer"]["$ref"].as_str();
        let shared = shared.and_then(|target| document.pointer(target.trim_start_matches('#'))?.get("value"));
        let example = part.get("example").or(shared).unwrap_or_else(|| panic!("{what} has no example"));
        let schema = json!({ "allOf": [part["schema"]], "components": document["components"] });
        let validator = jsonschema::validator_for(&schema).unwrap();
        let problems: Vec<String> = validator.iter_errors(example).map(|error| error.to_string()).collect();
        assert!(problems.is_empty(), "the example of {what} is not of its schema: {problems:?}");
    };
    for (name, operation) in operations(&document) {
        if let Some(body) = operation.get("requestBody") {
            check(&body["content"]["application/json"], &format!("the body of {name}"));
        }
        // The document itself is its own example.
        let answer = operation["responses"]["200"]["content"].get("application/json");
        if let Some(answer) = answer.filter(|_| !name.ends_with("/v1/openapi.json")) {
            check(answer, &format!("the answer of {name}"));
        }
        for parameter in operation.get("parameters").and_then(Value::as_array).into_iter().flatten() {
            if parameter["in"] == "path" {
                check(parameter, &format!("{} of {name}", parameter["name"]));
            }
        }
    }
}

/// Everything in the document that is an object of the language, with where it is.
fn schemas<'d>(at: &str, value: &'d Value, found: &mut Vec<(String, &'d Value)>) {
    match value {
        Value::Object(fields) => {
            found.push((at.to_owned(), value));
            fields.iter().for_each(|(name, part)| schemas(&format!("{at}/{name}"), part, found));
        }
        Value::Array(list) => list.iter().for_each(|part| schemas(at, part, found)),
        _ => {}
    }
}

#[tokio::test]
async fn every_object_has_a_name_and_every_reference_a_target() {
    let world = World::new().await;
    let document = document(&world.functions());
    let mut found = vec![];
    schemas("", &document, &mut found);
    let mut references = BTreeSet::new();
    for (at, part) in found {
        let is_named = at.rsplit_once('/').is_some_and(|(folder, _)| folder == "/components/schemas");
        let is_object = part["type"] == "object" && part["properties"].is_object();
        assert!(is_named || !is_object, "the object at {at} has no name");
        if let Some(target) = part["$ref"].as_str() {
            assert!(document.pointer(target.trim_start_matches('#')).is_some(), "{at} refers to {target}");
            references.insert(target);
        }
    }
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(references.contains(format!("#/components/schemas/{name}").as_str()), "nothing refers to {name}");
    }
}

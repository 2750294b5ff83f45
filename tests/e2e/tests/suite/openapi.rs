//! The OpenAPI document is made from the code, and is complete. That it is right every test shows: the world holds
//! each answer against it.

use e2e::{World, document};
use serde_json::Value;

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
        for (method, operation) in operations.as_object().unwrap() {
            documented.push(format!("{} {path}", method.to_uppercase()));
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{method} {path}");
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
    assert_eq!(answer.text(), include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json")));
}

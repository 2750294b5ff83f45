//! The cases themselves: one for each handler, and what they say of the audit log is what its page says.

use std::collections::BTreeSet;

use e2e::{World, cases};
use serde_json::json;
use vault::audit::Action;

#[tokio::test]
async fn every_handler_has_a_case_and_every_case_a_handler() {
    let world = World::new().await;
    let routes = world.routes();
    for case in cases::all() {
        let name = case.name();
        assert!(routes.iter().any(|route| case.is_of(route)), "{name} is a case of no route");
        assert_eq!(cases::all().filter(|other| other.name() == name).count(), 1, "{name} has two cases");
    }
    for route in &routes {
        let case = cases::of(route);
        assert_eq!(route.needs.is_none(), case.answers().is_some(), "{}: doors decide, or the case", case.name());
    }
    // For the suites in other languages.
    let deployed = routes.iter().filter(|route| route.function != "local");
    let table: Vec<_> = deployed
        .map(|route| json!({ "method": route.method, "path": route.path, "function": route.function }))
        .collect();
    std::fs::write(e2e::left_by_tests("routes.json"), serde_json::to_vec(&table).unwrap()).unwrap();
    let cases = cases::as_json(&routes);
    std::fs::write(e2e::left_by_tests("cases.json"), serde_json::to_vec(&cases).unwrap()).unwrap();
}

#[test]
fn every_effect_is_on_the_page_of_the_audit_log() {
    let page = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/audit.md"));
    let rows: BTreeSet<&str> = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let effects: Vec<Action> = cases::all().filter_map(|case| case.effect).collect();
    for action in &effects {
        assert!(rows.contains(action.entry().name), "docs/audit.md has no row of {action:?}");
    }
    let without: Vec<_> =
        Action::ALL.iter().filter(|a| rows.contains(a.entry().name)).filter(|a| !effects.contains(a)).collect();
    println!("{without:?}");
}

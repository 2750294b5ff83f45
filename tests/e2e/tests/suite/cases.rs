//! The cases themselves: one for each handler, and what they say of the audit log is what its page says.

use std::collections::BTreeSet;

use e2e::{World, cases};
use rules::audit::{Action, ActorKind};
use serde_json::json;

/// What a person leaves in the log by a call that is refused, or beside the effect of a case.
const OF_NO_CASE: [Action; 4] =
    [Action::AuthFailure, Action::RequestDenied, Action::RequestInvalid, Action::SecretRotateDenied];

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
    let made = format!("{:#}\n", cases::as_json(&routes));
    std::fs::write(e2e::left_by_tests("cases.json"), &made).unwrap();
    let committed = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi/cases.json"));
    assert!(made == committed, "tests/openapi/cases.json is not what the cases say: run `tests/template/run --write`");
}

#[test]
fn every_effect_is_on_the_page_of_the_audit_log() {
    let page = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/audit.md"));
    let rows: BTreeSet<&str> = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let effects: Vec<Action> = cases::all().filter_map(|case| case.effect).collect();
    for action in &effects {
        assert!(rows.contains(action.kind().name), "docs/audit.md has no row of {action:?}");
    }
    // What a person can do has a handler, and with it a case.
    for action in Action::ALL.iter().filter(|action| action.kind().actors.contains(&ActorKind::User)) {
        let name = action.kind().name;
        let expected = rows.contains(name) && !OF_NO_CASE.contains(action);
        assert_eq!(effects.contains(action), expected, "{name} is of a case, or in OF_NO_CASE, or not on the page");
    }
}

//! The OpenAPI document, of the types of the functions and of what no type says: the cases, and the comments of handlers.

use std::path::Path;

use edge::Route;
use edge::openapi::{self, Words};
use rules::scope::Needs;
use serde_json::Value;

use crate::cases::{self, Case, FIRST, SIGNED, is_for_agents};
use crate::examples;

/// The functions' sources, which say in words what a handler does.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../functions");

/// The document of these functions, as the code has it now; without what is in local mode only.
#[must_use]
pub fn document(functions: &[edge::Routes]) -> Value {
    let deployed = functions.iter().filter(|function| function.table().iter().all(|route| route.function != "local"));
    let mut document = openapi::document(deployed, env!("CARGO_PKG_VERSION"), cases::TOPICS, words);
    examples::add_to(&mut document);
    document
}

fn words(route: &Route, handler: &str) -> Words {
    let case = cases::of(route);
    let text = comment(handler);
    let (summary, rest) = text.split_once(". ").unwrap_or((&text, ""));
    let audited = case.effect.map(|action| action.kind().name);
    let in_log = audited.map(|action| format!("Audited: `{action}`."));
    let callers = callers(&case, route);
    let description = [rest, &callers, in_log.as_deref().unwrap_or_default()];
    Words {
        id: case.id_of(route),
        topic: case.topic.name,
        summary: summary.trim_end_matches('.').to_owned(),
        description: description.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" "),
        audited,
        refusals: case.refusals,
        body: case.example_body(),
        in_path: case.examples_in_path(),
    }
}

/// Whom an operation is for.
fn callers(case: &Case, route: &Route) -> String {
    match (route.needs, case.answers()) {
        (Some(Needs::Scope(scope)), _) if is_for_agents(route) => {
            format!("For an AI agent with the scope `{}`.", scope.name())
        }
        (Some(_), _) if is_for_agents(route) => "For every AI agent that is approved and enabled.".to_owned(),
        (Some(Needs::Person), _) => "For a signed-in person, and no AI agent.".to_owned(),
        (Some(_), _) => format!("For a signed-in person; AI agents have `{}AsAgent`.", case.id),
        (None, Some(SIGNED)) => "For a machine, which signs the request.".to_owned(),
        (None, Some(FIRST)) => "For whoever has the token, which works once.".to_owned(),
        (None, Some([401, ..])) => "For a signed-in person.".to_owned(),
        (None, _) => "Needs no session and no signature.".to_owned(),
    }
}

/// What a handler's source says of it, without the route it begins with.
fn comment(handler: &str) -> String {
    // `manage_secrets::trash::purge`, or without a module when it is in `lib.rs`.
    let (function, file, name) = match *handler.split("::").collect::<Vec<_>>() {
        [function, name] => (function, "lib", name),
        [function, file, name] => (function, file, name),
        _ => panic!("{handler} is not where handlers are"),
    };
    let function = function.replace('_', "-");
    let source = std::fs::read_to_string(Path::new(SOURCES).join(format!("{function}/src/{file}.rs")));
    let source = source.unwrap_or_else(|error| panic!("no source of {handler}: {error}"));
    let lines: Vec<&str> = source.lines().collect();
    let begin = lines.iter().position(|line| line.contains(&format!("async fn {name}("))).expect("the handler");
    let own: Vec<&str> = lines[..begin].iter().rev().map_while(|line| line.strip_prefix("/// ")).collect();
    let of_file: Vec<&str> = lines.iter().map_while(|line| line.strip_prefix("//! ")).collect();
    let own = own.into_iter().rev().collect::<Vec<_>>().join(" ");
    let after_route = |text: &str| text.split_once("`: ").map(|(_, text)| text.to_owned());
    let text = after_route(&own).or_else(|| after_route(&of_file.join(" ")));
    let text = text.unwrap_or_else(|| panic!("{handler} needs a comment of the form `METHOD path`: what it does"));
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

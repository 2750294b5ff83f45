//! One row for each handler: how it is called when all is well, what record that leaves, and the statuses it refuses with
//! beside those that its types tell.
//!
//! Every suite that has to look at all handlers runs over these rows: callers, faults, bad input, leaks, ids of another
//! vault, the OpenAPI document and, by way of `cases.json`, Schemathesis. A new handler is a row here; a handler without
//! one fails `cases::every_handler_has_a_case`.

mod account;
mod agents;
mod audit;
mod canaries;
mod examples;
mod machine;
mod machines;
mod notifications;
mod onboarding;
mod operator;
mod pages;
mod policies;
mod projects;
mod schedules;
mod secrets;
mod shares;
mod support;
mod things;
mod topics;

use std::collections::BTreeMap;

use edge::Route;
use edge::openapi::Topic;
use rules::audit::Action;
use serde_json::{Value, json};

use crate::{Machine, Person, Request};

pub use examples::{LINK_TOKEN, PASSPHRASE, PUBLIC_KEY, RECOVERY_CODE, TOKEN, example_of};
pub use things::{Things, missing_id};
pub use topics::TOPICS;

/// How one handler is called.
#[derive(Debug, Clone)]
pub struct Case {
    /// What generated clients call it: a verb and a noun in camel case.
    pub id: &'static str,
    /// What it is about.
    pub topic: Topic,
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The path's template: of management below the doors, otherwise whole.
    pub path: &'static str,
    /// The body of a POST; `$name` stands for a thing.
    pub body: Value,
    /// A body that shows more than that of the call, for the OpenAPI document.
    example: Option<Value>,
    /// The record that the call leaves when it succeeds.
    pub effect: Option<Action>,
    /// Who may call it, where that is not for the doors of management to say.
    by: Option<By>,
    /// Statuses it refuses with, beside those that the handler's types tell.
    pub refusals: &'static [u16],
    /// Things that stand in the place of those that the template names.
    instead: Vec<(&'static str, &'static str)>,
    /// What else has to be so.
    given: Vec<&'static str>,
    /// Whether only browsers, apps and mailboxes have what it takes.
    by_hand: bool,
    /// Whether another function writes the record after the answer.
    pub is_recorded_later: bool,
    /// Whether it is called by somebody who is there for this call alone.
    alone: bool,
}

/// What a handler answers to nobody, the owner of what is named, the owner of another vault, a granted machine, a
/// pending machine, any agent.
pub type By = [u16; 6];

/// A machine that may.
pub const SIGNED: By = [401, 401, 401, 200, 403, 401];
/// Everybody.
pub const OPEN: By = [200; 6];
/// A signed-in person.
pub const SELF: By = [401, 200, 200, 401, 401, 401];
/// Whoever comes first with a one-time token.
pub const FIRST: By = [200, 401, 401, 401, 401, 401];

fn case(id: &'static str, method: &'static str, path: &'static str) -> Case {
    Case {
        id,
        topic: topics::PAGES,
        method,
        path,
        body: json!({}),
        example: None,
        effect: None,
        by: None,
        refusals: &[],
        instead: vec![],
        given: vec![],
        by_hand: false,
        is_recorded_later: false,
        alone: false,
    }
}

fn get(id: &'static str, path: &'static str) -> Case {
    case(id, "GET", path)
}

fn post(id: &'static str, path: &'static str) -> Case {
    case(id, "POST", path)
}

impl Case {
    fn body(self, body: Value) -> Self {
        Self { body, ..self }
    }

    fn example(self, example: Value) -> Self {
        Self { example: Some(example), ..self }
    }

    fn effect(self, action: Action) -> Self {
        Self { effect: Some(action), ..self }
    }

    fn by(self, by: By) -> Self {
        Self { by: Some(by), ..self }
    }

    fn refuses(self, refusals: &'static [u16]) -> Self {
        Self { refusals, ..self }
    }

    /// The template's `name` is this thing, which is in a certain state.
    fn naming(mut self, name: &'static str, thing: &'static str) -> Self {
        self.instead.push((name, thing));
        self
    }

    /// This has to be there too, though the call does not name it.
    fn given(mut self, thing: &'static str) -> Self {
        self.given.push(thing);
        self
    }

    /// Only the end-to-end suite has what it takes to be answered with 200.
    fn by_hand(self) -> Self {
        Self { by_hand: true, ..self }
    }

    /// Another function writes its record, after the answer; Lambda has it try again.
    fn recorded_later(self) -> Self {
        Self { is_recorded_later: true, ..self }
    }

    /// It changes who calls, so somebody is made for each call.
    fn alone(self) -> Self {
        Self { alone: true, ..self }
    }

    /// Its name, for messages.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Whether this is the case of a route.
    pub fn is_of(&self, route: &Route) -> bool {
        self.method == route.method && self.path == below_doors(route)
    }

    /// Whether it is called by somebody who is there for this call alone.
    pub fn is_alone(&self) -> bool {
        self.alone
    }

    /// Whether whoever comes first with a token uses it up for all others.
    #[must_use]
    pub fn is_one_time(&self) -> bool {
        matches!(self.by, Some([200, owner, ..]) if owner != 200)
    }

    /// What callers are answered where no door decides.
    pub fn answers(&self) -> Option<By> {
        self.by
    }

    /// What it names.
    pub fn names(&self) -> Names {
        let named = |name: &str| {
            self.path.contains(&format!("{{{name}}}")) || (self.body.to_string().contains(&format!("${name}\"")))
        };
        if ["projectId", "secretId", "canaryId"].into_iter().any(named) {
            Names::Project
        } else if self.path.contains('{') && !self.path.contains("{sdkId}") {
            Names::Vault
        } else {
            Names::Nothing
        }
    }

    /// The names in its path and its body that stand for ids, each with the thing it is.
    pub fn ids(&self) -> Vec<(&'static str, &'static str)> {
        let used = |name: &str| {
            self.path.contains(&format!("{{{name}}}")) || self.body.to_string().contains(&format!("\"${name}\""))
        };
        let ids = things::IDS.iter().filter(|name| used(name));
        ids.map(|name| (*name, self.thing(name))).collect()
    }

    /// The thing that a name of the template stands for here.
    fn thing(&self, name: &'static str) -> &'static str {
        self.instead.iter().find(|(known, _)| *known == name).map_or(name, |(_, thing)| thing)
    }

    /// An example of its body, with values that stand for things.
    #[must_use]
    pub fn example_body(&self) -> Value {
        let template = self.example.as_ref().unwrap_or(&self.body);
        things::filled(template, &|name| examples::example_of(self.thing(name)))
    }

    /// Examples of what its path names.
    #[must_use]
    pub fn examples_in_path(&self) -> BTreeMap<&'static str, Value> {
        let named = things::NAMES.iter().filter(|name| self.path.contains(&format!("{{{name}}}")));
        named.map(|name| (*name, examples::example_of(self.thing(name)))).collect()
    }

    /// What a route of it is called: at the door of AI agents another name than at that of people.
    #[must_use]
    pub fn id_of(&self, route: &Route) -> String {
        if is_for_agents(route) { format!("{}AsAgent", self.id) } else { self.id.to_owned() }
    }

    /// Everything that has to be there for a call.
    fn wanted(&self) -> Vec<&'static str> {
        let text = self.body.to_string();
        let named = things::NAMES
            .iter()
            .filter(|name| self.path.contains(&format!("{{{name}}}")) || text.contains(&format!("\"${name}\"")))
            .map(|name| self.thing(name));
        named.chain(self.given.iter().copied()).collect()
    }

    /// The path by which a route of it is called.
    #[must_use]
    pub fn path_of(&self, route: &Route, things: &Things<'_>) -> String {
        let path = things.path(self);
        match route.needs {
            None => path,
            Some(_) if is_for_agents(route) => format!("/v1/ai/{path}"),
            Some(_) => format!("/v1/manage/{path}"),
        }
    }

    /// The call by the person or machine that may make it, or by nobody where anybody may.
    #[must_use]
    pub fn request(&self, path: &str, body: &Value, owner: &Person<'_>, machine: Option<&Machine<'_>>) -> Request {
        self.request_with(path, body.to_string().as_bytes(), owner, machine)
    }

    /// The same with a body that need not be JSON.
    #[must_use]
    pub fn request_with(&self, path: &str, body: &[u8], owner: &Person<'_>, machine: Option<&Machine<'_>>) -> Request {
        let body = if self.method == "POST" { body } else { b"" };
        match (self.by, machine) {
            (Some(SIGNED), Some(machine)) => return machine.request(self.method, path, body),
            (Some([200, ..]), _) => Request::new(self.method, path).header("x-sikkerkey-request", "1"),
            _ => owner.of(self.method, path),
        }
        .with_json(body)
    }
}

/// What a call names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// Nothing of a vault.
    Nothing,
    /// Something of a vault.
    Vault,
    /// Something of a project.
    Project,
}

/// A route's path as cases have it.
fn below_doors(route: &Route) -> &str {
    match route.needs {
        None => &route.path,
        Some(_) => route.path.splitn(4, '/').nth(3).unwrap_or_default(),
    }
}

/// The cases of one file of this folder, by its name.
type Group = (&'static str, fn() -> Vec<Case>);

/// All of them.
const BY_GROUP: [Group; 16] = [
    ("machine", machine::cases),
    ("onboarding", onboarding::cases),
    ("account", account::cases),
    ("projects", projects::cases),
    ("secrets", secrets::cases),
    ("policies", policies::cases),
    ("canaries", canaries::cases),
    ("schedules", schedules::cases),
    ("shares", shares::cases),
    ("machines", machines::cases),
    ("agents", agents::cases),
    ("notifications", notifications::cases),
    ("audit", audit::cases),
    ("pages", pages::cases),
    ("operator", operator::cases),
    ("support", support::cases),
];

/// The names of the groups of cases.
pub fn groups() -> impl Iterator<Item = &'static str> {
    BY_GROUP.iter().map(|(group, _)| *group)
}

/// The cases of a group.
///
/// # Panics
///
/// If there is no such group.
#[must_use]
pub fn group(name: &str) -> Vec<Case> {
    let (_, cases) = BY_GROUP.iter().find(|(group, _)| *group == name).expect("a group");
    cases()
}

/// All cases.
pub fn all() -> impl Iterator<Item = Case> {
    groups().flat_map(group)
}

/// Whether a route is at the door of AI agents.
#[must_use]
pub fn is_for_agents(route: &Route) -> bool {
    route.path.starts_with("/v1/ai/")
}

/// The case of a route.
///
/// # Panics
///
/// If it has none.
#[must_use]
pub fn of(route: &Route) -> Case {
    let found = all().find(|case| case.is_of(route));
    found.unwrap_or_else(|| panic!("{} {} has no case in tests/e2e/src/cases", route.method, route.path))
}

/// The cases as a file, for suites in other languages: how each route is called, and by whom.
#[must_use]
pub fn as_json(routes: &[Route]) -> Value {
    let row = |route: &Route| {
        let case = of(route);
        let caller = match (case.by, route.needs) {
            (_, Some(_)) if is_for_agents(route) => "agent",
            (Some(SIGNED), None) => "machine",
            (Some([200, ..]), None) => "nobody",
            _ => "person",
        };
        let instead: serde_json::Map<String, Value> =
            case.instead.iter().map(|(name, thing)| ((*name).to_owned(), json!(thing))).collect();
        json!({
            "method": route.method, "path": route.path, "caller": caller, "body": case.body, "instead": instead,
            "given": case.given, "byHand": case.by_hand,
        })
    };
    let deployed = routes.iter().filter(|route| route.function != "local");
    let rows: BTreeMap<String, Value> =
        deployed.map(|route| (format!("{} {}", route.method, route.path), row(route))).collect();
    json!(rows)
}

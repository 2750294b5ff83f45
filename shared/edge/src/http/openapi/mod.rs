//! The API as an OpenAPI 3.1 document, told by the types of the handlers.
//!
//! What a handler takes says what a request brings and how it can be refused ([`Asks`]); what it gives says what an
//! answer looks like ([`Answers`]). What no type says, such as a name, a summary and refusals of a handler's own, comes
//! from who asks for the document ([`Words`]).
//!
//! Nothing of this is in a deployed function: without the feature `openapi` a route keeps no description.

mod asks;
mod operation;
mod schemas;

use std::collections::{BTreeMap, BTreeSet};

use protocol::bodies::ErrorBody;
use protocol::signing::header;
use serde_json::{Map, Value, json};

pub use operation::Operation;

use crate::answer::{Html, MediaType as _, Text};
use crate::caller::person::REQUEST_HEADER;
use crate::{Code, Route, Routes, SESSION_COOKIE};
use schemas::Schemas;

/// What an argument of a handler asks of a request.
pub trait Asks {
    /// Adds it.
    fn describe(operation: &mut Operation<'_>);
}

/// What a handler answers when all is well.
pub trait Answers {
    /// Adds it.
    fn describe(operation: &mut Operation<'_>);
}

/// A handler whose arguments and answer can be described. `Arguments` tells the arities apart.
pub trait Described<Arguments> {
    /// Adds all of it.
    fn describe(operation: &mut Operation<'_>);
}

macro_rules! described {
    ($($argument:ident)*) => {
        impl<F, Answer, Given: Answers, $($argument: Asks),*> Described<($($argument,)*)> for F
        where
            F: Fn($($argument),*) -> Answer,
            Answer: Future<Output = Given>,
        {
            fn describe(operation: &mut Operation<'_>) {
                $($argument::describe(operation);)*
                Given::describe(operation);
            }
        }
    };
}

described!();
described!(A);
described!(A B);
described!(A B C);
described!(A B C D);
described!(A B C D E);

/// What a route remembers of its handler.
#[derive(Clone, Copy)]
pub(crate) struct Description {
    describe: fn(&mut Operation<'_>),
    handler: &'static str,
}

impl Description {
    /// Of a handler, if descriptions are kept.
    pub(crate) fn of<Arguments, H: Described<Arguments>>(_: &H) -> Option<Self> {
        if cfg!(feature = "openapi") {
            Some(Self { describe: H::describe, handler: std::any::type_name::<H>() })
        } else {
            None
        }
    }
}

/// What no type says of an operation.
pub struct Words {
    /// A verb and a noun in camel case, which no other operation is called.
    pub id: String,
    /// What it is about: the name of a [`Topic`].
    pub topic: &'static str,
    /// A sentence.
    pub summary: String,
    /// The rest.
    pub description: String,
    /// The action that is recorded when it succeeds.
    pub audited: Option<&'static str>,
    /// Statuses it is refused with, beside those that its handler's types tell.
    pub refusals: &'static [u16],
    /// An example of its body, if it takes one.
    pub body: Value,
    /// Examples of what its path names.
    pub in_path: BTreeMap<&'static str, Value>,
}

/// What operations are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub description: &'static str,
}

/// An object of the fields that are there.
fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let fields = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    fields.collect::<Map<_, _>>().into()
}

/// The document of these functions. `words` is asked for a route and its handler's path in the code.
///
/// # Panics
///
/// If two types or two operations have one name, an object has none, or descriptions are not kept.
#[must_use]
pub fn document<'a>(
    functions: impl IntoIterator<Item = &'a Routes>,
    version: &str,
    topics: &[Topic],
    words: impl Fn(&Route, &str) -> Words,
) -> Value {
    let mut schemas = Schemas::new();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for (route, description) in functions.into_iter().flat_map(Routes::descriptions) {
        let mut operation = Operation::of(route, &mut schemas);
        match route.needs {
            Some(_) if route.path.starts_with("/v1/ai/") => {
                operation.signed();
                operation.refuses(&[404]);
            }
            Some(_) => operation.by_person(),
            None => {}
        }
        (description.describe)(&mut operation);
        let words = words(route, description.handler);
        assert!(ids.insert(words.id.clone()), "two operations are called {}", words.id);
        paths.entry(&route.path).or_default().insert(route.method.to_lowercase(), operation.finish(words));
    }
    let responses = responses(&schemas.written::<ErrorBody>());
    let tags: Vec<Value> =
        topics.iter().map(|topic| json!({ "name": topic.name, "description": topic.description })).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "SikkerKey",
            "version": version,
            "description": INTRODUCTION,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": servers(),
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas.named(),
            "responses": responses,
            "securitySchemes": security_schemes(),
        },
    })
}

const INTRODUCTION: &str = "Machines sign their requests, AI agents sign theirs, people have sessions. Times are epoch \
    milliseconds unless a field says otherwise. A refusal is known by its status, and more exactly by the code in its \
    header `X-SikkerKey-Error`; the body's `error` says the reason in words for people, and may change. `x-needs` names what an operation of management asks of an AI agent: a scope, \
    nothing, or that it is a person. `x-audited` names the action that a success leaves in the audit log. `docs/api.md` \
    says in words what stands here in types.";

fn servers() -> Value {
    json!([
        {
            "url": "https://{host}",
            "description": "A deployment on AWS.",
            "variables": { "host": { "default": "keys.example.org", "description": "The deployment's host name." } },
        },
        { "url": "http://localhost:8080", "description": "Local mode, unless started with another port." },
    ])
}

/// What refusals look like, by status.
fn responses(error: &Value) -> BTreeMap<String, Value> {
    let json = json!({ "application/json": { "schema": error } });
    let text = |media_type: &str| json!({ media_type: { "schema": { "type": "string" } } });
    let response = |status: u16, description: &str, content: &Value| {
        let codes: Vec<_> =
            Code::ALL.iter().filter(|code| code.status().as_u16() == status).map(|code| code.name()).collect();
        let code = json!({
            "description": "What went wrong, for programs.", "schema": { "type": "string", "enum": codes },
        });
        let wait = json!({
            "description": "Seconds until it is worth trying again.", "schema": { "type": "integer" },
        });
        let headers =
            object([("X-SikkerKey-Error", Some(code)), ("Retry-After", Some(wait).filter(|_| status == 429))]);
        object([
            ("description", Some(description.into())),
            ("headers", Some(headers)),
            ("content", Some(content.clone())),
        ])
    };
    let all = REFUSALS.iter().map(|(status, description)| (status.to_string(), response(*status, description, &json)));
    let other = OTHER_FORMS.iter().flat_map(|form| {
        let content = text(form.media_type);
        let refusals = REFUSALS.iter().filter(|(status, _)| form.statuses.contains(status));
        refusals.map(move |(status, description)| {
            let description = format!("{description} {}", form.says);
            (format!("{status}{}", form.name), response(*status, &description, &content))
        })
    });
    all.chain(other).collect()
}

/// A form of refusals other than JSON.
struct Form {
    /// What their names end with.
    name: &'static str,
    media_type: &'static str,
    /// What routes of this form refuse with.
    statuses: &'static [u16],
    says: &'static str,
}

const OTHER_FORMS: &[Form] = &[
    Form {
        name: operation::IN_SCRIPTS,
        media_type: Text::NAME,
        statuses: &[401, 404, 429, 500, 503],
        says: "The text is a script that prints the reason and ends with 1.",
    },
    Form {
        name: operation::IN_PAGES,
        media_type: Html::NAME,
        statuses: &[404, 410, 500, 503],
        says: "The text is a page that says the reason.",
    },
];

/// What each refusal means.
const REFUSALS: &[(u16, &str)] = &[
    (
        400,
        "JSON that does not parse; a field twice; `null` where something is expected; a query string on a signed route.",
    ),
    (401, "Not authenticated, or a proof was wrong."),
    (403, "Not allowed; or the person has to step up first."),
    (404, "Not there, or in another vault; the answer is the same."),
    (
        409,
        "Not possible in the present state; or somebody else changed it at the same time (`This changed at the same \
         time, try again`).",
    ),
    (410, "A one-time link that was used or has expired."),
    (413, "The body is too large, or the answer of an export would be."),
    (415, "A body whose content type is not JSON."),
    (
        422,
        "JSON that is well formed but not accepted: a field is missing, unknown, of the wrong type, or out of bounds; the \
         text names the field.",
    ),
    (423, "The project is frozen."),
    (
        429,
        "The address is locked out, the account is held back, or too many passwords are being checked; `Retry-After` says for how many seconds.",
    ),
    (500, "`Something went wrong on our side`; the reason is in the server's log only."),
    (
        503,
        "The store or the key layer does not answer; try again. `It is not known whether this was written, look before \
         you try again` answers a change to a value that took too long: the change may have been made.",
    ),
];

fn security_schemes() -> Value {
    let header = |name: &str, description: &str| json!({ "type": "apiKey", "in": "header", "name": name, "description": description });
    json!({
        "session": {
            "type": "apiKey", "in": "cookie", "name": SESSION_COOKIE,
            "description": "A signed-in person's session: the cookie that a sign-in sets.",
        },
        "request": header(
            REQUEST_HEADER,
            "Always `1`. Everything that changes something asks for it, because no other site can have a browser send it.",
        ),
        "id": header(header::MACHINE_ID, "The id of the machine or the AI agent that signs."),
        "timestamp": header(header::TIMESTAMP, "Epoch seconds, at most 300 from the server's clock."),
        "nonce": header(header::NONCE, "8 to 128 printable ASCII characters that this signer never used before."),
        "signature": header(
            header::SIGNATURE,
            "Standard base64 of the Ed25519 signature over METHOD:PATH:TIMESTAMP:NONCE:BODYHASH.",
        ),
    })
}

//! What each argument asks of a request, and what each answer looks like.

use axum::extract::State;
use http::HeaderMap;
use schemars::JsonSchema;
use serde_json::{Value, json};

use super::{Answers, Asks, Operation};
use crate::answer::{File, Json, MediaType, SecretJson};
use crate::body::{Body, Ids};
use crate::caller::signed::{SignedBody, SignedRequest};
use crate::script::Refused;
use crate::{Error, Person, Principal, SameOrigin, SourceAddress, WithCookie, page};

impl<S> Asks for State<S> {
    fn describe(_: &mut Operation<'_>) {}
}

impl Asks for HeaderMap {
    fn describe(_: &mut Operation<'_>) {}
}

impl Asks for SourceAddress {
    fn describe(_: &mut Operation<'_>) {}
}

/// The door says what it asks.
impl Asks for Principal {
    fn describe(_: &mut Operation<'_>) {}
}

impl Asks for Person {
    fn describe(operation: &mut Operation<'_>) {
        operation.by_person();
    }
}

impl Asks for SameOrigin {
    fn describe(operation: &mut Operation<'_>) {
        operation.by_same_origin();
    }
}

/// A machine changes nothing.
impl Asks for SignedRequest {
    fn describe(operation: &mut Operation<'_>) {
        operation.signed();
        operation.changes = false;
    }
}

impl<T: JsonSchema> Asks for SignedBody<T> {
    fn describe(operation: &mut Operation<'_>) {
        SignedRequest::describe(operation);
        operation.takes::<T>();
    }
}

impl<T: JsonSchema, const LIMIT: usize> Asks for Body<T, LIMIT> {
    fn describe(operation: &mut Operation<'_>) {
        operation.takes::<T>();
    }
}

/// Of a handler that says itself what is wrong with a path.
impl<T: Asks> Asks for Result<T, Error> {
    fn describe(operation: &mut Operation<'_>) {
        T::describe(operation);
    }
}

impl<T: JsonSchema> Asks for Ids<T> {
    fn describe(operation: &mut Operation<'_>) {
        let schema = operation.schemas.read::<T>();
        // A text of another shape names nothing.
        operation.refuses(&[404]);
        // Several are a tuple.
        operation.path_types = match schema.get("prefixItems").and_then(Value::as_array) {
            Some(each) => each.clone(),
            None => vec![schema],
        };
    }
}

impl<T: JsonSchema> Answers for Json<T> {
    fn describe(operation: &mut Operation<'_>) {
        let schema = operation.schemas.written::<T>();
        operation.answers("application/json", &schema);
    }
}

impl<T: JsonSchema> Answers for SecretJson<T> {
    fn describe(operation: &mut Operation<'_>) {
        Json::<T>::describe(operation);
    }
}

impl<M: MediaType> Answers for File<M> {
    fn describe(operation: &mut Operation<'_>) {
        let schema = match M::SCHEMA {
            "string" if !M::NAME.starts_with("text/") => json!({ "type": "string", "format": "binary" }),
            known => json!({ "type": known }),
        };
        operation.answers(M::NAME, &schema);
    }
}

impl<T: Answers> Answers for WithCookie<T> {
    fn describe(operation: &mut Operation<'_>) {
        T::describe(operation);
        operation.answers_header("Set-Cookie", "The session's cookie.");
    }
}

impl<T: Answers, S> Answers for Result<T, Refused<S>> {
    fn describe(operation: &mut Operation<'_>) {
        T::describe(operation);
        operation.refuses_in_scripts();
    }
}

impl<T: Answers> Answers for Result<T, page::Refused> {
    fn describe(operation: &mut Operation<'_>) {
        T::describe(operation);
        operation.refuses_in_pages();
    }
}

impl<T: Answers> Answers for Result<T, Error> {
    fn describe(operation: &mut Operation<'_>) {
        T::describe(operation);
    }
}

//! Requests as tests write them, and what comes back.

use std::net::{IpAddr, SocketAddr};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

/// A request as a test writes it.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Path and query, as on the wire.
    pub target: String,
    /// Headers, doubled ones too.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Where it comes from.
    pub from: IpAddr,
}

impl Request {
    /// A request without a body.
    pub fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.parse().unwrap(),
            target: target.to_owned(),
            headers: vec![],
            body: vec![],
            from: "192.0.2.1".parse().unwrap(),
        }
    }

    /// With a header more.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.with_json(body.to_string().as_bytes())
    }

    /// With a body that says it is JSON; with none if it is empty.
    pub fn with_json(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        if body.is_empty() { self } else { self.header("content-type", "application/json") }
    }

    /// From this address.
    pub fn from(mut self, address: &str) -> Self {
        self.from = address.parse().unwrap();
        self
    }

    /// With this header's value replaced.
    pub fn replace(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.header(name, value)
    }

    /// Without this header.
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A text of the JSON body.
    pub fn field(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.text())).to_owned()
    }

    /// Checks the status and gives the answer back.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self
    }

    /// The code of an error.
    #[track_caller]
    pub fn code(&self, status: u16) -> String {
        self.error(status);
        self.headers["x-sikkerkey-error"].to_str().unwrap().to_owned()
    }

    /// Checks that it is an error of this status, of the shape all errors have, and gives its text.
    #[track_caller]
    pub fn error(&self, status: u16) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert!(self.headers.contains_key("x-sikkerkey-error"), "{}", self.text());
        if self.headers["content-type"] == "text/plain; charset=utf-8" {
            // A script of three lines, which says it.
            let (text, lines) = (self.text(), self.text().lines().count());
            assert!(lines == 3 && text.ends_with("\nexit 1\n"), "{text}");
            let reason = text.lines().nth(1).and_then(|line| line.split('\'').rev().nth(1)).unwrap();
            return reason.trim_start_matches("sikkerkey: ").to_owned();
        }
        if self.headers["content-type"] == "text/html; charset=utf-8" {
            // A page that says it in a sentence.
            let text = self.text();
            let reason = text.split_once("<p>").and_then(|(_, rest)| rest.split_once(".</p>"));
            return reason.unwrap_or_else(|| panic!("no reason in {text}")).0.to_owned();
        }
        let body = self.json();
        let object = body.as_object().unwrap();
        assert_eq!(object.len(), 1, "{body}");
        let text = object["error"].as_str().unwrap();
        assert!(!text.is_empty());
        text.to_owned()
    }
}

/// The names of an object's fields, sorted.
pub fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

/// Sends a request to a router.
pub async fn send(router: Router, request: Request) -> Answer {
    let mut builder = http::Request::builder().method(request.method).uri(&request.target);
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    let mut sent = builder.body(Body::from(request.body)).unwrap();
    sent.extensions_mut().insert(ConnectInfo(SocketAddr::new(request.from, 40_000)));
    let answer = router.oneshot(sent).await.unwrap();
    let (parts, body) = answer.into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

//! Stands in for API Gateway before functions that run as processes of their own: makes each request the event that
//! the gateway would send (payload format 2.0), invokes the function of its route in `infra/routes.yaml`, and makes its
//! answer a response.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, RawPathParams, Request, State};
use axum::response::Response;
use axum::routing::{MethodFilter, any, on};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::{Map, Value, json};

/// Content types whose bodies the gateway passes on as text; all others become Base64.
const TEXT: [&str; 4] = ["text/", "application/json", "application/javascript", "application/xml"];

/// The gateway's routes, as a deployment has them.
const ROUTES: &str = include_str!("../../../infra/routes.yaml");

#[derive(Clone)]
struct Target {
    lambda: Client,
    function: String,
    /// The route's key: its method, or `ANY`, and its path.
    key: &'static str,
}

/// The keys of the routes, each with its function, which a comment before them names.
fn routes() -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut function = "";
    ROUTES.lines().filter_map(move |line| {
        function = line.strip_prefix("  # ").unwrap_or(function);
        Some((line.trim_start().strip_prefix("RouteKey: ")?, function))
    })
}

/// A router that sends requests to their functions, whose names begin with `prefix`.
pub(crate) fn to_functions(lambda: &Client, prefix: &str) -> Router {
    routes().fold(Router::new(), |router, (key, function)| {
        let (method, path) = key.split_once(' ').unwrap();
        let target = Target { lambda: lambda.clone(), function: format!("{prefix}{function}"), key };
        let route = match method {
            "GET" => on(MethodFilter::GET, invoke),
            "POST" => on(MethodFilter::POST, invoke),
            _ => any(invoke),
        };
        router.route(&path.replace("{proxy+}", "{*proxy}"), route.with_state(target))
    })
}

/// Headers as the gateway passes them on: lower-case, doubled ones joined with commas, cookies apart.
fn headers(all: &HeaderMap) -> (Map<String, Value>, Vec<String>) {
    let (mut joined, mut cookies) = (BTreeMap::<String, String>::new(), vec![]);
    for (name, value) in all {
        let value = value.to_str().unwrap();
        if name == header::COOKIE {
            cookies.extend(value.split("; ").map(str::to_owned));
            continue;
        }
        let so_far = joined.entry(name.as_str().to_owned()).or_default();
        so_far.push_str(if so_far.is_empty() { "" } else { "," });
        so_far.push_str(value);
    }
    (joined.into_iter().map(|(name, value)| (name, Value::String(value))).collect(), cookies)
}

async fn invoke(
    State(target): State<Target>,
    parameters: RawPathParams,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let (mut headers, cookies) = headers(&parts.headers);
    headers.entry("host").or_insert_with(|| json!("keys.example.org"));
    headers.entry("x-forwarded-proto").or_insert_with(|| json!("https"));
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let text = content_type.is_some_and(|kind| TEXT.iter().any(|text| kind.starts_with(text)));
    let parameters: Map<String, Value> = parameters.iter().map(|(name, value)| (name.into(), json!(value))).collect();
    let mut event = json!({
        "version": "2.0",
        "routeKey": target.key,
        "rawPath": parts.uri.path(),
        "rawQueryString": parts.uri.query().unwrap_or_default(),
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api",
            "domainName": "keys.example.org",
            "domainPrefix": "keys",
            "http": {
                "method": parts.method.as_str(),
                "path": parts.uri.path(),
                "protocol": "HTTP/1.1",
                "sourceIp": from.ip().to_string(),
                "userAgent": "e2e",
            },
            "requestId": hex::encode(crypto::random::bytes::<8>()),
            "routeKey": target.key,
            "stage": "$default",
            "time": "12/Mar/2026:19:03:58 +0000",
            "timeEpoch": 1_773_342_238_000_u64,
        },
        "isBase64Encoded": !text && !body.is_empty(),
    });
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
    }
    if !parameters.is_empty() {
        event["pathParameters"] = json!(parameters);
    }
    if !body.is_empty() {
        event["body"] = json!(if text { String::from_utf8(body.into()).unwrap() } else { STANDARD.encode(body) });
    }
    let payload = Blob::new(event.to_string());
    let answer = target.lambda.invoke().function_name(&target.function).payload(payload).send().await;
    let answer = answer.unwrap_or_else(|error| panic!("{}: {error:?}", target.function));
    let payload = answer.payload.map(Blob::into_inner).unwrap_or_default();
    if let Some(error) = answer.function_error {
        panic!("{} broke off: {error}: {}", target.function, String::from_utf8_lossy(&payload));
    }
    response(&serde_json::from_slice(&payload).unwrap())
}

/// A function's answer as the gateway sends it on.
fn response(answer: &Value) -> Response {
    let status = u16::try_from(answer["statusCode"].as_u64().unwrap()).unwrap();
    let text = answer["body"].as_str().unwrap_or_default();
    let body = if answer["isBase64Encoded"] == true { STANDARD.decode(text).unwrap() } else { text.into() };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    for (name, value) in answer["headers"].as_object().unwrap() {
        let name: http::HeaderName = name.parse().unwrap();
        response.headers_mut().append(name, value.as_str().unwrap().parse().unwrap());
    }
    for cookie in answer["cookies"].as_array().into_iter().flatten() {
        response.headers_mut().append(header::SET_COOKIE, cookie.as_str().unwrap().parse().unwrap());
    }
    response
}

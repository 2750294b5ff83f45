//! API Gateway's events: the router answers them, and learns from the gateway where a request comes from.

use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use edge::{RequestId, Routes, SourceAddress};
use lambda_http::request::RequestContext;
use lambda_http::tower::ServiceBuilder;
use lambda_http::{RequestExt as _, http};

use crate::start::Start;

pub(crate) async fn answer(started: &Start, routes: Routes) -> Result<(), lambda_http::Error> {
    let answers = Routes::into_router(vec![routes], &started.telemetry).layer(middleware::from_fn(by_gateway));
    lambda_http::run(ServiceBuilder::new().map_request(with_literal_path).service(answers)).await
}

/// The path as it came. The library resolves `..` and the like in it, but what was signed is what was sent; and a path
/// that is not one of ours as it stands is of nothing.
fn with_literal_path<B>(mut request: http::Request<B>) -> http::Request<B> {
    let literal = match request.uri().query() {
        Some(query) => format!("{}?{query}", request.raw_http_path()),
        None => request.raw_http_path().to_owned(),
    };
    if let Ok(literal) = literal.parse() {
        *request.uri_mut() = literal;
    }
    request
}

/// What the gateway says about a request: its source address and its id. Nothing that a client wrote plays a part.
async fn by_gateway(mut request: Request, next: Next) -> Response {
    let context = request.extensions().get::<RequestContext>();
    if let Some(RequestContext::ApiGatewayV2(context)) = context {
        let address = context.http.source_ip.as_deref().and_then(|address| address.parse().ok());
        let id = context.request_id.clone().unwrap_or_default();
        request.extensions_mut().insert(RequestId(id));
        if let Some(address) = address {
            request.extensions_mut().insert(SourceAddress::new(address));
        }
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_taken_as_it_came() {
        for (raw, resolved) in [("/v1/ai/trash/../purge", "/v1/ai/purge"), ("/v1/secret/%2e%2E/x", "/v1/x")] {
            let request = http::Request::get(format!("https://keys.example.org{resolved}?a=b")).body(()).unwrap();
            let literal = with_literal_path(request.with_raw_http_path(raw));
            assert_eq!((literal.uri().path(), literal.uri().query()), (raw, Some("a=b")));
        }
        // What no request line can hold stays as the library wrote it.
        let request = http::Request::get("https://keys.example.org/a%20b").body(()).unwrap();
        assert_eq!(with_literal_path(request.with_raw_http_path("/a b")).uri().path(), "/a%20b");
    }
}

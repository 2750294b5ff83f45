//! API Gateway's events: the router answers them, and learns from the gateway where a request comes from.

use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use edge::{RequestId, Routes, SourceAddress};
use lambda_http::request::RequestContext;

use crate::start::Started;

pub(crate) async fn answer(started: &Started, routes: Routes) -> Result<(), lambda_http::Error> {
    let answers = Routes::into_router(vec![routes], &started.telemetry).layer(middleware::from_fn(by_gateway));
    lambda_http::run(answers).await
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

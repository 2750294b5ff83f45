//! A signed-in person, known by a session.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use axum::response::{IntoResponse, Response};
use crypto::{OneTimeToken, TokenHash, random};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, header};
use protocol::{UserId, VaultId};
use rules::Time;
use rules::audit::{Action, ActorKind, Origin, Record};
use rules::nouns::{Session, SessionId, User, Vault};
use schemars::JsonSchema;
use serde::Serialize;
use store::{Store, person, session, vault};

use crate::{Base, Clock, Code, Config, Error, SourceAddress};

/// The cookie that holds a session's token. The prefix makes browsers insist on Secure, no domain, and path `/`.
pub const SESSION_COOKIE: &str = "__Host-sikkerkey";
/// Sent with everything that changes something. A form on another site cannot send it.
pub(crate) const REQUEST_HEADER: &str = "x-sikkerkey-request";
/// Chooses a vault other than one's own.
pub(crate) const VAULT_HEADER: &str = "x-vault-id";

/// Most characters of a browser's description of itself that are kept.
const USER_AGENT: usize = 256;

/// A new session of a person, and the answer's part of it. The session has to be stored, too.
pub fn new_session(
    user: UserId,
    address: IpAddr,
    headers: &HeaderMap,
    now: Time,
) -> Result<(Session, SessionCookie), Error> {
    let token = OneTimeToken::make().to_hex();
    let hash = TokenHash::of_hex(&token).ok_or_else(|| Error::internal("a token of another shape"))?;
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let session = Session {
        id: SessionId::from_entropy(random::bytes()),
        hash,
        user,
        address,
        user_agent: user_agent.map(|text| text.chars().take(USER_AGENT).collect()),
        created_at: now,
        last_used_at: now,
        proved_at: Some(now),
    };
    Ok((session, SessionCookie(Some(token))))
}

/// The answer to who signed up or in.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignedIn {
    /// Who.
    pub user_id: UserId,
    /// Their vault.
    pub vault_id: VaultId,
}

/// The cookie of a session, or what clears it.
pub struct SessionCookie(Option<String>);

impl SessionCookie {
    /// Clears it.
    pub const CLEAR: Self = Self(None);
}

/// An answer that sets the session's cookie, or clears it.
pub struct WithCookie<T>(pub T, pub SessionCookie);

impl<T: IntoResponse> IntoResponse for WithCookie<T> {
    fn into_response(self) -> Response {
        let (token, age) = self.1.0.as_deref().map_or(("", 0), |token| (token, Session::TOTAL_SECONDS));
        let cookie = format!("{SESSION_COOKIE}={token}; Path=/; Max-Age={age}; HttpOnly; Secure; SameSite=Strict");
        // Hex, numbers and constants: always a header's value.
        match HeaderValue::try_from(cookie) {
            Ok(mut cookie) => {
                cookie.set_sensitive(true);
                let mut response = self.0.into_response();
                response.headers_mut().insert(header::SET_COOKIE, cookie);
                response
            }
            Err(error) => Error::internal(error.to_string()).into_response(),
        }
    }
}

/// What it takes to know a person: give it to a router's state.
#[derive(Clone)]
pub struct Sessions {
    store: Store,
    clock: Clock,
    config: Arc<Config>,
}

impl Sessions {
    /// From the base.
    #[must_use]
    pub fn new(base: &Base) -> Self {
        Self { store: base.store.clone(), clock: base.clock.clone(), config: base.config.clone() }
    }
}

/// Somebody who is signed in, in the vault they chose.
pub struct Person {
    /// Their account.
    pub user: User,
    /// The vault they act in.
    pub vault: VaultId,
    /// That vault, as it was when they asked.
    pub in_vault: Vault,
    /// Their session.
    pub session: Session,
    /// Where they are.
    pub address: IpAddr,
    /// When they asked.
    pub now: Time,
    origin: Origin,
}

impl Person {
    /// A record of what they did.
    pub fn entry(&self, action: Action, detail: impl Into<String>) -> Record {
        self.origin.entry(action, detail).person(self.user.id)
    }

    /// Asks for a proof of the last five minutes, as [`Principal::step_up`](crate::Principal::step_up) does.
    pub fn step_up(&self) -> Result<(), Error> {
        let is_fresh = self.session.fresh_until(self.now).is_some();
        if is_fresh || self.in_vault.step_up_off { Ok(()) } else { Err(Error::step_up_required()) }
    }
}

/// 401: there is no session, or it has ended.
fn sign_in_first() -> Error {
    Error::new(Code::SignInRequired, "Sign in first")
}

/// Refuses a change that another site may have made the browser send.
fn refuse_cross_site(method: &Method, headers: &HeaderMap, url: &str) -> Result<(), Error> {
    if let Some(origin) = headers.get(header::ORIGIN)
        && origin.as_bytes() != url.as_bytes()
    {
        return Err(Error::new(Code::OriginRefused, "Requests from another origin are refused"));
    }
    if method != Method::GET && headers.get(REQUEST_HEADER).is_none_or(|value| value != "1") {
        return Err(Error::new(Code::HeaderRequired, "Send the header X-SikkerKey-Request: 1 with this request"));
    }
    Ok(())
}

/// A request that no other site made a browser send: for routes that change something before anybody is signed in.
/// [`Person`] includes it.
pub struct SameOrigin;

impl<S: Send + Sync> FromRequestParts<S> for SameOrigin
where
    Sessions: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        refuse_cross_site(&parts.method, &parts.headers, &Sessions::from_ref(state).config.url).map(|()| Self)
    }
}

/// The hash of the session token in the request's cookies.
fn session_hash(headers: &HeaderMap) -> Option<TokenHash> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == SESSION_COOKIE).and_then(|(_, token)| TokenHash::of_hex(token))
}

impl Sessions {
    /// Who is signed in, by the request's cookie, and the vault they chose.
    pub(crate) async fn person(&self, parts: &Parts) -> Result<Person, Error> {
        refuse_cross_site(&parts.method, &parts.headers, &self.config.url)?;
        let address = SourceAddress::of(parts)?.ip();
        let now = self.clock.now();
        let hash = session_hash(&parts.headers).ok_or_else(sign_in_first)?;
        let session = self.store.get(&session::row(&hash)).await?.ok_or_else(sign_in_first)?;
        if session.ends_at() <= now {
            return Err(sign_in_first());
        }
        let user = self.store.get(&person::row(session.user)).await?;
        let user = user.filter(|user| user.has(&session, now)).ok_or_else(sign_in_first)?;
        if session.last_used_at.plus_seconds(Session::TOUCH_SECONDS) <= now {
            // A session that was revoked meanwhile stays revoked.
            let touch = session::row(&hash).change().set(session::LAST_USED_AT, &now);
            self.store.change_if(touch).await?;
        }
        let vault = match parts.headers.get(VAULT_HEADER) {
            None => user.vault,
            Some(value) => {
                let chosen = value.to_str().ok().and_then(|text| text.parse().ok());
                chosen.filter(|vault| *vault == user.vault).ok_or_else(|| Error::not_found("Vault"))?
            }
        };
        let in_vault = self.store.get(&vault::row(vault)).await?.ok_or_else(|| Error::not_found("Vault"))?;
        let origin = Origin::of(&in_vault, &self.config.plans, ActorKind::User, Some(address), now);
        Ok(Person { user, vault, in_vault, session, address, now, origin })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Person
where
    Sessions: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        Sessions::from_ref(state).person(parts).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    const URL: &str = "https://keys.example.org";

    #[test]
    fn changes_need_our_header_and_our_origin() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
        };
        let check =
            |method, pairs: &[(&'static str, &'static str)]| refuse_cross_site(&method, &headers(pairs), URL).is_ok();
        assert!(check(Method::GET, &[]));
        assert!(check(Method::POST, &[("x-sikkerkey-request", "1")]));
        assert!(check(Method::POST, &[("x-sikkerkey-request", "1"), ("origin", URL)]));
        assert!(!check(Method::POST, &[]));
        assert!(!check(Method::POST, &[("x-sikkerkey-request", "0")]));
        assert!(!check(Method::POST, &[("x-sikkerkey-request", "1"), ("origin", "https://evil.example")]));
        assert!(!check(Method::POST, &[("x-sikkerkey-request", "1"), ("origin", "null")]));
        assert!(!check(Method::GET, &[("origin", "https://keys.example.org.evil.example")]));
    }

    #[test]
    fn the_session_is_found_among_other_cookies() {
        let token = "ab".repeat(32);
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, format!("a=b; {SESSION_COOKIE}={token}; c").parse().unwrap());
        assert_eq!(session_hash(&headers), TokenHash::of_hex(&token));
        headers.insert(header::COOKIE, format!("{SESSION_COOKIE}={token}x").parse().unwrap());
        assert_eq!(session_hash(&headers), None);
    }
}

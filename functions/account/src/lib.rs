//! People: sign-up, sign-in, sign-out and their sessions.

mod change_password;
mod me;
mod sessions;
mod sign_in;
mod sign_out;
mod sign_up;

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRef;
use axum::response::{IntoResponse, Response};
use crypto::{OneTimeToken, Plaintext, TokenHash, password, random};
use edge::{Attempts, Clock, Config, Error, Routes, SESSION_COOKIE, Services, Sessions};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use protocol::{SessionId, UserId};
use store::{KeyMaker, Store};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use vault::Time;
use vault::model::Session;

/// Password hashes that are worked out at the same time; each takes 64 MiB.
const HASHES_AT_ONCE: usize = 2;
/// People who wait for theirs; more are asked to come back.
const WAITING: usize = 64;
/// Most characters of a browser's description of itself that are kept.
const USER_AGENT: usize = 256;

#[derive(Clone, FromRef)]
struct App {
    store: Store,
    keys: KeyMaker,
    clock: Clock,
    config: Arc<Config>,
    attempts: Attempts,
    sessions: Sessions,
    places: Places,
}

/// Places for work on passwords, and for waiting for one.
#[derive(Clone)]
struct Places {
    hashing: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

/// The function's routes.
pub fn routes(services: &Services) -> Routes {
    let app = App {
        store: services.store.clone(),
        keys: services.key_maker(),
        clock: services.clock.clone(),
        config: services.config.clone(),
        attempts: services.attempts(),
        sessions: Sessions::new(services),
        places: Places {
            hashing: Arc::new(Semaphore::new(HASHES_AT_ONCE)),
            waiting: Arc::new(Semaphore::new(WAITING)),
        },
    };
    Routes::of("account")
        .post("/v1/account/sign-up", sign_up::sign_up)
        .post("/v1/account/sign-in", sign_in::sign_in)
        .post("/v1/account/sign-out", sign_out::sign_out)
        .get("/v1/account", me::me)
        .post("/v1/account/password", change_password::change)
        .get("/v1/account/sessions", sessions::list)
        .post("/v1/account/sessions/{id}/revoke", sessions::revoke)
        .with_state(app)
}

impl App {
    /// A place among those whose password is worked on. Hold it until a failure is counted: the lockout is asked when
    /// the place is had, so that a burst of guesses is judged a few at a time and not all at once.
    async fn turn(&self, address: IpAddr) -> Result<Turn, Error> {
        let too_many = || {
            let text = "Too many people sign in at this moment, try again";
            Error::new(StatusCode::TOO_MANY_REQUESTS, text).retry_after(1)
        };
        // Before a place is taken, so that who is locked out takes none, and again when it is had.
        self.attempts.check(address).await?;
        let waiting = self.places.waiting.clone().try_acquire_owned().map_err(|_| too_many())?;
        let working = self.places.hashing.clone().acquire_owned().await.map_err(|_| too_many())?;
        self.attempts.check(address).await?;
        Ok(Turn { working: Arc::new(working), _waiting: waiting })
    }
}

/// A place among those whose password is worked on.
struct Turn {
    working: Arc<OwnedSemaphorePermit>,
    _waiting: OwnedSemaphorePermit,
}

impl Turn {
    /// Hashes a password away from the async tasks.
    async fn hash(&self, text: Plaintext) -> Result<String, Error> {
        self.work(move || password::hash(&text)).await
    }

    /// Verifies a password away from the async tasks; the same time for an account that is not there.
    async fn verify(&self, text: Plaintext, hashed: Option<String>) -> Result<bool, Error> {
        self.work(move || password::verify(&text, hashed.as_deref())).await
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        // The work keeps its place even if the caller goes away meanwhile.
        let place = self.working.clone();
        let run = move || {
            let done = work();
            drop(place);
            done
        };
        tokio::task::spawn_blocking(run).await.map_err(|error| Error::internal(error.to_string()))
    }
}

/// A new session for this person, and the token for its cookie.
fn new_session(user: UserId, address: IpAddr, headers: &HeaderMap, now: Time) -> Result<(Session, String), Error> {
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
    };
    Ok((session, token))
}

/// An answer that sets the session's cookie, or clears it when there is no token.
fn with_cookie(answer: impl IntoResponse, token: Option<&str>) -> Result<Response, Error> {
    let (token, age) = token.map_or(("", 0), |token| (token, Session::TOTAL_SECONDS));
    let cookie = format!("{SESSION_COOKIE}={token}; Path=/; Max-Age={age}; HttpOnly; Secure; SameSite=Strict");
    let mut cookie = HeaderValue::try_from(cookie).map_err(|error| Error::internal(error.to_string()))?;
    cookie.set_sensitive(true);
    let mut response = answer.into_response();
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

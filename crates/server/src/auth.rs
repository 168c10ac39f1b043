//! Who calls, and what they may do.
//!
//! * Without sign-in (only on a loopback address) everybody on this machine acts as the server's own user, as admin. The
//!   `Host` header has to name this machine, so that a page of another site cannot reach it through a name of its own.
//! * With sign-in a caller shows a token: `Authorization: Bearer …`, or on the UI a cookie that stands for one. The cookie
//!   is `HttpOnly` and `SameSite=Strict`; sessions live in memory and end with the server.
//! * A request that changes something and comes from a page of another origin is refused, whoever sends it.
//!
//! Tokens are 256 random bits, and the catalog has only their BLAKE3 hash. Cost: a look-up per request with a token.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use lockgate_catalog::{Role, Token};
use lockgate_types::{Actor, Instant};

use crate::app::App;
use crate::codes::{CROSS_SITE, FORBIDDEN, TOO_MUCH};
use crate::problem::{ApiError, ApiResult, sign_in};

/// The cookie that stands for a token.
pub(crate) const COOKIE: &str = "lockgate_session";
/// A session ends after this time, however much it is used.
const SESSION: TimeDelta = TimeDelta::hours(12);
const SESSIONS_MAX: usize = 10_000;
/// Wrong tokens from one address within a minute; more are not even looked at.
const WRONG_MAX: u32 = 20;
const MINUTE: Duration = Duration::from_secs(60);
/// What every secret of a token begins with, so that a leaked one is recognised by scanners.
const PREFIX: &str = "lgt_";

/// Who sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) actor: String,
    pub(crate) role: Role,
    /// By a token, not just by being on this machine.
    pub(crate) signed_in: bool,
}

/// How callers are told apart.
#[derive(Debug)]
pub(crate) struct Auth {
    /// Whether a token is needed.
    pub(crate) required: bool,
    /// Who acts when none is.
    pub(crate) own: Actor,
    /// By the hash of the cookie.
    sessions: Mutex<HashMap<String, Session>>,
    pace: Pace,
}

#[derive(Clone, Debug)]
struct Session {
    token_hash: String,
    ends_at: DateTime<Utc>,
}

impl Auth {
    /// `rate` is how many requests a second one caller may send for long.
    pub(crate) fn new(required: bool, own: Actor, rate: u32) -> Self {
        Auth { required, own, sessions: Mutex::default(), pace: Pace { rate: f64::from(rate), ..Pace::default() } }
    }

    fn sessions(&self) -> std::sync::MutexGuard<'_, HashMap<String, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new session for a token that was found valid: the cookie's value.
    pub(crate) fn begin_session(&self, token: &Token, now: DateTime<Utc>) -> String {
        let secret = secret();
        let mut sessions = self.sessions();
        sessions.retain(|_, session| session.ends_at > now);
        if sessions.len() >= SESSIONS_MAX {
            sessions.clear();
        }
        sessions.insert(hash(&secret), Session { token_hash: token.hash.clone(), ends_at: now + SESSION });
        secret
    }

    pub(crate) fn end_session(&self, headers: &HeaderMap) {
        if let Some(cookie) = cookie(headers) {
            self.sessions().remove(&hash(cookie));
        }
    }
}

/// 256 random bits, as hexadecimal digits behind the prefix of tokens.
///
/// # Panics
/// When the operating system has no randomness to give; nothing would be safe then.
#[allow(clippy::expect_used)]
fn secret() -> String {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    let mut text = PREFIX.to_owned();
    for byte in bytes {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

/// A new token and its secret, which is stored nowhere.
pub fn new_token(
    name: &str,
    role: Role,
    made_by: &Actor,
    made_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
) -> (Token, String) {
    let secret = secret();
    let hash = hash(&secret);
    let token = Token {
        // Not of the secret's own digits: an id is shown in lists and logs.
        id: hash.chars().take(12).collect(),
        name: name.to_owned(),
        role,
        hash,
        made_by: made_by.clone(),
        made_at,
        expires_at,
        revoked_at: None,
        last_used_at: None,
    };
    (token, secret)
}

/// What is stored of a secret.
fn hash(secret: &str) -> String {
    blake3::hash(secret.as_bytes()).to_hex().to_string()
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|line| line.split(';')).find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

impl App {
    /// The token that a secret stands for, as long as it is valid.
    pub(crate) async fn token(&self, secret: &str, from: IpAddr) -> ApiResult<Token> {
        let now = self.effects.clock.monotonic();
        if self.auth.pace.wrong_too_often(from, now) {
            return Err(ApiError::coded(
                StatusCode::TOO_MANY_REQUESTS,
                &TOO_MUCH,
                "too many wrong tokens from this address",
            )
            .retry_after(60));
        }
        match self.valid_token(&hash(secret)).await? {
            Some(token) => Ok(token),
            None => {
                self.auth.pace.wrong(from, now);
                tracing::warn!(address = %from, "a token that is not valid was refused");
                Err(sign_in())
            }
        }
    }

    async fn valid_token(&self, hash: &str) -> ApiResult<Option<Token>> {
        let now = self.now();
        let found = self.catalog.token_by_hash(hash).await?;
        let valid = found.filter(|token| {
            // The look-up went by the hash, which tells nothing of the secret; compared all the same without a clue in time.
            bool::from(subtle::ConstantTimeEq::ct_eq(token.hash.as_bytes(), hash.as_bytes()))
                && token.revoked_at.is_none()
                && token.expires_at.is_none_or(|end| now < end)
        });
        if let Some(token) = &valid
            && token.last_used_at.is_none_or(|used| now - used >= TimeDelta::minutes(1))
            && let Err(error) = self.catalog.token_used(&token.id, now).await
        {
            tracing::info!(%error, "that a token was used is not noted");
        }
        Ok(valid)
    }

    /// Who sent the request; `None` when it needs sign-in and has none.
    pub(crate) async fn caller(&self, headers: &HeaderMap, from: IpAddr) -> ApiResult<Option<Caller>> {
        let of = |token: Token| Caller { actor: token.name, role: token.role, signed_in: true };
        // A token that is sent has to be right, needed or not.
        if let Some(secret) = bearer(headers) {
            return self.token(secret, from).await.map(|token| Some(of(token)));
        }
        if let Some(value) = cookie(headers) {
            let session = self.auth.sessions().get(&hash(value)).cloned();
            if let Some(session) = session.filter(|session| session.ends_at > self.now())
                && let Some(token) = self.valid_token(&session.token_hash).await?
            {
                return Ok(Some(of(token)));
            }
        }
        let own = || Caller { actor: self.auth.own.0.clone(), role: Role::Admin, signed_in: false };
        Ok((!self.auth.required).then(own))
    }
}

/// Where the request came from.
pub(crate) fn address(parts: &axum::http::Extensions) -> IpAddr {
    parts
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), |ConnectInfo(address)| address.ip())
}

/// Lets through what is from this site and from who is known, and notes who it is.
pub(crate) async fn guard(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let from = address(request.extensions());
    if let Err(error) = same_site(request.method(), request.headers(), app.auth.required) {
        tracing::warn!(address = %from, path = request.uri().path(), "a request from another site was refused");
        return error.into_response();
    }
    match app.caller(request.headers(), from).await {
        Ok(caller) => {
            let who = caller.as_ref().map_or_else(|| from.to_string(), |caller| format!("{} {from}", caller.actor));
            if let Err(error) = app.auth.pace.take(&who, app.effects.clock.monotonic()) {
                return error.into_response();
            }
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            next.run(request).await
        }
        Err(error) => error.into_response(),
    }
}

/// Refuses what a browser sends on behalf of another site.
fn same_site(method: &Method, headers: &HeaderMap, sign_in_required: bool) -> ApiResult<()> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text("host").unwrap_or_default();
    let refuse = |message: String| Err(ApiError::coded(StatusCode::FORBIDDEN, &CROSS_SITE, message));
    // Who needs no token is known by being on this machine: no other name may lead here.
    if !sign_in_required && !is_this_machine(host) {
        return refuse(format!("`{host}` is not a name of this machine"));
    }
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    if let Some(site) = text("sec-fetch-site")
        && !matches!(site, "same-origin" | "none")
    {
        return refuse("the request comes from a page of another site".to_owned());
    }
    match text("origin") {
        None => Ok(()),
        Some(origin) if origin.split_once("://").is_some_and(|(_, from)| from == host) => Ok(()),
        Some(origin) => refuse(format!("the request comes from a page of {origin}")),
    }
}

fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether the caller has at least this role.
pub(crate) fn may(caller: &Caller, needed: Role) -> ApiResult<()> {
    if caller.role >= needed {
        return Ok(());
    }
    let (has, needs) = (caller.role.as_str(), needed.as_str());
    tracing::warn!(actor = caller.actor, role = has, needed = needs, "a request beyond the caller's role was refused");
    let message = format!("this needs the role {needs}, and {} has {has}", caller.actor);
    Err(ApiError::coded(StatusCode::FORBIDDEN, &FORBIDDEN, message))
}

macro_rules! role {
    ($(#[$doc:meta])* $name:ident, $role:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct $name(pub(crate) Caller);

        impl<S: Send + Sync> FromRequestParts<S> for $name {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
                let caller = parts.extensions.get::<Caller>().ok_or_else(sign_in)?;
                may(caller, $role)?;
                Ok($name(caller.clone()))
            }
        }
    };
}

role!(
    /// A caller who may read.
    Viewer,
    Role::Viewer
);
role!(
    /// A caller who may start and decide.
    Operator,
    Role::Operator
);
role!(
    /// A caller who may make tokens.
    Admin,
    Role::Admin
);

/// How much one caller asks for: a bucket of requests each, refilled at `rate` a second, and wrong tokens by address.
#[derive(Debug, Default)]
struct Pace {
    rate: f64,
    buckets: Mutex<HashMap<String, (f64, Instant)>>,
    wrong: Mutex<HashMap<IpAddr, (u32, Instant)>>,
}

/// Callers that are remembered at once.
const CALLERS_MAX: usize = 10_000;

impl Pace {
    fn take(&self, who: &str, now: Instant) -> ApiResult<()> {
        let burst = self.rate * 4.0;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= CALLERS_MAX {
            // Those that are full again are as good as new.
            buckets.retain(|_, (_, seen)| now.saturating_sub(*seen) < Duration::from_secs(4));
        }
        let bucket = match buckets.get_mut(who) {
            Some(bucket) => bucket,
            None => buckets.entry(who.to_owned()).or_insert((burst, now)),
        };
        let (left, seen) = *bucket;
        let left = (left + now.saturating_sub(seen).as_secs_f64() * self.rate).min(burst);
        *bucket = (left - if left < 1.0 { 0.0 } else { 1.0 }, now);
        if left < 1.0 {
            return Err(ApiError::coded(StatusCode::TOO_MANY_REQUESTS, &TOO_MUCH, "too many requests in a short time")
                .retry_after(1));
        }
        Ok(())
    }

    fn wrong_too_often(&self, from: IpAddr, now: Instant) -> bool {
        let wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.get(&from).is_some_and(|(count, since)| *count >= WRONG_MAX && now.saturating_sub(*since) < MINUTE)
    }

    fn wrong(&self, from: IpAddr, now: Instant) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.retain(|_, (_, since)| now.saturating_sub(*since) < MINUTE);
        if wrong.len() < CALLERS_MAX {
            wrong.entry(from).or_insert((0, now)).0 += 1;
        }
    }
}

#[cfg(test)]
mod tests;

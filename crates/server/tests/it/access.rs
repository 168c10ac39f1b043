//! Who may do what.

use chrono::{TimeDelta, Utc};
use lockgate_catalog::{Role, open_service_sqlite};
use lockgate_server::new_token;
use lockgate_types::{Actor, Effects};
use reqwest::Method;
use serde_json::json;

use crate::server::{ORDERS, Server};

async fn token(server: &Server, name: &str, role: Role, expires_in: Option<TimeDelta>) -> (String, String) {
    let catalog = open_service_sqlite(&server.root().join(".lockgate/catalog.db"), Effects::real()).await.unwrap();
    let now = Utc::now();
    let (token, secret) = new_token(name, role, &Actor("ada".to_owned()), now, expires_in.map(|after| now + after));
    catalog.add_token(&token).await.unwrap();
    catalog.close().await;
    (token.id, secret)
}

async fn status(server: &Server, method: Method, path: &str, secret: &str, body: &str) -> u16 {
    let request = server.request(method, path).bearer_auth(secret).header("content-type", "application/json");
    request.body(body.to_owned()).send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_role_may_what_it_may() {
    let server = Server::start(ORDERS, true).await;
    let mut secrets = Vec::new();
    for role in Role::ALL {
        secrets.push(token(&server, role.as_str(), role, None).await.1);
    }
    let expect = async |method: Method, path: &str, body: &str, statuses: [u16; 3]| {
        for (secret, expected) in secrets.iter().zip(statuses) {
            assert_eq!(status(&server, method.clone(), path, secret, body).await, expected, "{method} {path} {body}");
        }
    };
    expect(Method::GET, "/api/v1/assets", "", [200; 3]).await;
    expect(Method::POST, "/api/v1/query", r#"{"sql": "select 1 as one"}"#, [200; 3]).await;
    expect(Method::POST, "/api/v1/plan", "{}", [200; 3]).await;
    expect(Method::POST, "/api/v1/runs", r#"{"selectors": ["no.such"]}"#, [403, 422, 422]).await;
    expect(Method::POST, "/api/v1/gates/mart.revenue/publish", r#"{"version": 1, "why": "x"}"#, [403, 409, 409]).await;
    expect(Method::POST, "/api/v1/gates/mart.revenue/dismiss", r#"{"version": 1, "why": "x"}"#, [403, 409, 409]).await;
    expect(Method::POST, "/api/v1/assets/mart.revenue/rollback", r#"{"to": 1, "why": "x"}"#, [403, 404, 404]).await;
    let suppress = r#"{"asset": "mart.revenue", "check": "no", "until": "2200-01-01", "why": "x"}"#;
    expect(Method::POST, "/api/v1/suppressions", suppress, [403, 422, 422]).await;
    expect(Method::POST, "/api/v1/schedules/no/pause", r#"{"why": "x"}"#, [403, 404, 404]).await;
    expect(Method::GET, "/api/v1/tokens", "", [403, 403, 200]).await;
    expect(Method::POST, "/api/v1/tokens", r#"{"name": "x", "role": "no"}"#, [403, 403, 400]).await;
    expect(Method::DELETE, "/api/v1/tokens/no", "", [403, 403, 404]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_token_that_ended_is_no_token() {
    let server = Server::start(ORDERS, true).await;
    let get = async |secret: &str| status(&server, Method::GET, "/api/v1/assets", secret, "").await;
    let (_, expired) = token(&server, "old", Role::Admin, Some(TimeDelta::seconds(-1))).await;
    assert_eq!(get(&expired).await, 401);
    let (id, secret) = token(&server, "ci", Role::Admin, Some(TimeDelta::hours(1))).await;
    assert_eq!(get(&secret).await, 200);
    assert_eq!(get(&secret[..67]).await, 401, "all of it is needed");
    assert_eq!(status(&server, Method::DELETE, &format!("/api/v1/tokens/{id}"), &secret, "").await, 204);
    assert_eq!(get(&secret).await, 401, "revoked at once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_session_is_a_cookie_that_scripts_cannot_read() {
    let server = Server::start(ORDERS, true).await;
    let (id, secret) = token(&server, "ada", Role::Operator, None).await;
    let request = server.request(Method::POST, "/api/v1/session").header("content-type", "application/json");
    let response = request.body(json!({ "token": secret }).to_string()).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    let cookie = response.headers()["set-cookie"].to_str().unwrap().to_owned();
    for word in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    assert!(!cookie.contains(&secret), "the cookie is not the token");
    let pair = cookie.split(';').next().unwrap().to_owned();
    let with = async |method: Method, path: &str, origin: Option<&str>| {
        let mut request =
            server.request(method, path).header("cookie", &pair).header("content-type", "application/json");
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        request.body("{}").send().await.unwrap().status().as_u16()
    };
    assert_eq!(with(Method::GET, "/api/v1/project", None).await, 200);
    assert_eq!(with(Method::POST, "/api/v1/plan", Some(&server.url)).await, 200);
    assert_eq!(with(Method::POST, "/api/v1/runs", Some("http://evil.example")).await, 403);
    // Whose token ends, their sessions end.
    let admin = token(&server, "root", Role::Admin, None).await.1;
    assert_eq!(status(&server, Method::DELETE, &format!("/api/v1/tokens/{id}"), &admin, "").await, 204);
    assert_eq!(with(Method::GET, "/api/v1/project", None).await, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_guesses_is_stopped() {
    let server = Server::start(ORDERS, true).await;
    let mut statuses = Vec::new();
    for number in 0..25 {
        statuses.push(status(&server, Method::GET, "/api/v1/assets", &format!("guess{number}"), "").await);
    }
    assert_eq!(statuses[..20], [401; 20]);
    assert_eq!(statuses[20..], [429; 5]);
}

/// Headers that keep pages of others out, on every answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn answers_are_for_this_site_alone() {
    let server = Server::of(ORDERS).await;
    for path in ["/", "/assets/x.js", "/api/v1/assets", "/api/v1/nothing", "/healthz"] {
        let response = server.get(path).await;
        let header = |name: &str| response.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        assert!(header("content-security-policy").contains("default-src 'self'"), "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("x-frame-options"), "DENY", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
        assert!(!response.headers().contains_key("access-control-allow-origin"), "{path}");
    }
    for path in ["/..%2f..%2fetc%2fpasswd", "/assets/..%2f..%2fCargo.toml", "/%2e%2e/lockgate.yml", "/lockgate.yml"] {
        let text = server.get(path).await.text().await.unwrap();
        assert!(!text.contains("name: shop") && !text.contains("root:"), "{path}: {text}");
    }
    let large = format!("{{\"sql\": \"select '{}' as x\"}}", "x".repeat(2 << 20));
    let request = server.request(Method::POST, "/api/v1/query").header("content-type", "application/json");
    assert_eq!(request.body(large).send().await.unwrap().status().as_u16(), 413);
}

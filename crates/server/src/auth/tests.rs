#![allow(clippy::unwrap_used)] // a test that cannot go on should say where

use super::*;

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (header::HeaderName::from_static(name), value.parse().unwrap())).collect()
}

#[test]
fn another_site_changes_nothing() {
    let post = |pairs: &[(&'static str, &str)]| same_site(&Method::POST, &headers(pairs), false).is_ok();
    assert!(post(&[("host", "127.0.0.1:7700")]), "a script sends no Origin");
    assert!(post(&[("host", "localhost:7700"), ("origin", "http://localhost:7700")]));
    assert!(!post(&[("host", "localhost:7700"), ("origin", "http://evil.example")]));
    assert!(
        !post(&[("host", "localhost:7700"), ("origin", "http://localhost:8080")]),
        "another port is another origin"
    );
    assert!(!post(&[("host", "localhost:7700"), ("origin", "null")]));
    assert!(!post(&[("host", "localhost:7700"), ("sec-fetch-site", "cross-site")]));
    assert!(!post(&[("host", "localhost:7700"), ("sec-fetch-site", "same-site")]));
    assert!(post(&[("host", "[::1]:7700"), ("origin", "http://[::1]:7700"), ("sec-fetch-site", "same-origin")]));
}

#[test]
fn without_sign_in_only_this_machine_is_named() {
    let get = |host: &str, required: bool| same_site(&Method::GET, &headers(&[("host", host)]), required).is_ok();
    for host in ["localhost", "LOCALHOST:1", "127.0.0.1:7700", "127.8.8.8", "[::1]:7700"] {
        assert!(get(host, false), "{host}");
    }
    for host in
        ["", "evil.example:7700", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1:7700", "0.0.0.0"]
    {
        assert!(!get(host, false), "{host}");
        assert!(get(host, true), "{host}: a token says who it is");
    }
}

#[test]
fn cookies_and_bearers_are_found() {
    let found = headers(&[("cookie", "a=b; lockgate_session=lgt_1; c=d"), ("authorization", "bearer  lgt_2 ")]);
    assert_eq!(cookie(&found), Some("lgt_1"));
    assert_eq!(bearer(&found), Some("lgt_2"));
    assert_eq!(cookie(&headers(&[("cookie", "xlockgate_session=1")])), None);
    assert_eq!(bearer(&headers(&[("authorization", "Basic abc")])), None);
}

#[test]
fn secrets_are_long_and_unlike() {
    let now = DateTime::from_timestamp(0, 0).unwrap();
    let (token, first) = new_token("ci", Role::Viewer, &Actor("ada".to_owned()), now, None);
    let (_, second) = new_token("ci", Role::Viewer, &Actor("ada".to_owned()), now, None);
    assert_ne!(first, second);
    assert_eq!(first.len(), 68);
    assert_eq!(token.hash, hash(&first));
    assert!(!first.contains(&token.id), "the id tells nothing of the secret");
}

#[test]
fn a_bucket_runs_dry_and_fills_again() {
    let pace = Pace { rate: 2.0, ..Pace::default() };
    let at = Duration::from_millis;
    for _ in 0..8 {
        pace.take("ada", at(0)).unwrap();
    }
    assert_eq!(pace.take("ada", at(0)).unwrap_err().status, StatusCode::TOO_MANY_REQUESTS);
    pace.take("bob", at(0)).unwrap();
    pace.take("ada", at(600)).unwrap();
    assert!(pace.take("ada", at(600)).is_err());
}

#[test]
fn who_guesses_is_not_listened_to() {
    let pace = Pace::default();
    let from = IpAddr::from([127, 0, 0, 1]);
    let at = Duration::from_secs;
    (0..WRONG_MAX).for_each(|_| pace.wrong(from, at(1)));
    assert!(pace.wrong_too_often(from, at(2)));
    assert!(!pace.wrong_too_often(IpAddr::from([127, 0, 0, 2]), at(2)));
    assert!(!pace.wrong_too_often(from, at(62)));
}

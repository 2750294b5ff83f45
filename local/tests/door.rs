//! What local mode's own server does beside the functions: whom it answers, what it closes, and how its session is kept.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::net::Ipv4Addr;
use std::sync::Arc;

use edge::{Clock, Config};
use local::embedded::Embedded;
use local::{Parts, Running, System};
use store::LocalKeyLayer;
use tokio::net::{TcpListener, TcpStream};

async fn started() -> (u16, System, Running) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let parts = Parts {
        backend: Arc::new(Embedded::in_memory().unwrap()),
        key_layer: Arc::new(LocalKeyLayer::ephemeral()),
        clock: Clock::System,
        config: Config::at(format!("http://localhost:{port}")),
    };
    let system = parts.assemble().await.unwrap();
    let router = local::guarded(local::router(&system), port);
    (port, system, local::serve(listener, router))
}

/// Sends bytes, and gives all that comes until the server closes.
async fn exchange(port: u16, request: &[u8]) -> String {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    let mut left = request;
    while !left.is_empty() {
        stream.writable().await.unwrap();
        match stream.try_write(left) {
            Ok(written) => left = &left[written..],
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock, "{error}"),
        }
    }
    let (mut answer, mut some) = (vec![], [0; 4_096]);
    loop {
        stream.readable().await.unwrap();
        match stream.try_read(&mut some) {
            Ok(0) => return String::from_utf8_lossy(&answer).into_owned(),
            Ok(read) => answer.extend_from_slice(&some[..read]),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock, "{error}"),
        }
    }
}

async fn get(port: u16, host: &str, path: &str) -> String {
    exchange(port, format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").as_bytes()).await
}

#[tokio::test]
async fn only_this_computer_is_answered() {
    let (port, _system, _running) = started().await;
    for own in
        [format!("localhost:{port}"), format!("127.0.0.1:{port}"), format!("[::1]:{port}"), format!("LOCALHOST:{port}")]
    {
        assert!(get(port, &own, "/").await.starts_with("HTTP/1.1 200"), "{own}");
    }
    for other in
        ["localhost", "evil.example", &format!("evil.example:{port}"), "localhost:1", &format!("localhost.:{port}"), ""]
    {
        let answer = get(port, other, "/").await;
        assert!(
            answer.starts_with("HTTP/1.1 403") && answer.contains("x-sikkerkey-error: host_refused"),
            "{other}: {answer}"
        );
    }
    let none = exchange(port, b"GET / HTTP/1.0\r\n\r\n").await;
    assert!(none.contains(" 403 "), "{none}");
}

/// Who can only reach the port must not read links that set passwords.
#[tokio::test]
async fn mails_are_where_only_the_console_says() {
    let (port, system, _running) = started().await;
    let host = format!("localhost:{port}");
    let path = system.outbox.path().to_owned();
    assert!(path.strip_prefix("/outbox/").is_some_and(|secret| secret.len() == 64), "{path}");
    assert!(get(port, &host, &path).await.starts_with("HTTP/1.1 200"));
    for other in ["/outbox", "/outbox/", path.strip_suffix(char::is_alphanumeric).unwrap(), &format!("{path}0")] {
        assert!(get(port, &host, other).await.starts_with("HTTP/1.1 404"), "{other}");
    }
}

/// The time stands still for the test, so thirty seconds are over as soon as nobody has anything to do.
#[tokio::test(start_paused = true)]
async fn a_head_that_never_ends_is_not_waited_for() {
    let (port, _system, _running) = started().await;
    for begun in [&b""[..], b"GET / HT", b"GET / HTTP/1.1\r\nhost: localhost\r\nx-slow: "] {
        let answer = exchange(port, begun).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
}

/// A client that goes on sending sees the answer and not a broken connection.
#[tokio::test]
async fn a_body_over_the_limit_is_answered_with_413() {
    let (port, _system, _running) = started().await;
    let size = 8 * 1_024 * 1_024;
    let path = "/v1/account/sign-in";
    let announced = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost:{port}\r\nx-sikkerkey-request: 1\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {size}\r\n\r\n"
    );
    let mut request = announced.into_bytes();
    request.resize(request.len() + size, b' ');
    let answer = exchange(port, &request).await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("body_too_large"), "{answer}");
}

/// Many clients drop a Secure cookie over http, and the prefix of the other name demands one.
#[tokio::test]
async fn the_session_is_in_a_cookie_that_clients_keep_over_http() {
    let (port, _system, _running) = started().await;
    let host = format!("localhost:{port}");
    let body = r#"{"email":"owner@example.org","username":"owner","password":"a long passw0rd!"}"#;
    let sign_up = format!(
        "POST /v1/account/sign-up HTTP/1.1\r\nhost: {host}\r\nx-sikkerkey-request: 1\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = exchange(port, sign_up.as_bytes()).await;
    let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect(&answer);
    assert!(cookie.starts_with("sikkerkey-local=") && !cookie.contains("Secure"), "{cookie}");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let token = cookie.split(';').next().unwrap().split_once('=').unwrap().1;
    for name in ["sikkerkey-local", "__Host-sikkerkey"] {
        let ask = format!(
            "GET /v1/account HTTP/1.1\r\nhost: {host}\r\ncookie: a=b; {name}={token}\r\nconnection: close\r\n\r\n"
        );
        assert!(exchange(port, ask.as_bytes()).await.starts_with("HTTP/1.1 200"), "{name}");
    }
}

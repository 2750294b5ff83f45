//! Addresses that somebody chose to have us speak to what only we can reach: none is reached.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use http::HeaderMap;
use outbound::{Failed, Names, Outbound, Policy, Refused, SystemNames};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A name server of the test: a name says which addresses it has, and changes its answer when the test says so.
struct Told(AtomicUsize);

#[async_trait]
impl Names for Told {
    async fn addresses(&self, name: &str) -> std::io::Result<Vec<IpAddr>> {
        let asked = self.0.fetch_add(1, Ordering::SeqCst);
        let texts: &[&str] = match name {
            "public.example.org" => &["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"],
            "changes.example.org" if asked == 0 => &["93.184.215.14"],
            "changes.example.org" => &["127.0.0.1"],
            "private.example.org" => &["10.0.0.7"],
            "both.example.org" => &["93.184.215.14", "127.0.0.1"],
            "six.example.org" => &["::1"],
            "mapped.example.org" => &["::ffff:127.0.0.1"],
            "nat64.example.org" => &["64:ff9b::7f00:1"],
            "teredo.example.org" => &["2001:0:4136:e378:8000:63bf:3fff:fdd2"],
            "sixtofour.example.org" => &["2002:7f00:1::1"],
            "metadata.example.org" => &["169.254.169.254"],
            "nothing.example.org" => &[],
            _ => return Err(std::io::ErrorKind::NotFound.into()),
        };
        Ok(texts.iter().map(|text| text.parse().unwrap()).collect())
    }
}

fn guarded(policy: Policy) -> Outbound {
    Outbound::new(policy, Arc::new(Told(AtomicUsize::new(0)))).unwrap()
}

fn policy() -> Policy {
    Policy { own_hosts: vec!["keys.example.org".to_owned()], ports: vec![8_443], ..Policy::default() }
}

const HOSTILE: &[&str] = &[
    // No URL of ours.
    "",
    "example.org",
    "//example.org/",
    "https://",
    "https:///path",
    "/hooks",
    "javascript:alert(1)",
    "data:text/plain,x",
    "file:///etc/passwd",
    "ftp://public.example.org/",
    "gopher://public.example.org:70/",
    "ws://public.example.org/",
    "unix:/run/docker.sock",
    "http://public.example.org/",
    "HTTP://public.example.org/",
    "https://exa mple.org/",
    "https://public.example.org:0/",
    "https://public.example.org:80/",
    "https://public.example.org:22/",
    "https://public.example.org:6379/",
    "https://public.example.org:65536/",
    "https://public.example.org:9001/",
    // Somebody else than it seems.
    "https://user@public.example.org/",
    "https://user:word@public.example.org/",
    "https://public.example.org@127.0.0.1/",
    "https://public.example.org:443@127.0.0.1/",
    "https://:word@public.example.org/",
    "https://127.0.0.1#@public.example.org/",
    "https://127.0.0.1?@public.example.org/",
    "https://127.0.0.1\\@public.example.org/",
    "https:\\\\127.0.0.1\\",
    // This computer, in every way to write it.
    "https://127.0.0.1/",
    "https://127.0.0.1:8443/",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://0x7f.1/",
    "https://127.0.0.1./",
    "https://0/",
    "https://0.0.0.0/",
    "https://127.255.255.254/",
    "https://①②⑦.⓪.⓪.①/",
    "https://127。0。0。1/",
    "https://%31%32%37.0.0.1/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://a.localhost/",
    "https://[::1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::127.0.0.1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "https://[fe80::5efe:127.0.0.1]/",
    // Our network.
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://3232235777/",
    "https://100.64.0.1/",
    "https://[fc00::1]/",
    "https://[fd12:3456::1]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[ff02::1]/",
    "https://198.18.0.1/",
    // The cloud's metadata, and the runtime of a function.
    "https://169.254.169.254/latest/meta-data/",
    "https://[fd00:ec2::254]/",
    "https://2852039166/",
    "https://0xa9fea9fe/",
    "https://[::ffff:169.254.169.254]/",
    "https://169.254.170.2/v2/credentials",
    "https://169.254.100.1/",
    "http://127.0.0.1:9001/2018-06-01/runtime/invocation/next",
    // Names that lead there.
    "https://private.example.org/",
    "https://both.example.org/",
    "https://six.example.org/",
    "https://mapped.example.org/",
    "https://nat64.example.org/",
    "https://teredo.example.org/",
    "https://sixtofour.example.org/",
    "https://metadata.example.org/",
    "https://nothing.example.org/",
    "https://nobody.example.org/",
    // Ourselves.
    "https://keys.example.org/v1/manage/projects",
    "https://KEYS.example.org/",
    "https://keys.example.org./",
];

#[tokio::test]
async fn hostile_urls_are_refused_and_not_sent_to() {
    assert!(HOSTILE.len() >= 80, "{}", HOSTILE.len());
    let outbound = guarded(policy());
    for url in HOSTILE {
        let refused = outbound.check(url).await.expect_err(url);
        let sent = outbound.post(url, HeaderMap::new(), "{}".to_owned()).await;
        assert_eq!(sent, Err(Failed::Refused(refused)), "{url}");
    }
    for good in ["https://public.example.org/hooks?a=b#c", "https://public.example.org:8443", "https://8.8.8.8/"] {
        assert!(outbound.check(good).await.is_ok(), "{good}");
    }
}

/// The name is public when it is looked at, and this computer when it is connected to.
#[tokio::test]
async fn a_name_that_changes_its_answer_is_not_connected_to() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let outbound = guarded(Policy { ports: vec![port], ..policy() });
    let url = format!("https://changes.example.org:{port}/");
    assert!(outbound.check(&url).await.is_ok());
    let sent = outbound.post(&url, HeaderMap::new(), "{}".to_owned()).await;
    assert_eq!(sent, Err(Failed::Refused(Refused::NotPublic)));
    let connected = tokio::select! {
        biased;
        _ = listener.accept() => true,
        () = std::future::ready(()) => false,
    };
    assert!(!connected);
}

/// A receiver on this computer that answers with this and then waits.
async fn receiver(answer: &'static str) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = requests.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4_096]).await;
                let _ = stream.write_all(answer.as_bytes()).await;
                std::future::pending::<()>().await;
            });
        }
    });
    (url, requests)
}

fn trying_out() -> Outbound {
    let policy = Policy { loopback: true, timeout: Duration::from_millis(300), ..Policy::default() };
    Outbound::new(policy, Arc::new(SystemNames)).unwrap()
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let (aim, reached) = receiver("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let redirect = format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {aim}\r\ncontent-length: 0\r\n\r\n");
    let (url, requests) = receiver(redirect.leak()).await;
    assert_eq!(trying_out().post(&url, HeaderMap::new(), "{}".to_owned()).await, Ok(307));
    assert_eq!((requests.load(Ordering::SeqCst), reached.load(Ordering::SeqCst)), (1, 0));
}

#[tokio::test]
async fn an_answer_without_an_end_costs_nothing_and_a_slow_one_ends() {
    let (endless, _) = receiver("HTTP/1.1 200 OK\r\ncontent-length: 999999999999\r\n\r\nand so on").await;
    assert_eq!(trying_out().post(&endless, HeaderMap::new(), "{}".to_owned()).await, Ok(200));
    let (silent, _) = receiver("").await;
    assert_eq!(trying_out().post(&silent, HeaderMap::new(), "{}".to_owned()).await, Err(Failed::TimedOut));
    let (odd, _) = receiver("SSH-2.0-OpenSSH_9.2\r\n\r\n").await;
    assert_eq!(trying_out().post(&odd, HeaderMap::new(), "{}".to_owned()).await, Err(Failed::NoAnswer));
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let sent = trying_out().post(&format!("http://{nobody}/"), HeaderMap::new(), "{}".to_owned()).await;
    assert_eq!(sent, Err(Failed::NotConnected));
}

/// This computer is taken only where that was said, and nothing else that is not public even there.
#[tokio::test]
async fn this_computer_is_taken_where_it_is_allowed() {
    let (url, _) = receiver("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_eq!(trying_out().post(&url, HeaderMap::new(), "{}".to_owned()).await, Ok(204));
    let by_name = url.replace("127.0.0.1", "localhost");
    assert_eq!(trying_out().post(&by_name, HeaderMap::new(), "{}".to_owned()).await, Ok(204));
    for other in ["http://10.0.0.1/", "https://169.254.169.254/", "http://public.example.org/", "ftp://localhost/"] {
        assert!(trying_out().check(other).await.is_err(), "{other}");
    }
    assert!(guarded(policy()).check(&url).await.is_err());
}

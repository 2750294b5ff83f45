//! The load generator: clients on threads of their own, each with one connection, sharing a list of requests that
//! were made before.
#![expect(clippy::disallowed_methods, reason = "measures time")]

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::figures::Window;
use crate::processes::{cpu_of, own_cpu};
use bench::Failure;
use bench::http::Connection;

/// Time for the threads to be there before the first request.
const HEAD_START: Duration = Duration::from_millis(20);
/// How long before its time a sender stops sleeping and watches the clock: sleeping wakes up to this much late.
const WATCH: Duration = Duration::from_micros(120);

/// When requests are sent.
#[derive(Clone, Copy)]
pub enum Pace {
    /// The next one as soon as the one before is answered.
    FlatOut,
    /// This many a second, whether or not those before are answered. Times count from when a request should have been
    /// sent, so a server that stalls is charged for the requests that had to wait.
    PerSecond(f64),
}

/// The body that has to come back.
#[derive(Clone, Copy)]
pub enum Expected<'a> {
    /// This.
    Whole(&'a [u8]),
    /// One that has this in it, and something else each time.
    Part(&'a [u8]),
}

impl Expected<'_> {
    fn is_met(self, body: &[u8]) -> bool {
        match self {
            Self::Whole(whole) => body == whole,
            Self::Part(part) => body.windows(part.len()).any(|window| window == part),
        }
    }
}

/// What is asked, and what has to come back.
pub struct Target<'a> {
    pub address: SocketAddr,
    pub pid: u32,
    pub status: u16,
    pub body: Expected<'a>,
}

fn wait_until(time: Instant) {
    std::thread::sleep(time.saturating_duration_since(Instant::now()).saturating_sub(WATCH));
    while Instant::now() < time {
        std::hint::spin_loop();
    }
}

/// Sends all requests, and checks every answer.
pub fn drive(target: &Target, clients: usize, pace: Pace, requests: &[&[u8]]) -> Result<Window, Failure> {
    let connections: Vec<Connection> =
        (0..clients).map(|_| Connection::open(target.address)).collect::<Result<_, _>>()?;
    let next = AtomicUsize::new(0);
    let cpu_before = (cpu_of(target.pid)?, own_cpu()?);
    let start = Instant::now() + HEAD_START;
    let client = |mut connection: Connection| -> Result<(Vec<Duration>, Instant), Failure> {
        let mut times = Vec::with_capacity(requests.len());
        wait_until(start);
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(request) = requests.get(index) else { return Ok((times, Instant::now())) };
            let from = match pace {
                Pace::FlatOut => Instant::now(),
                Pace::PerSecond(rate) => {
                    let due = start + Duration::from_secs_f64(index as f64 / rate);
                    wait_until(due);
                    due
                }
            };
            let answer = connection.exchange(request)?;
            if answer.status != target.status || !target.body.is_met(answer.body) {
                let said = String::from_utf8_lossy(answer.body);
                return Err(format!("a request was answered {}: {said}", answer.status).into());
            }
            times.push(from.elapsed());
        }
    };
    let results = std::thread::scope(|scope| {
        let client = &client;
        let threads: Vec<_> =
            connections.into_iter().map(|connection| scope.spawn(move || client(connection))).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, _>| thread.join().map_err(|_| "a client panicked");
        threads.into_iter().map(join).collect::<Result<Vec<_>, _>>()
    })?;
    let cpu_after = (cpu_of(target.pid)?, own_cpu()?);
    let (mut times, mut end) = (Vec::with_capacity(requests.len()), start);
    for result in results {
        let (some, last) = result?;
        times.extend(some);
        end = end.max(last);
    }
    let generator = if target.pid == std::process::id() { Duration::ZERO } else { cpu_after.1 - cpu_before.1 };
    Ok(Window::new(times, end - start, cpu_after.0 - cpu_before.0, generator))
}

//! The server as a process of its own, and how much processor time a process has used.

use std::io::{self, BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use bench::Failure;

/// Clock ticks in a second, in which `/proc` counts: fixed at 100 for programs on Linux.
const TICKS: u64 = 100;

/// A running server. Dropping it ends it.
pub struct Server {
    child: Arc<Mutex<Child>>,
    pub pid: u32,
    pub address: SocketAddr,
}

impl Server {
    /// Starts `sikkerkey-local`, in memory or on this folder, and waits until it listens.
    pub fn start(binary: &Path, data: Option<&Path>) -> Result<Self, Failure> {
        let mut command = Command::new(binary);
        command.args(["--port", "0"]);
        match data {
            Some(folder) => command.arg("--data").arg(folder),
            None => command.arg("--ephemeral"),
        };
        // Without our environment: what is measured is the default configuration.
        let started = command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut child =
            started.map_err(|error| format!("{}: {error}; build it with tests/bench/run", binary.display()))?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let port = line.trim().rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        let server = Self::of(child, SocketAddr::from((Ipv4Addr::LOCALHOST, port.unwrap_or(0))));
        if port.is_none() {
            return Err("the server did not start".into());
        }
        Ok(server)
    }

    /// A server that was started, and where it listens.
    pub fn of(child: Child, address: SocketAddr) -> Self {
        Self { pid: child.id(), child: Arc::new(Mutex::new(child)), address }
    }

    /// Waits for the signal that ends this process, and ends the server first.
    pub fn end_with_us(&self) -> impl Future<Output = io::Result<()>> + use<> {
        let child = self.child.clone();
        async move {
            let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            end(&child);
            std::process::exit(1);
        }
    }
}

fn end(child: &Mutex<Child>) {
    let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = child.kill();
    let _ = child.wait();
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&self.child);
    }
}

/// User and system time that a process has used, all threads, to a hundredth of a second.
pub fn cpu_of(pid: u32) -> io::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    cpu_in(&stat).ok_or_else(|| io::Error::other("a process status of another shape"))
}

/// The same of this process.
pub fn own_cpu() -> io::Result<Duration> {
    cpu_of(std::process::id())
}

/// Processor time of the whole machine since it started: in use or taken by the hypervisor, and in all.
#[derive(Clone, Copy)]
pub struct Machine {
    used: Duration,
    all: Duration,
}

impl Machine {
    pub fn now() -> io::Result<Self> {
        let stat = std::fs::read_to_string("/proc/stat")?;
        Self::parse(&stat).ok_or_else(|| io::Error::other("a machine status of another shape"))
    }

    fn parse(stat: &str) -> Option<Self> {
        // User, nice, system, idle, waiting for a disk, two kinds of interrupts, stolen; what follows is counted already.
        let ticks = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace().take(8).map(str::parse::<u64>);
        let ticks: Vec<u64> = ticks.collect::<Result<_, _>>().ok()?;
        let time = |ticks: u64| Duration::from_millis(ticks * 1_000 / TICKS);
        let all: u64 = ticks.iter().sum();
        Some(Self { used: time(all - ticks.get(3)? - ticks.get(4)?), all: time(all) })
    }

    /// The share of the machine that was used since `before` by others than those whose time is given.
    pub fn share_of_others(self, before: Self, ours: Duration) -> f64 {
        let others = (self.used - before.used).saturating_sub(ours);
        others.as_secs_f64() / (self.all - before.all).as_secs_f64()
    }
}

fn cpu_in(stat: &str) -> Option<Duration> {
    // The second field is the program's name in brackets, which may hold anything; fields 14 and 15 are the times.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 1_000 / TICKS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_any_name() {
        let stat = "12 (a) b (c) S 1 2 3 0 -1 4194304 10 0 0 0 150 25 7 8 20 0 1 0 5";
        assert_eq!(cpu_in(stat), Some(Duration::from_millis(1_750)));
        assert_eq!(cpu_in("12 (a) S 1"), None);
        assert!(own_cpu().is_ok());
    }

    #[test]
    fn what_others_use_is_what_is_left() {
        let before = Machine::parse("cpu  100 0 50 800 50 0 0 0 7 7\ncpu0 1 1").unwrap();
        let after = Machine::parse("cpu  130 0 60 840 60 5 5 0 7 7\ncpu0 1 1").unwrap();
        let share = after.share_of_others(before, Duration::from_millis(250));
        assert!((share - 0.25).abs() < 1e-9, "{share}");
        assert!(Machine::now().is_ok());
    }
}

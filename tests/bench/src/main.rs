//! Measures a signed read against its bare floor, in one run.
//!
//! The server is a process of its own; the floor (the same store calls and cryptography without the server) runs in
//! this one. Windows of both alternate, so that what slows the machine for a while slows both sides, and figures are
//! medians over the rounds. Nothing here asserts a time.

mod beside;
mod capacity;
mod figures;
mod floor;
mod instance;
mod load;
mod processes;
mod report;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bench::Failure;
use bench::fixture::{Fixture, VALUE, host_of};
use clap::Parser;

use crate::beside::Beside;
use crate::figures::Windows;
use crate::floor::{Floor, Kind, PartMedians};
use crate::load::{Expected, Pace, Target, drive};
use crate::processes::{Machine, Server, cpu_of, own_cpu};

/// Clients of the second kind of window, and the most that the constant rate may have under way.
const MANY: usize = 16;
/// Operations that warm a side up and show how many fit into a window.
const WARM_UP: usize = 500;
/// Reads whose store requests are counted.
const COUNTED: usize = 100;
/// A request that no route takes, and its answer: what HTTP and the generator cost without a read.
const NO_ROUTE_ANSWER: &[u8] = br#"{"error":"Route not found"}"#;

/// Measures signed reads: reads per second, p50 and p99, DynamoDB requests and capacity, CPU, and the ratio to the bare
/// floor. Takes about a minute, uses loopback only.
#[derive(Parser)]
#[command(name = "tests/bench/run")]
struct Arguments {
    /// Rounds; figures are medians over them.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Length of one window in seconds, about; a round has ten.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Reads a second of the constant rate.
    #[arg(long, default_value_t = 500.0)]
    rate: f64,
    /// Keep the stores of both sides on disk, in a folder of their own under this one that is removed afterwards.
    /// Without this they are in memory.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// OpenBao's program `bao` or Vault's `vault`: its key-value reads with a token, in memory and audited to a file, are
    /// measured in the same rounds.
    #[arg(long, value_name = "PROGRAM")]
    beside: Option<PathBuf>,
    /// The server's program; if not given, the one built beside this one.
    #[arg(long)]
    server: Option<PathBuf>,
}

/// Everything that one run measured.
struct Measured {
    floor: [Windows; 2],
    behind_sockets: [Windows; 2],
    in_process: [Windows; 2],
    read: [Windows; 2],
    no_route: [Windows; 2],
    beside: Option<[Windows; 2]>,
    constant: Windows,
    parts: PartMedians,
    asked: capacity::Asked,
    /// The share of the machine that other processes used meanwhile.
    others: f64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match measure(&arguments) {
        Ok(measured) => {
            let report = if arguments.json {
                format!("{:#}", measured.to_json(&arguments))
            } else {
                measured.to_text(&arguments)
            };
            // A reader that has gone away, such as `head`, is no error of ours.
            let _ = writeln!(std::io::stdout(), "{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("tests/bench/run: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Result<Measured, Failure> {
    if !(0.1..=60.0).contains(&arguments.seconds) || !(1.0..=100_000.0).contains(&arguments.rate) {
        return Err("--seconds must be 0.1 to 60 and --rate 1 to 100000".into());
    }
    // As many threads as the server's own runtime has.
    let runtime = tokio::runtime::Runtime::new()?;
    let asked = runtime.block_on(capacity::count(COUNTED))?;

    let folder = arguments.data.as_ref().map(tempfile::tempdir_in).transpose()?;
    let within = |name: &str| folder.as_ref().map(|folder| folder.path().join(name));
    let binary = match &arguments.server {
        Some(path) => path.clone(),
        None => std::env::current_exe()?.with_file_name("sikkerkey-local"),
    };
    let server = Server::start(&binary, within("server").as_deref())?;
    runtime.spawn(server.end_with_us());
    let fixture = Fixture::set_up(server.address)?;
    let host = host_of(server.address);
    let no_route_request = format!("GET /v1/no-such-route HTTP/1.1\r\nhost: {host}\r\n\r\n").into_bytes();
    let beside = arguments.beside.as_deref().map(Beside::start).transpose()?;
    if let Some(beside) = &beside {
        runtime.spawn(beside.server.end_with_us());
    }
    // A store of its own for each kind of window, so that none is slowed by the rows that another has written.
    let start = |file: &str| runtime.block_on(Floor::start(within(file).as_deref())).map(Arc::new);
    let floor = start("floor.sqlite")?;
    let floor_of_sockets = start("sockets.sqlite")?;
    let floor_of_reads = start("in-process.sqlite")?;

    let body = Fixture::expected_body();
    let target = Target { address: server.address, pid: server.pid, status: 200, body: Expected::Whole(&body) };
    let no_route = Target { status: 404, body: Expected::Whole(NO_ROUTE_ANSWER), ..target };
    let reads = |clients, pace, number| {
        let signed = fixture.sign_many(number);
        drive(&target, clients, pace, &signed.iter().map(|request| request.bytes.as_slice()).collect::<Vec<_>>())
    };
    let misses = |clients, number| drive(&no_route, clients, Pace::FlatOut, &vec![no_route_request.as_slice(); number]);
    let reads_beside = |of: &Beside, clients, number| {
        let (address, pid) = (of.server.address, of.server.pid);
        let target = Target { address, pid, status: 200, body: Expected::Part(VALUE.as_bytes()) };
        drive(&target, clients, Pace::FlatOut, &vec![of.read.as_slice(); number])
    };
    let fitting = |per_second: f64| (per_second * arguments.seconds).ceil() as usize;

    let mut measured = Measured {
        floor: Default::default(),
        behind_sockets: Default::default(),
        in_process: Default::default(),
        read: Default::default(),
        no_route: Default::default(),
        beside: beside.as_ref().map(|_| Default::default()),
        constant: Windows::default(),
        parts: PartMedians::default(),
        asked,
        others: 0.0,
    };
    let of_beside = || beside.as_ref().map_or(Ok(Duration::ZERO), |beside| cpu_of(beside.server.pid));
    let before = (Machine::now()?, own_cpu()? + cpu_of(server.pid)? + of_beside()?);
    let clients = [1, MANY];
    let mut numbers = [[0; 6]; 2];
    for (numbers, clients) in numbers.iter_mut().zip(clients) {
        *numbers = [
            fitting(floor.run(&runtime, Kind::Floor, clients, WARM_UP)?.0.per_second()),
            fitting(floor_of_sockets.behind_sockets(&runtime, clients, WARM_UP)?.per_second()),
            fitting(floor_of_reads.run(&runtime, Kind::Read, clients, WARM_UP)?.0.per_second()),
            fitting(reads(clients, Pace::FlatOut, WARM_UP)?.per_second()),
            fitting(misses(clients, WARM_UP)?.per_second()),
            match &beside {
                Some(beside) => fitting(reads_beside(beside, clients, WARM_UP)?.per_second()),
                None => 0,
            },
        ];
    }
    for _ in 0..arguments.rounds {
        for (at, clients) in clients.into_iter().enumerate() {
            let [of_floor, of_behind_sockets, of_in_process, of_reads, of_misses, of_beside] = numbers[at];
            let (window, parts) = floor.run(&runtime, Kind::Floor, clients, of_floor)?;
            measured.floor[at].0.push(window);
            if clients == 1 {
                measured.parts = parts;
            }
            measured.behind_sockets[at].0.push(floor_of_sockets.behind_sockets(
                &runtime,
                clients,
                of_behind_sockets,
            )?);
            measured.in_process[at].0.push(floor_of_reads.run(&runtime, Kind::Read, clients, of_in_process)?.0);
            measured.read[at].0.push(reads(clients, Pace::FlatOut, of_reads)?);
            measured.no_route[at].0.push(misses(clients, of_misses)?);
            if let (Some(beside), Some(windows)) = (&beside, &mut measured.beside) {
                windows[at].0.push(reads_beside(beside, clients, of_beside)?);
            }
        }
    }
    let number = fitting(arguments.rate) * arguments.rounds as usize;
    measured.constant.0.push(reads(MANY, Pace::PerSecond(arguments.rate), number)?);
    let ours = own_cpu()? + cpu_of(server.pid)? + of_beside()? - before.1;
    measured.others = Machine::now()?.share_of_others(before.0, ours);
    Ok(measured)
}

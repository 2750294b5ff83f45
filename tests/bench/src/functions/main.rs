//! Measures the functions as Lambda runs them: how long one takes from the start of its process to its first question for
//! work, how long its first request and the one after it take, how much memory it needs, how large its archive is.
//!
//! This process is Lambda's runtime API, DynamoDB (the embedded store) and KMS (a local key) at once, on loopback, so
//! what is measured is the function and not an emulator. Nothing here asserts a time.
#![expect(clippy::disallowed_methods, reason = "measures time")]

mod aws;
mod runtime;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use bench::Failure;
use bench::fixture::Fixture;
use clap::Parser;
use serde_json::{Value, json};

use crate::aws::Aws;
use crate::runtime::{Run, Runtime};

/// Largest archive that a function may have, in bytes: the suite `runtimes` fails above it.
const ZIP_GOAL: u64 = 7_000_000;
/// Longest from start to the first poll, at p50.
const START_GOAL: Duration = Duration::from_millis(10);

/// Measures the functions' starts: time to the first poll of the runtime API, first request and next one, memory, size.
#[derive(Parser)]
#[command(name = "tests/bench/functions")]
struct Arguments {
    /// Starts of each function; figures are medians over them.
    #[arg(long, default_value_t = 21, value_parser = clap::value_parser!(u32).range(1..=1000))]
    starts: u32,
    /// Folder of the functions as cargo lambda builds them.
    #[arg(long)]
    functions: PathBuf,
    /// Folder of one event for each function.
    #[arg(long)]
    events: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What was measured of one function.
struct Figures {
    zip_bytes: u64,
    starts: Vec<Run>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match measure(&arguments) {
        Ok(figures) => {
            let report = if arguments.json { format!("{:#}", to_json(&figures)) } else { to_text(&figures) };
            // A reader that has gone away, such as `head`, is no error of ours.
            let _ = writeln!(std::io::stdout(), "{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("tests/bench/functions: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Result<BTreeMap<String, Figures>, Failure> {
    let tokio = tokio::runtime::Runtime::new()?;
    let aws = tokio.block_on(Aws::start())?;
    let runtime = tokio.block_on(Runtime::start())?;
    let mut measured = BTreeMap::new();
    for (name, event) in events(&arguments.events)? {
        let folder = arguments.functions.join(&name);
        let (zip, program) = (folder.join("bootstrap.zip"), folder.join("unpacked"));
        let zip_bytes = std::fs::metadata(&zip).map_err(|error| format!("{}: {error}", zip.display()))?.len();
        unpack(&zip, &program)?;
        let mut starts = vec![];
        for _ in 0..arguments.starts {
            let events =
                [0, 1].map(|_| if name == "read-secret" { signed(&event, &aws.fixture) } else { event.clone() });
            starts.push(tokio.block_on(runtime.run(&program.join("bootstrap"), &aws.environment(), events))?);
        }
        measured.insert(name, Figures { zip_bytes, starts });
    }
    Ok(measured)
}

/// The events, by the name of their function.
fn events(folder: &Path) -> Result<BTreeMap<String, Value>, Failure> {
    let mut events = BTreeMap::new();
    for file in std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        let path = file?.path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        if path.extension().is_some_and(|extension| extension == "json") {
            events.insert(name, serde_json::from_slice(&std::fs::read(&path)?)?);
        }
    }
    Ok(events)
}

/// The program out of its archive.
fn unpack(zip: &Path, to: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::create_dir_all(to)?;
    let program = to.join("bootstrap");
    let mut archive = zip::ZipArchive::new(std::fs::File::open(zip)?)?;
    std::io::copy(&mut archive.by_name("bootstrap")?, &mut std::fs::File::create(&program)?)?;
    Ok(std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755))?)
}

/// A read that is admitted, in the clothes of this event.
fn signed(event: &Value, fixture: &Fixture) -> Value {
    let request = fixture.sign();
    let mut event = event.clone();
    event["rawPath"] = json!(request.path);
    for (name, value) in &request.headers {
        event["headers"][name.to_lowercase()] = json!(value);
    }
    event
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

impl Figures {
    fn times(&self, of: impl Fn(&Run) -> Duration) -> Vec<Duration> {
        self.starts.iter().map(of).collect()
    }

    fn start(&self) -> Duration {
        median(self.times(|run| run.to_first_poll))
    }

    fn memory_kib(&self) -> u64 {
        self.starts.iter().map(|run| run.memory_kib).max().unwrap_or_default()
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "missed" }
}

fn to_text(figures: &BTreeMap<String, Figures>) -> String {
    let starts = figures.values().next().map_or(0, |figures| figures.starts.len());
    let mut text = format!("medians of {starts} starts; times in ms\n\n");
    let head = ["function", "zip MB", "to first poll", "first request", "next one", "peak MiB"];
    let [function, zip, poll, first, next, memory] = head;
    let _ = writeln!(text, "{function:<20}{zip:>8}{poll:>16}{first:>16}{next:>12}{memory:>10}");
    for (name, of) in figures {
        let _ = writeln!(
            text,
            "{name:<20}{:>8.2}{:>16.1}{:>16.1}{:>12.1}{:>10.1}",
            of.zip_bytes as f64 / 1e6,
            ms(of.start()),
            ms(median(of.times(|run| run.first_request))),
            ms(median(of.times(|run| run.next_request))),
            of.memory_kib() as f64 / 1_024.0
        );
    }
    let largest = figures.values().map(|of| of.zip_bytes).max().unwrap_or_default();
    let slowest = figures.values().map(Figures::start).max().unwrap_or_default();
    let _ = writeln!(text, "\nlargest archive {:.2} MB  goal 7 {}", largest as f64 / 1e6, verdict(largest <= ZIP_GOAL));
    let _ = write!(text, "slowest start {:.1} ms  goal 10 {}", ms(slowest), verdict(slowest <= START_GOAL));
    text
}

fn to_json(figures: &BTreeMap<String, Figures>) -> Value {
    let all = |times: Vec<Duration>| times.into_iter().map(ms).collect::<Vec<_>>();
    let one = |of: &Figures| {
        json!({
            "zipBytes": of.zip_bytes,
            "toFirstPollMs": all(of.times(|run| run.to_first_poll)),
            "firstRequestMs": all(of.times(|run| run.first_request)),
            "nextRequestMs": all(of.times(|run| run.next_request)),
            "peakMemoryKib": of.memory_kib(),
        })
    };
    figures.iter().map(|(name, of)| (name.clone(), one(of))).collect::<serde_json::Map<_, _>>().into()
}

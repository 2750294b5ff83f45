//! `./local/run`: starts everything in one process.

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use edge::{Clock, Config, DeliveryRequest, telemetry};
use functions::Place as _;
use functions::follow_audit::FollowAudit;
use functions::rotate_due::RotateDue;
use functions::sweep_expired::Sweep;
use local::embedded::Embedded;
use local::folder::{self, Folder};
use local::{Parts, System};
use store::{KeyLayer, LocalKeyLayer};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// How often what has expired is swept, as the schedule does on AWS.
const SWEEP: Duration = Duration::from_mins(1);

/// SikkerKey in one process on an embedded store, for development and trying out. Listens on 127.0.0.1 only.
#[derive(Parser)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
#[command(name = "local/run", bin_name = "local/run")]
struct Arguments {
    /// Port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Folder for the store and the server key.
    #[arg(long, default_value = "data", conflicts_with = "ephemeral")]
    data: PathBuf,
    /// Keep nothing: store and server key are in memory only.
    #[arg(long)]
    ephemeral: bool,
    /// Wrap all keys in the folder again, under a new server key, and stop. No value is opened. What was cut off goes on when
    /// it is run again.
    #[arg(long, conflicts_with = "ephemeral")]
    rewrap: bool,
    /// Let webhooks be on this computer, by http too: for trying out a receiver. Without it they are at public addresses.
    #[arg(long)]
    allow_loopback_webhooks: bool,
    /// Open the page of the mails in a browser when ready: there is no other yet.
    #[arg(long)]
    open: bool,
}

/// How often unwrapped keys that were kept long enough are wiped, used or not.
const FORGET: Duration = Duration::from_secs(5);

/// How often the stream of the audit table is looked at.
const STREAM: Duration = Duration::from_secs(1);

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    telemetry::start(environment("SIKKERKEY_LOG").as_deref().unwrap_or("error"), std::io::stderr);
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "local/run: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let prefix = configuration("http://localhost:0")?.table_prefix;
    if arguments.rewrap {
        let (done, kept) = folder::rewrap(&arguments.data, &prefix, Clock::System.now()).await?;
        let (keys, vaults, kept) = (done.keys, done.vaults, kept.display());
        writeln!(std::io::stdout(), "{keys} keys of {vaults} vaults are wrapped under a new server key")?;
        writeln!(std::io::stdout(), "the old key is {kept}; delete it together with the last backup of before")?;
        return Ok(());
    }
    let folder = if arguments.ephemeral { None } else { Some(Folder::open(&arguments.data, &prefix).await?) };
    let (embedded, key_layer): (_, Arc<dyn KeyLayer>) = match &folder {
        Some(folder) => (folder.embedded.clone(), folder.key_layer.clone()),
        None => (Embedded::in_memory()?, Arc::new(LocalKeyLayer::ephemeral())),
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, arguments.port))
        .await
        .map_err(|error| format!("cannot listen on port {}: {error}; choose another with --port", arguments.port))?;
    let port = listener.local_addr()?.port();
    let url = format!("http://localhost:{port}");
    let mut config = configuration(&url)?;
    config.loopback_webhooks = arguments.allow_loopback_webhooks;
    let parts = Parts { backend: Arc::new(embedded.clone()), key_layer, clock: Clock::System, config };
    let system = parts.assemble().await?;

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mails = format!("{url}{}", system.outbox.path());
    let server = local::serve(listener, local::guarded(local::router(&system), port));
    let schedule = tokio::spawn(schedule(system, embedded));
    writeln!(std::io::stdout(), "ready {url}")?;
    std::io::stdout().flush()?;
    // Whoever waits for the first line may be gone by now.
    let _ = writeln!(std::io::stdout(), "mails {mails}");
    if arguments.open {
        open_browser(&mails);
    }
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    schedule.abort();
    server.stop().await?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the one place of this program that reads the environment")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The configuration of the environment, with our own address.
fn configuration(url: &str) -> Result<Config, Failure> {
    let lookup = |name: &str| if name == "SIKKERKEY_URL" { Some(url.to_owned()) } else { environment(name) };
    Ok(Config::from_environment(lookup)?)
}

/// What schedules and the store's own clean-up do on AWS.
async fn schedule(system: System, embedded: Embedded) {
    let sweep = Sweep::new(&system.base, system.seal("sweep-expired"), system.mail("sweep-expired"));
    let rotations = RotateDue::new(&system.base, system.seal("rotate-due"));
    let counts = FollowAudit::new(&system.base, system.mail("follow-audit"), system.courier("follow-audit"));
    // What could not be followed comes again, as on AWS.
    let mut unfollowed = vec![];
    let mut tick = tokio::time::interval(SWEEP);
    let mut forget = tokio::time::interval(FORGET);
    let mut stream = tokio::time::interval(STREAM);
    loop {
        tokio::select! {
            _ = forget.tick() => {
                system.keys.forget_old(system.base.clock.now());
                continue;
            }
            _ = stream.tick() => {
                unfollowed.extend(embedded.take_stream());
                match local::follow(unfollowed.clone(), &counts).await {
                    Ok(_) => unfollowed.clear(),
                    Err(error) => tracing::error!(?error, "records were not followed, the next second tries again"),
                }
                continue;
            }
            _ = tick.tick() => {}
        }
        if let Err(error) = sweep.run().await {
            tracing::error!(?error, "the sweep failed, the next one tries again");
        }
        let deliver = system.deliver.clone();
        tokio::spawn(async move {
            if let Err(error) = deliver.answer(&DeliveryRequest::Due).await {
                tracing::error!(?error, "deliveries failed, the next run tries again");
            }
        });
        if let Err(error) = rotations.run().await {
            tracing::error!(?error, "rotations failed, the next run tries again");
        }
        let embedded = embedded.clone();
        if let Ok(Err(error)) = tokio::task::spawn_blocking(move || embedded.sweep_ttl()).await {
            tracing::error!(%error, "dropping old rows failed, the next sweep tries again");
        }
    }
}

fn open_browser(url: &str) {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    if let Err(error) = std::process::Command::new(opener).arg(url).spawn() {
        tracing::warn!(%error, "no browser could be opened");
    }
}

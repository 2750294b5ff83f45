//! `./local/run`: starts everything in one process.

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use edge::{Clock, Config, telemetry};
use functions::Place as _;
use functions::follow_audit::FollowAudit;
use functions::sweep_expired::Sweep;
use local::embedded::Embedded;
use local::{Parts, System};
use store::{KeyLayer, LocalKeyLayer};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// How often what has expired is swept, as the schedule does on AWS.
const SWEEP: Duration = Duration::from_mins(1);

/// SikkerKey in one process on an embedded store, for development and trying out. Listens on 127.0.0.1 only.
#[derive(Parser)]
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
    /// Open the page in a browser when ready.
    #[arg(long)]
    open: bool,
}

/// How often unwrapped keys that were kept long enough are wiped, used or not.
const FORGET: Duration = Duration::from_secs(5);

/// How often the stream of the audit table is looked at.
const STREAM: Duration = Duration::from_secs(1);

/// What is kept, and the lock that keeps a second process from it.
struct Kept {
    embedded: Embedded,
    key_layer: Arc<dyn KeyLayer>,
    _lock: Option<std::fs::File>,
}

type Failure = Box<dyn std::error::Error>;

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
    let kept = if arguments.ephemeral { in_memory()? } else { in_folder(&arguments.data).await? };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, arguments.port))
        .await
        .map_err(|error| format!("cannot listen on port {}: {error}; choose another with --port", arguments.port))?;
    let url = format!("http://localhost:{}", listener.local_addr()?.port());
    let config = configuration(&url)?;
    let parts = Parts {
        backend: Arc::new(kept.embedded.clone()),
        key_layer: kept.key_layer.clone(),
        clock: Clock::System,
        config,
    };
    let system = parts.assemble().await?;

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let server = local::serve(listener, local::router(&system));
    let schedule = tokio::spawn(schedule(system, kept.embedded.clone()));
    writeln!(std::io::stdout(), "ready {url}")?;
    std::io::stdout().flush()?;
    if arguments.open {
        open_browser(&url);
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

fn in_memory() -> Result<Kept, Failure> {
    Ok(Kept { embedded: Embedded::in_memory()?, key_layer: Arc::new(LocalKeyLayer::ephemeral()), _lock: None })
}

async fn in_folder(folder: &Path) -> Result<Kept, Failure> {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    let say = |error: std::io::Error| format!("{}: {error}", folder.display());
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(say)?;
    if std::fs::metadata(folder).map_err(say)?.permissions().mode() & 0o077 != 0 {
        // Not changed for them: it may be a folder that others are meant to read, with something else in it.
        let folder = folder.display();
        return Err(format!("the data folder {folder} is open to others; run: chmod 700 {folder}").into());
    }
    let lock = std::fs::File::create(folder.join("lock")).map_err(say)?;
    lock.try_lock().map_err(|_| format!("{} is in use by another local/run", folder.display()))?;
    let (key, store) = (folder.join("server.key"), folder.join("store.sqlite"));
    if store.exists() && !key.exists() {
        // A new key would make everything in the store unreadable for good, and quietly.
        let (key, store) = (key.display(), store.display());
        return Err(format!("{key} is missing, and without it nothing in {store} can be read; restore it").into());
    }
    let key_layer = Arc::new(LocalKeyLayer::from_file(&key)?);
    if !store.exists() {
        make_store(&store).await?;
    }
    Ok(Kept { embedded: Embedded::in_file(&store)?, key_layer, _lock: Some(lock) })
}

/// Makes a store with its tables, whole or not at all: under another name first. What an earlier try left is thrown
/// away.
async fn make_store(store: &Path) -> Result<(), Failure> {
    let new = store.with_extension("new");
    for suffix in ["", "-wal", "-shm"] {
        let mut left = new.clone().into_os_string();
        left.push(suffix);
        match std::fs::remove_file(&left) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    let prefix = configuration("http://localhost:0")?.table_prefix;
    let embedded = Embedded::in_file(&new)?;
    store::tables::create_missing(&embedded, &prefix).await?;
    // The last hold on the file closes it and brings its log into it.
    drop(embedded);
    std::fs::File::open(&new)?.sync_all()?;
    std::fs::rename(&new, store)?;
    Ok(std::fs::File::open(store.parent().unwrap_or(Path::new(".")))?.sync_all()?)
}

/// What schedules and the store's own clean-up do on AWS.
async fn schedule(system: System, embedded: Embedded) {
    let sweep = Sweep::new(&system.base, system.seal("sweep-expired"));
    let counts = FollowAudit::new(&system.base);
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
                if let Err(error) = local::follow(embedded.take_stream(), &counts).await {
                    tracing::error!(?error, "reads were not counted");
                }
                continue;
            }
            _ = tick.tick() => {}
        }
        if let Err(error) = sweep.run().await {
            tracing::error!(?error, "the sweep failed, the next one tries again");
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

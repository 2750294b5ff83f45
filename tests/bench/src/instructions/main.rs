//! Warm reads by the whole router in this process, on one thread: what valgrind counts instructions of. See
//! `tests/bench/instructions`.

use std::process::ExitCode;
use std::sync::Arc;

use axum::Router;
use clap::{Parser, ValueEnum};
use connector::Connector;
use edge::{Clock, Config};
use local::embedded::Embedded;
use local::{Parts, System};
use store::{Backend, LocalKeyLayer};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

use bench::Failure;
use bench::fixture::{Fixture, Signed};

/// Reads before those that are counted, so that nothing is done for the first time.
const WARM_UP: usize = 10;

/// Reads a secret over and over.
#[derive(Parser)]
struct Arguments {
    /// How often.
    reads: usize,
    /// The way to the embedded store.
    #[arg(long)]
    by: By,
}

#[derive(Clone, Copy, ValueEnum)]
enum By {
    /// By the AWS client, as on AWS; behind it the store answers in JSON.
    Client,
    /// By the store's own types, as in local mode.
    Types,
}

async fn system(by: By) -> Result<System, Failure> {
    let embedded = Embedded::in_memory()?;
    let backend: Arc<dyn Backend> = match by {
        By::Client => connector::backend(Connector(embedded)),
        By::Types => Arc::new(embedded),
    };
    let parts = Parts {
        backend,
        key_layer: Arc::new(LocalKeyLayer::ephemeral()),
        clock: Clock::System,
        config: Config::at("http://localhost".to_owned()),
    };
    Ok(parts.assemble().await?)
}

async fn set_up(by: By) -> Result<(Router, Fixture), Failure> {
    let router = local::router(&system(by).await?);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = local::serve(listener, router.clone());
    let fixture = tokio::task::spawn_blocking(move || Fixture::set_up(address)).await??;
    server.stop().await?;
    Ok((router, fixture))
}

async fn read(router: &Router, signed: &[Signed]) -> Result<(), Failure> {
    for signed in signed {
        let response = router.clone().oneshot(signed.request()?).await?;
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 1_024).await?;
        if status != 200 || body != Fixture::expected_body() {
            return Err(format!("a read was answered {status}").into());
        }
    }
    Ok(())
}

/// What is counted: valgrind is told this function's name.
#[inline(never)]
fn counted_reads(runtime: &Runtime, router: &Router, signed: &[Signed]) -> Result<(), Failure> {
    runtime.block_on(read(router, signed))
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let (router, fixture) = Runtime::new()?.block_on(set_up(arguments.by))?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(read(&router, &fixture.sign_many(WARM_UP)))?;
    counted_reads(&runtime, &router, &fixture.sign_many(arguments.reads))
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-instructions: {error}");
            ExitCode::FAILURE
        }
    }
}

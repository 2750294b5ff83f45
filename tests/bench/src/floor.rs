//! The bare floor of a read: the same two store calls, one Ed25519 verification and two AES-GCM openings, by the same
//! backend on the same embedded store. No HTTP, no router, no gate; the rows that come are not even decoded.
//! Beside it the whole read by the router in this process, which tells what the server adds from what the network adds.
#![expect(clippy::disallowed_methods, reason = "measures time")]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use crypto::MasterKey;
use edge::Clock;
use local::System;
use local::embedded::Embedded;
use protocol::UserId;
use rules::audit::{Action, ActorKind, Origin};
use rules::plan::RETENTION_DAYS;
use store::value::StoredValue;
use store::{Batch, grant, machine, member, project, secret, vault};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

use crate::figures::{Window, median};
use crate::instance::Instance;
use crate::load::{Expected, Pace, Target, drive};
use crate::processes::own_cpu;
use bench::Failure;
use bench::fixture::{Fixture, Signed};

const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// What is run in this process.
#[derive(Clone, Copy)]
pub enum Kind {
    /// The bare floor.
    Floor,
    /// The whole read, but for the network.
    Read,
}

/// What the parts of one operation took.
#[derive(Default, Clone, Copy)]
struct Parts {
    fetch: Duration,
    put: Duration,
    verify: Duration,
    open: Duration,
}

/// Medians of the parts, in microseconds, with their names.
pub type PartMedians = [(&'static str, f64); 4];

/// A store of the same content as the server's, and everything else that a read needs, at hand.
pub struct Floor {
    system: System,
    fixture: Arc<Fixture>,
    owner: UserId,
    stored: StoredValue,
    master_key: MasterKey,
    router: Router,
}

impl Floor {
    /// On a fresh store, in memory or in this file.
    pub async fn start(file: Option<&std::path::Path>) -> Result<Self, Failure> {
        let embedded = file.map_or_else(Embedded::in_memory, Embedded::in_file)?;
        let instance = Instance::start(Arc::new(embedded)).await?;
        let (system, fixture) = (instance.system.clone(), instance.fixture.clone());
        instance.stop().await?;
        let missing = || "the floor's rows are not there";
        let store = &system.base.store;
        let vault = store.get(&vault::row(fixture.vault)).await?.ok_or_else(missing)?;
        let project = store.get(&project::row(fixture.project)).await?.ok_or_else(missing)?;
        let value = store.get(&system.values.current(fixture.secret)).await?.ok_or_else(missing)?;
        let master_key = system.keys.master_key(&project, system.base.clock.now()).await?;
        Ok(Self { fixture, owner: vault.owner, stored: value.0, master_key, router: local::router(&system), system })
    }

    /// The keys that a warm read fetches.
    fn batch(&self) -> Batch {
        let Fixture { vault, project, secret, machine, .. } = *self.fixture;
        let mut batch = Batch::new();
        batch.want(&self.system.values.current(secret));
        batch.want(&machine::row(machine));
        batch.want(&vault::row(vault));
        batch.want(&secret::row(secret));
        batch.want(&project::row(project));
        batch.want(&member::row(machine, project));
        batch.want(&grant::row(machine, project, secret));
        batch
    }

    async fn operation(&self, signed: &Signed) -> Result<Parts, Failure> {
        let Fixture { vault, project, secret, machine, ref key, .. } = *self.fixture;
        let started = Instant::now();
        self.system.base.store.fetch(self.batch()).await?;
        let fetched = Instant::now();
        let verified = key.public().verify(&signed.text, &signed.signature);
        let checked = Instant::now();
        let now = Clock::System.now();
        let (actor, address) = (ActorKind::Machine, Some(ADDRESS));
        let origin = Origin { vault, owner: self.owner, actor, address, at: now, kept_days: RETENTION_DAYS };
        let record = origin.entry(Action::SecretRead, "Secret read").machine(machine).secret(secret).project(project);
        self.system
            .base
            .store
            .audit()
            .take_nonce(store::Signer::Machine(machine), &signed.nonce.parse()?, Some(&record), now)
            .await?;
        let put = Instant::now();
        let value = self.master_key.open(&self.stored.place(), &self.stored.sealed)?;
        if !verified || value.is_empty() {
            return Err("the floor did not verify".into());
        }
        Ok(Parts { fetch: fetched - started, verify: checked - fetched, put: put - checked, open: put.elapsed() })
    }

    /// The read itself by the router, without a network: no connection, no HTTP.
    async fn read(&self, signed: &Signed) -> Result<(), Failure> {
        let response = self.router.clone().oneshot(signed.request()?).await?;
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), Fixture::expected_body().len()).await?;
        if status != 200 || body != Fixture::expected_body() {
            return Err(format!("a read in this process was answered {status}").into());
        }
        Ok(())
    }

    /// Runs the floor as the least that a server could be: behind sockets, at this many clients of the load generator.
    /// Both sides are in this process, so its processor time is that of both.
    pub fn behind_sockets(
        self: &Arc<Self>,
        runtime: &Runtime,
        clients: usize,
        number: usize,
    ) -> Result<Window, Failure> {
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let address = listener.local_addr()?;
        let signed: Arc<[Signed]> = self.fixture.sign_many(number).into();
        let (floor, served, next) = (self.clone(), signed.clone(), Arc::new(AtomicUsize::new(0)));
        let server = runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (floor, served, next) = (floor.clone(), served.clone(), next.clone());
                // A connection that fails is one that the generator finds closed.
                tokio::spawn(async move { floor.answer(stream, &served, &next).await });
            }
        });
        let target = Target { address, pid: std::process::id(), status: 200, body: Expected::Whole(b"{}") };
        let requests: Vec<_> = signed.iter().map(|signed| signed.bytes.as_slice()).collect();
        let window = drive(&target, clients, Pace::FlatOut, &requests);
        server.abort();
        window
    }

    async fn answer(&self, mut stream: TcpStream, signed: &[Signed], next: &AtomicUsize) -> Result<(), Failure> {
        stream.set_nodelay(true)?;
        let mut request = Vec::with_capacity(1_024);
        while stream.read_buf(&mut request).await? > 0 {
            if request.ends_with(b"\r\n\r\n") {
                request.clear();
                let signed =
                    signed.get(next.fetch_add(1, Ordering::Relaxed)).ok_or("more requests than were signed")?;
                self.operation(signed).await?;
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await?;
            }
        }
        Ok(())
    }

    /// Runs this many operations, this many at a time. The parts are those of the floor.
    pub fn run(
        self: &Arc<Self>,
        runtime: &Runtime,
        kind: Kind,
        tasks: usize,
        number: usize,
    ) -> Result<(Window, PartMedians), Failure> {
        let signed: Arc<[Signed]> = self.fixture.sign_many(number).into();
        let next = Arc::new(AtomicUsize::new(0));
        let cpu_before = own_cpu()?;
        let started = Instant::now();
        let work = async || {
            let running: Vec<_> = (0..tasks)
                .map(|_| {
                    let (floor, signed, next) = (self.clone(), signed.clone(), next.clone());
                    tokio::spawn(async move {
                        let mut done = Vec::with_capacity(number);
                        while let Some(signed) = signed.get(next.fetch_add(1, Ordering::Relaxed)) {
                            let from = Instant::now();
                            let parts = match kind {
                                Kind::Floor => floor.operation(signed).await?,
                                Kind::Read => floor.read(signed).await.map(|()| Parts::default())?,
                            };
                            done.push((from.elapsed(), parts));
                        }
                        Ok::<_, Failure>(done)
                    })
                })
                .collect();
            let mut done = Vec::with_capacity(number);
            for task in running {
                done.extend(task.await??);
            }
            Ok::<_, Failure>(done)
        };
        let done = runtime.block_on(work())?;
        let (elapsed, cpu) = (started.elapsed(), own_cpu()? - cpu_before);
        let part = |of: fn(&Parts) -> Duration| median(done.iter().map(|(_, p)| of(p).as_secs_f64() * 1e6).collect());
        let parts = [
            ("BatchGetItem", part(|parts| parts.fetch)),
            ("PutItem", part(|parts| parts.put)),
            ("verify", part(|parts| parts.verify)),
            ("open", part(|parts| parts.open)),
        ];
        let times = done.into_iter().map(|(time, _)| time).collect();
        Ok((Window::new(times, elapsed, cpu, Duration::ZERO), parts))
    }
}

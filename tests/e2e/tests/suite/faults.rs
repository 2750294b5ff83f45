//! The store and the key layer failing, slow, or silent, at each call of each route.
//!
//! Every cell is a route, one of the calls it makes, a fault, and whether the fault hits every attempt of that call or
//! only the first. What must hold: a clear status; no value without its record; never two effects from one request;
//! and a fault that hits the first attempt only is not noticed at all. The time stands still in these tests, so slow
//! calls cost nothing.
//!
//! A deep run tries all cells; otherwise a sample of them is tried, always the same one, with a cell of each call at least.

use std::fmt::Write as _;

use e2e::cases::{self, Case, Things};
use e2e::{Agent, Fault, Options, Person, Request, World};
use edge::Route;
use rules::Time;
use rules::audit::Action;
use rules::scope::Scope;
use serde_json::json;

const VALUE: &str = "the value itself";
/// Of 256 cells, those that are tried in a run that is not deep.
const SAMPLE: u8 = 24;

/// How far the time moves from one cell to the next, in seconds.
const CELL_SECONDS: u64 = 15;
/// After how many cells the owner steps up again, well before five minutes have passed.
const FRESH_CELLS: usize = 16;

/// A world in which one route is called again and again.
struct Stage<'w> {
    world: &'w World,
    route: &'w Route,
    case: Case,
    /// What is called, for messages.
    name: String,
    owner: Person<'w>,
    /// Who calls at the agents' door.
    agent: Option<Agent<'w>>,
}

/// A call that is ready to be sent, with whose log it will be in.
struct Call<'w> {
    request: Request,
    own: Option<Person<'w>>,
    /// The account that the call makes, if it makes one.
    email: Option<String>,
}

impl<'w> Stage<'w> {
    async fn new(world: &'w World, route: &'w Route) -> Self {
        let owner = Person::somebody(world).await;
        let every_scope: Vec<&str> = Scope::ALL.iter().map(|scope| scope.name()).collect();
        let agent = if cases::is_for_agents(route) { Some(owner.agent(&every_scope, &[]).await) } else { None };
        let name = format!("{} {}", route.method, route.path);
        Self { world, route, case: cases::of(route), name, owner, agent }
    }

    /// Everything the call needs, made anew, and the call.
    async fn prepare(&self) -> Call<'w> {
        let own = if self.case.is_alone() { Some(Person::somebody(self.world).await) } else { None };
        let owner = own.as_ref().unwrap_or(&self.owner);
        if self.case.path == "ipallowlist/enable" {
            owner.post("/v1/manage/ipallowlist/disable", &json!({})).await.expect(200);
        }
        let things = Things::of(&self.case, owner).await;
        let (path, body) = (self.case.path_of(self.route, &things), things.body(&self.case));
        // If it is time to note that the session is used, that is now: in the request it would be one call more.
        owner.get("/v1/account").await.expect(200);
        let request = match &self.agent {
            Some(agent) => agent.request(&path, (self.case.method == "POST").then_some(&body)),
            None => self.case.request(&path, &body, owner, things.reader.as_ref()),
        };
        let email =
            (self.case.effect == Some(Action::AccountCreate)).then(|| body["email"].as_str().unwrap().to_owned());
        Call { request, own, email }
    }

    /// The record that says that the call took effect.
    fn effect(&self) -> Option<Action> {
        self.case.effect.or_else(|| self.agent.as_ref().map(|_| Action::AgentAccess))
    }

    /// How often the call took effect after this time: the newest records say it.
    async fn effects(&self, call: &Call<'_>, after: Time) -> usize {
        let vault = match &call.email {
            Some(email) => {
                let user = self.world.services.store.user_by_email(email).await.unwrap();
                user.map(|user| user.vault)
            }
            None => Some(call.own.as_ref().unwrap_or(&self.owner).vault.parse().unwrap()),
        };
        let Some(vault) = vault else { return 0 };
        let newest = self.world.newest_records_of(vault, 20).await;
        newest.iter().filter(|record| record.timestamp > after && Some(record.action) == self.effect()).count()
    }

    /// One cell of the table: the nth call goes wrong.
    async fn cell(&self, expected: u16, (nth, operation): (usize, &str), fault: Fault, every_attempt: bool) {
        let name = &self.name;
        let what = format!("{name}: call {nth} ({operation}), {fault:?}, every attempt: {every_attempt}");
        let call = self.prepare().await;
        let before = self.world.now();
        self.world.store.fail(nth, fault, every_attempt);
        let answer = self.world.send(call.request.clone()).await;
        self.world.store.heal();
        let effects = self.effects(&call, before).await;
        let status = answer.status.as_u16();

        assert!(effects <= 1, "{what}: {effects} effects from one request");
        if !every_attempt {
            assert_eq!(status, expected, "{what}: {}", answer.text());
        }
        if status == expected && every_attempt && self.case.is_recorded_later {
            // The request for it is kept, and tried again when the store is there.
        } else if status == expected {
            assert_eq!(effects, usize::from(self.effect().is_some()), "{what}: answered without its record");
        } else if fault == Fault::Conflict {
            assert_eq!(answer.error(409), "This changed at the same time, try again", "{what}");
        } else {
            assert_eq!(status, 503, "{what}: {}", answer.text());
            assert_eq!(answer.error(503), "The store is unavailable, try again later", "{what}");
            assert!(!answer.text().contains(VALUE));
        }
    }
}

/// A world with somebody for each route, in which failures lock nobody out.
fn options() -> Options {
    Options { lockout_failures: Some(100_000), open_sign_up: true, ..Options::default() }
}

/// Whether this cell is tried.
fn is_tried(cell: &str) -> bool {
    e2e::is_deep() || crypto::sha256(cell.as_bytes())[0] < SAMPLE
}

/// Tries a group of routes, and leaves a table of what it tried.
async fn try_group(group: &str) {
    let world = World::with(options()).await;
    let mut table = String::new();
    for route in world.routes().iter().filter(|route| cases::group(group).iter().any(|case| case.is_of(route))) {
        let stage = Stage::new(&world, route).await;
        let good = stage.prepare().await;
        world.store.forget();
        let expected = world.send(good.request).await;
        let calls = world.store.operations();
        assert_eq!(expected.status, 200, "{}: {}", stage.name, expected.text());
        let mut tried = 0;
        for (nth, operation) in calls.iter().enumerate() {
            // Only a transaction can be in the way of another one.
            let faults =
                Fault::ALL.into_iter().filter(|fault| *fault != Fault::Conflict || operation == "TransactWriteItems");
            let cells: Vec<_> = faults.flat_map(|fault| [(fault, false), (fault, true)]).collect();
            let chosen = |(fault, every_attempt): &&(Fault, bool)| {
                is_tried(&format!("{} {nth} {fault:?} {every_attempt}", stage.name))
            };
            let mut sample: Vec<_> = cells.iter().filter(chosen).collect();
            if sample.is_empty() {
                sample.extend(cells.get(usize::from(crypto::sha256(stage.name.as_bytes())[0]) % cells.len()));
            }
            for (fault, every_attempt) in sample {
                // Sessions last twelve hours.
                world.wait_seconds(CELL_SECONDS);
                if tried % FRESH_CELLS == FRESH_CELLS - 1 {
                    stage.owner.step_up().await;
                }
                stage.cell(200, (nth, operation), *fault, *every_attempt).await;
                tried += 1;
            }
        }
        writeln!(table, "{:<72} {tried:>4} cells of {:>2} calls: {}", stage.name, calls.len(), calls.join(" "))
            .unwrap();
    }
    assert!(!table.is_empty(), "there are routes of {group}");
    std::fs::write(format!("{}/faults-{group}.txt", env!("CARGO_TARGET_TMPDIR")), &table).unwrap();
    println!("{table}");
}

/// One test for each group of cases, so that they run side by side.
mod every_call_of_every_route_may_fail {
    macro_rules! groups {
        ($($group:ident)+) => {
            pub(super) const GROUPS: &[&str] = &[$(stringify!($group)),+];

            $(#[tokio::test(start_paused = true)]
            async fn $group() {
                super::try_group(stringify!($group)).await;
            })+
        };
    }

    groups! { machine onboarding account projects secrets policies canaries schedules shares machines agents notifications audit pages operator support }
}

#[test]
fn every_group_of_cases_is_tried() {
    let mut known: Vec<&str> = cases::groups().collect();
    let mut tried = every_call_of_every_route_may_fail::GROUPS.to_vec();
    known.sort_unstable();
    tried.sort_unstable();
    assert_eq!(known, tried);
}

/// Without its key layer the server is sealed: 503, nothing written, nothing lost.
#[tokio::test]
async fn without_the_key_layer_nothing_opens_and_nothing_is_lost() {
    let mut sealed = vec![];
    let world = World::with(Options { key_cache_seconds: Some(0), ..options() }).await;
    for route in world.routes().iter().filter(|route| !cases::is_for_agents(route)) {
        let stage = Stage::new(&world, route).await;
        let call = stage.prepare().await;
        let before = world.now();
        world.keys.set_down(true);
        let answer = world.send(call.request.clone()).await;
        world.keys.set_down(false);
        if answer.status == 200 {
            continue;
        }
        assert_eq!(answer.error(503), "The server is sealed, try again later", "{}", stage.name);
        let written = stage.effects(&call, before).await;
        // A read is recorded before it is opened; everything else has done nothing.
        let is_read = [Some(Action::SecretRead), Some(Action::SecretExport)].contains(&stage.effect());
        assert_eq!(written, usize::from(is_read), "{}", stage.name);
        if written == 0 {
            world.send(call.request).await.expect(200);
        }
        sealed.push(stage.name);
    }
    // What opens or seals, by what it is for.
    for part in ["secret/", "export", "bundle/", "bundles", "sign-up", "totp/confirm", "rotate", "rollback", "/update"]
    {
        assert!(sealed.iter().any(|name| name.contains(part)), "{part}: {sealed:?}");
    }
    assert!((12..=18).contains(&sealed.len()), "{sealed:?}");
}

/// A removal that was cut off is finished by asking again.
#[tokio::test(start_paused = true)]
async fn a_removal_that_was_cut_off_is_taken_up() {
    let world = World::with(Options { lockout_failures: Some(40), ..Options::default() }).await;
    let owner = world.owner().await;
    for nth in 0..12 {
        let (project, secret, machine) = owner.readable(VALUE).await;
        machine.read(&secret).await.expect(200);
        let path = format!("/v1/manage/machines/{}/revoke", machine.id);
        world.store.fail(nth, Fault::Error, true);
        let answer = owner.post(&path, &json!({})).await;
        world.store.heal();
        if answer.status == 200 {
            assert!(nth > 5, "the removal makes more calls than {nth}");
            return;
        }
        answer.error(503);
        let again = owner.post(&path, &json!({})).await;
        assert!(again.status == 200 || again.status == 404, "{}", again.text());
        assert!(!machine.read(&secret).await.status.is_success());
        assert_eq!(world.members(&project).await, [""; 0], "cut off at call {nth}");
        assert!(
            world
                .services
                .store
                .all(store::grant::of_machine(machine.id.parse().unwrap(), None))
                .await
                .unwrap()
                .is_empty()
        );
    }
    panic!("the removal never came through");
}

/// A detachment that was cut off leaves grants behind; adding the machine again does not bring them back to life.
#[tokio::test(start_paused = true)]
async fn grants_left_behind_do_not_come_back() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, secret, machine) = owner.readable(VALUE).await;
    let path = format!("/v1/manage/projects/{project}/machines/{}/detach", machine.id);
    let mut cut_off = false;
    for nth in 0..12 {
        world.store.fail(nth, Fault::Error, true);
        let detached = owner.post(&path, &json!({})).await;
        world.store.heal();
        owner.attach(&project, &machine).await;
        let member = world.members(&project).await.contains(&machine.id);
        assert!(member);
        if detached.status == 200 {
            assert!(cut_off, "some call was cut off after the membership was gone");
            machine.read(&secret).await.error(403);
            return;
        }
        let read = machine.read(&secret).await;
        if read.status != 200 {
            assert_eq!(read.error(403), "Machine has no grant for this secret", "cut off at call {nth}");
            cut_off = true;
            owner.grant(&project, &machine, &[&secret]).await.expect(200);
        }
    }
    panic!("the detachment never came through");
}

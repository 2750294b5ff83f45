//! Every route by every kind of caller; and ids of another vault, which answer as ids of nothing. What is called on the
//! planes of management leaves its record.

use e2e::cases::{self, Case, Names, SIGNED, Things, missing_id};
use e2e::{Agent, Machine, Options, Person, Request, World};
use edge::Route;
use protocol::UserId;
use rules::audit::ActorKind;
use rules::scope::{Needs, Scope};
use serde_json::{Value, json};

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    Nobody,
    /// Of the vault whose things are named.
    Owner,
    /// Of another vault.
    Stranger,
    /// With a grant, where the route is for machines.
    Machine,
    PendingMachine,
    /// Holds every scope but the one that is needed.
    NarrowAgent,
    /// Holds every scope, in another project.
    FencedAgent,
    PendingAgent,
    DisabledAgent,
    /// Holds every scope in another vault.
    StrangersAgent,
    /// Holds every scope.
    Agent,
}

impl Caller {
    const ALL: [Self; 11] = [
        Self::Nobody,
        Self::Owner,
        Self::Stranger,
        Self::Machine,
        Self::PendingMachine,
        Self::NarrowAgent,
        Self::FencedAgent,
        Self::PendingAgent,
        Self::DisabledAgent,
        Self::StrangersAgent,
        Self::Agent,
    ];

    /// What a route answers this caller.
    fn expected(self, route: &Route, case: &Case) -> u16 {
        let Some(needs) = route.needs else {
            let [nobody, owner, stranger, machine, pending, agent] = case.answers().expect("who may call it");
            return match self {
                Self::Nobody => nobody,
                Self::Owner => owner,
                Self::Stranger => stranger,
                Self::Machine => machine,
                Self::PendingMachine => pending,
                _ => agent,
            };
        };
        let elsewhere = if case.names() == Names::Nothing { 200 } else { 404 };
        match (cases::is_for_agents(route), self) {
            (false, Self::Owner) | (true, Self::Agent) => 200,
            (false, Self::Stranger) | (true, Self::StrangersAgent) => elsewhere,
            (true, Self::NarrowAgent) if needs == Needs::Nothing => 200,
            (true, Self::NarrowAgent | Self::PendingAgent | Self::DisabledAgent) => 403,
            (true, Self::FencedAgent) => {
                if case.names() == Names::Project {
                    404
                } else {
                    200
                }
            }
            _ => 401,
        }
    }
}

/// All who call.
struct Cast<'w> {
    owner: Person<'w>,
    stranger: Person<'w>,
    machine: Machine<'w>,
    pending_machine: Machine<'w>,
    agent: Agent<'w>,
    narrow: Agent<'w>,
    fenced: Agent<'w>,
    pending: Agent<'w>,
    disabled: Agent<'w>,
    strangers: Agent<'w>,
}

impl<'w> Cast<'w> {
    async fn new(world: &'w World) -> Self {
        let owner = world.owner().await;
        let stranger = Person::sign_up(world, "stranger@example.org").await;
        let all: Vec<&str> = Scope::ALL.iter().map(|scope| scope.name()).collect();
        let elsewhere = owner.project("elsewhere").await;
        let disabled = owner.agent(&all, &[]).await;
        owner.post(&format!("/v1/manage/ai-agents/{}/disable", disabled.id), &json!({})).await.expect(200);
        Self {
            machine: owner.machine().await,
            pending_machine: owner.pending_machine().await,
            agent: owner.agent(&all, &[]).await,
            narrow: owner.agent(&all, &[]).await,
            fenced: owner.agent(&all, &[&elsewhere]).await,
            pending: owner.pending_agent(&all, &[]).await,
            strangers: stranger.agent(&all, &[]).await,
            disabled,
            owner,
            stranger,
        }
    }

    /// Takes the scope from the narrow agent that this route needs.
    async fn narrow(&self, needs: Option<Needs>) {
        if !matches!(needs, Some(Needs::Scope(_))) {
            return;
        }
        let kept = Scope::ALL.iter().filter(|scope| needs != Some(Needs::Scope(**scope)));
        let scopes: Vec<&str> = kept.map(|scope| scope.name()).collect();
        let path = format!("/v1/manage/ai-agents/{}/scopes", self.narrow.id);
        self.owner.post(&path, &json!({ "scopes": scopes })).await.expect(200);
    }

    fn agent(&self, who: Caller) -> Option<&Agent<'w>> {
        match who {
            Caller::Agent => Some(&self.agent),
            Caller::NarrowAgent => Some(&self.narrow),
            Caller::FencedAgent => Some(&self.fenced),
            Caller::PendingAgent => Some(&self.pending),
            Caller::DisabledAgent => Some(&self.disabled),
            Caller::StrangersAgent => Some(&self.strangers),
            _ => None,
        }
    }

    /// A call by one of them; `owner` and `stranger` are the cast's own, or others who are there for this call alone.
    fn request(&self, who: Caller, call: &Call<'_>, owner: &Person<'w>, stranger: &Person<'w>) -> Request {
        let Call { case, path, body, things } = call;
        let body = (case.method == "POST").then_some(body);
        let bytes = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let request = match who {
            Caller::Owner => return owner.request(path, body),
            Caller::Stranger => return stranger.request(path, body),
            Caller::Nobody => Request::new(case.method, path).with_json(&bytes),
            Caller::Machine => things.reader.as_ref().unwrap_or(&self.machine).request(case.method, path, &bytes),
            Caller::PendingMachine => self.pending_machine.request(case.method, path, &bytes),
            _ => self.agent(who).expect("an agent").signed(case.method, path, &bytes),
        };
        // As from our own page, but where that is what is asked about.
        let ours = case.answers().is_none_or(|[nobody, ..]| nobody != 403);
        request.header("x-sikkerkey-request", if ours { "1" } else { "0" })
    }
}

/// One call of a route.
struct Call<'a> {
    case: &'a Case,
    path: String,
    body: Value,
    things: &'a Things<'a>,
}

#[tokio::test]
async fn every_route_answers_every_caller_as_its_case_says() {
    let world = World::with(Options { open_sign_up: true, lockout_failures: Some(40), ..Options::default() }).await;
    let cast = Cast::new(&world).await;
    for route in &world.routes() {
        let case = cases::of(route);
        cast.narrow(route.needs).await;
        let mut things: Option<(Things<'_>, Option<[Person<'_>; 2]>)> = None;
        for who in Caller::ALL {
            if things.is_none() {
                let own = if case.is_alone() {
                    Some([Person::somebody(&world).await, Person::somebody(&world).await])
                } else {
                    None
                };
                let owner = own.as_ref().map_or(&cast.owner, |[owner, _]| owner);
                things = Some((Things::of(&case, owner).await, own));
            }
            let (there, own) = things.as_ref().expect("things");
            let (owner, stranger) = own.as_ref().map_or((&cast.owner, &cast.stranger), |[one, other]| (one, other));
            let call = Call { path: case.path_of(route, there), body: there.body(&case), case: &case, things: there };
            let before = world.now();
            let request = cast.request(who, &call, owner, stranger);
            let answer = world.send(request.from(&format!("198.51.{}.{}", who as u8, rand()))).await;
            let expected = who.expected(route, &case);
            let what = format!("{} {} by {who:?}", route.method, route.path);
            assert_eq!(answer.status.as_u16(), expected, "{what}: {}", answer.text());
            if let Some(needs) = route.needs.filter(|_| expected != 401) {
                check_record(&world, &cast, &case, who, expected, needs, before, &what).await;
            }
            if expected == 200 && case.path == "ipallowlist/enable" {
                cast.owner.post("/v1/manage/ipallowlist/disable", &json!({})).await.expect(200);
            }
            // What is named may be gone now. A one-time token stays, for the others to find it used.
            if expected == 200 && (case.effect.is_some() || case.is_alone()) && !case.is_one_time() {
                things = None;
            }
        }
    }
}

/// Whoever is known and calls a route of management leaves a record, but for people who only look.
#[expect(clippy::too_many_arguments, reason = "one cell of a table")]
async fn check_record(
    world: &World,
    cast: &Cast<'_>,
    case: &Case,
    who: Caller,
    status: u16,
    needs: Needs,
    before: rules::Time,
    what: &str,
) {
    let agent = cast.agent(who).filter(|_| who != Caller::StrangersAgent);
    if who != Caller::Owner && agent.is_none() {
        return;
    }
    let records = world.newest_records(&cast.owner, 4).await;
    let mine: Vec<_> = records
        .iter()
        .filter(|record| record.timestamp > before)
        .filter(|record| record.ai_agent_id.map(|id| id.to_string()) == agent.map(|agent| agent.id.clone()))
        .collect();
    let kind = if agent.is_some() { ActorKind::AiAgent } else { ActorKind::User };
    if let Some(effect) = case.effect.filter(|_| status == 200) {
        assert!(mine.iter().any(|record| record.action == effect), "{what}: not {effect:?} but {mine:?}");
    }
    if agent.is_some() || status != 200 || case.effect.is_some() {
        assert!(!mine.is_empty(), "{what}: no record among {records:?}");
    } else {
        assert!(mine.is_empty(), "{what} only looks, says its case, and left {mine:?} ({needs:?})");
    }
    let owner: UserId = cast.owner.id.parse().unwrap();
    assert!(mine.iter().all(|record| record.actor_kind == kind && record.user_id == owner), "{what}: {mine:?}");
}

fn rand() -> u8 {
    crypto::random::bytes::<1>()[0]
}

/// Ids of another vault give the same answer, to the letter, as ids of nothing.
#[tokio::test]
async fn another_vaults_ids_are_ids_of_nothing() {
    let world = World::with(Options { open_sign_up: true, lockout_failures: Some(1_000), ..Options::default() }).await;
    let owner = world.owner().await;
    let stranger = Person::sign_up(&world, "stranger@example.org").await;
    let mut compared = 0;
    // The operator's routes are for all vaults.
    let of_one_vault = |route: &&Route| !cases::is_for_agents(route) && !route.path.starts_with("/v1/operator/");
    for route in world.routes().iter().filter(of_one_vault) {
        let case = cases::of(route);
        for (name, thing) in case.ids() {
            let theirs = Things::of(&case, &stranger).await.text(thing).to_owned();
            let missing = missing_id(name);
            let mut answers = vec![];
            for id in [missing, &theirs] {
                // Everything is ours but this one id.
                let mut things = Things::of(&case, &owner).await;
                things.replace(thing, id);
                let (path, body) = (case.path_of(route, &things), things.body(&case));
                let answer = world.send(case.request(&path, &body, &owner, things.reader.as_ref())).await;
                let mut text = answer.text();
                // What the call named beside it is other things of ours each time.
                for named in case.ids() {
                    text = text.replace(things.text(named.1), named.0);
                }
                answers.push((answer.status.as_u16(), text));
            }
            let what = format!("{} {} with another vault's {name}", route.method, route.path);
            assert_eq!(answers[0], answers[1], "{what}");
            // Ids in lists of grants and of what is watched are passed over; everything else is not found, or no token's.
            let passed_over = ["grants", "poll", "bulk-delete", "script"].iter().any(|end| case.path.ends_with(end));
            let in_path = case.path.contains(&format!("{{{name}}}"));
            if !passed_over || (in_path && !case.path.ends_with("script")) {
                assert!([401, 404].contains(&answers[1].0), "{what}: {answers:?}");
            }
            if case.answers() == Some(SIGNED) && case.path.ends_with("poll") {
                assert!(answers[1].1.contains("deleted"), "{what}: {answers:?}");
            }
            compared += 1;
        }
    }
    assert!(compared > 60, "{compared}");
}

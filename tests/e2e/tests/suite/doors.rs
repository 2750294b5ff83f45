//! What holds at the doors of every function, by one route of each: a function that is new is among them by itself.

use std::collections::BTreeMap;

use e2e::cases::{self, Case, SELF, SIGNED, Things};
use e2e::{Request, World};
use edge::Route;
use protocol::UserId;
use rules::audit::Action;

/// One route of each function, the first that passes; one that changes who calls only where there is no other.
fn of_each_function(world: &World, passes: impl Fn(&Route, &Case) -> bool) -> Vec<(Route, Case)> {
    let mut routes: Vec<_> = world.routes().into_iter().map(|route| (cases::of(&route), route)).collect();
    routes.sort_by_key(|(case, _)| case.is_alone());
    let mut found = BTreeMap::new();
    for (case, route) in routes {
        if passes(&route, &case) {
            found.entry(route.function).or_insert((route, case));
        }
    }
    found.into_values().collect()
}

/// The right to note that a session was used is in the role of every function that people call.
#[tokio::test]
async fn every_function_for_people_keeps_a_session_alive() {
    let world = World::new().await;
    let owner = world.owner().await;
    let id: UserId = owner.id.parse().unwrap();
    let for_people = of_each_function(&world, |route, case| {
        let at_their_door = route.needs.is_some() && !cases::is_for_agents(route);
        at_their_door || case.answers() == Some(SELF)
    });
    assert!(for_people.len() > 8, "{for_people:?}");
    for (route, case) in for_people {
        let owner = owner.again().await;
        let things = Things::of(&case, &owner).await;
        world.wait_seconds(300);
        let path = case.path_of(&route, &things);
        let answer = world.send(case.request(&path, &things.body(&case), &owner, None)).await;
        // It can be asked for more than a session: that it is one is known by then.
        assert!(answer.status == 200 || answer.code(403) == "step_up_required", "{}", answer.text());
        let sessions = world.services.store.sessions(id).await.unwrap();
        let last_used = sessions.iter().map(|session| session.last_used_at).max();
        assert_eq!(last_used, Some(world.now()), "{} {}", route.function, case.name());
    }
}

/// Sends calls with a wrong time, from an address that no other route is called from: ten count, and one more is refused.
async fn lock_out(world: &World, number: usize, call: impl Fn() -> Request) {
    let from = format!("198.51.100.{number}");
    for _ in 0..10 {
        world.send(call().replace("x-timestamp", "1").from(&from)).await.error(401);
    }
    let refused = world.send(call().replace("x-timestamp", "1").from(&from)).await;
    refused.error(429);
    assert_eq!(refused.headers["retry-after"], "900");
}

#[tokio::test]
async fn failures_at_every_function_for_machines_count() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (_, secret, machine) = owner.readable("value").await;
    let for_machines = of_each_function(&world, |_, case| case.answers() == Some(SIGNED));
    assert!(for_machines.len() > 3, "{for_machines:?}");
    for (number, (route, case)) in for_machines.into_iter().enumerate() {
        let path = case.path_of(&route, &Things::of(&case, &owner).await);
        lock_out(&world, number, || machine.request(case.method, &path, b"")).await;
        // The address is locked out everywhere; who signs well is not.
        let elsewhere = || {
            let request = machine.request("GET", &format!("/v1/secret/{secret}"), b"");
            request.from(&format!("198.51.100.{number}"))
        };
        world.send(elsewhere().replace("x-timestamp", "1")).await.error(429);
        world.send(elsewhere()).await.expect(200);
    }
    machine.read(&secret).await.expect(200);
}

/// What says that it is a known agent and is not is in the agent's log.
#[tokio::test]
async fn failures_at_every_function_for_agents_count_and_are_recorded() {
    let world = World::new().await;
    let owner = world.owner().await;
    let agent = owner.agent(&[], &[]).await;
    let for_agents = of_each_function(&world, |route, _| cases::is_for_agents(route));
    assert!(for_agents.len() > 4, "{for_agents:?}");
    for (number, (route, case)) in for_agents.into_iter().enumerate() {
        let path = case.path_of(&route, &Things::of(&case, &owner).await);
        let before = world.count(&owner, Action::AuthFailure).await;
        lock_out(&world, number, || agent.signed(case.method, &path, b"")).await;
        assert_eq!(world.count(&owner, Action::AuthFailure).await - before, 10, "{}", route.function);
    }
    agent.get("/v1/ai/whoami").await.expect(200);
}

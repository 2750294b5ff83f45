//! The simulator: what it says of a read is what the read meets, what it says of an edit is what the edit does, and it leaves
//! no trace.

use e2e::{Machine, Options, Person, World};
use rules::audit::Action;
use rules::scope::Scope;
use serde_json::{Value, json};

/// What a read is answered: the code of its refusal, or null.
async fn code_of_read(machine: &Machine<'_>, secret: &str) -> Value {
    let answer = machine.read(secret).await;
    if answer.status == 200 { Value::Null } else { json!(answer.headers["x-sikkerkey-error"].to_str().unwrap()) }
}

/// An owner, and what one of their machines reads.
struct Scene<'w> {
    world: &'w World,
    owner: &'w Person<'w>,
    project: String,
    secret: String,
    machine: Machine<'w>,
}

impl<'w> Scene<'w> {
    async fn of(world: &'w World, owner: &'w Person<'w>) -> Self {
        let (project, secret, machine) = owner.readable("v").await;
        machine.read(&secret).await.expect(200);
        Self { world, owner, project, secret, machine }
    }

    /// A request of management, about this project where the path begins with a slash.
    async fn ask(&self, path: &str, body: Value) -> Value {
        let path = match path.strip_prefix('/') {
            Some(rest) => format!("/v1/manage/projects/{}/{rest}", self.project),
            None => format!("/v1/manage/{path}"),
        };
        self.owner.post(&path, &body).await.expect(200).json()
    }

    async fn simulate(&self) -> Value {
        let read = json!({ "machineId": self.machine.id, "secretId": self.secret, "sourceIp": "192.0.2.7" });
        self.ask("/policies/simulate", read).await
    }

    /// Binds the secret to a policy that says this.
    async fn bind(&self, mut fields: Value) -> String {
        fields["name"] = json!("policy");
        let policy = self.ask("/policies", fields).await["id"].as_str().unwrap().to_owned();
        self.ask(&format!("secrets/{}/binding", self.secret), json!({ "policyId": policy })).await;
        policy
    }

    /// The simulator and a read say this, and the simulator what to do about it.
    async fn refused(&self, code: &str, remedy: &str) {
        let said = self.simulate().await;
        assert_eq!((&said["admitted"], &said["code"]), (&json!(false), &json!(code)), "{said}");
        assert!(said["remedy"].as_str().unwrap().contains(remedy), "{said}");
        let answer = self.machine.read(&self.secret).await;
        assert_eq!(answer.headers["x-sikkerkey-error"], code);
        assert_eq!(said["text"], answer.json()["error"], "what the machine is told");
    }

    /// They admit.
    async fn admitted(&self) {
        let said = self.simulate().await;
        assert_eq!((&said["admitted"], &said["code"], &said["remedy"]), (&json!(true), &Value::Null, &Value::Null));
        self.machine.read(&self.secret).await.expect(200);
    }
}

#[tokio::test]
async fn each_step_is_named_and_what_it_says_to_do_helps() {
    let world = World::new().await;
    let owner = world.owner().await;
    let scene = Scene::of(&world, &owner).await;
    scene.admitted().await;
    let machine = scene.machine.id.clone();

    scene.ask("ipallowlist", json!({ "cidr": "198.51.100.0/24", "label": "elsewhere" })).await;
    scene.ask("ipallowlist/enable", json!({})).await;
    scene.refused("access_denied", "Add 192.0.2.7 to the vault's IP allowlist").await;
    scene.ask("ipallowlist", json!({ "cidr": "192.0.2.7/32", "label": "here" })).await;
    scene.admitted().await;

    scene.ask(&format!("machines/{machine}/disable"), json!({})).await;
    scene.refused("machine_disabled", "Enable the machine").await;
    scene.ask(&format!("machines/{machine}/enable"), json!({})).await;
    scene.admitted().await;

    scene.ask("/freeze", json!({})).await;
    scene.refused("project_frozen", "Unfreeze the project").await;
    scene.ask("/unfreeze", json!({})).await;
    scene.admitted().await;

    scene.ask(&format!("/machines/{machine}/detach"), json!({})).await;
    scene.refused("not_a_member", "Add the machine to the project, and grant it the secret").await;
    scene.ask("/machines", json!({ "machineId": machine })).await;
    scene.refused("not_granted", "Grant the machine the secret").await;
    scene.ask(&format!("/machines/{machine}/grants"), json!({ "secretIds": [scene.secret] })).await;
    scene.admitted().await;

    let pending = owner.pending_machine().await;
    let body = json!({ "machineId": pending.id, "secretId": scene.secret, "sourceIp": "192.0.2.7" });
    let said = scene.ask("/policies/simulate", body).await;
    assert_eq!((&said["code"], &said["remedy"]), (&json!("machine_not_approved"), &json!("Approve the machine")));
}

#[tokio::test]
async fn each_axis_is_named_and_what_it_says_to_do_helps() {
    let world = World::new().await;
    let owner = world.owner().await;
    let axes = |said: &Value| -> Vec<(String, bool, bool)> {
        let row = |axis: &Value| {
            let is = |key: &str| axis[key].as_bool().unwrap();
            (axis["axis"].as_str().unwrap().to_owned(), is("enabled"), is("passes"))
        };
        said["axes"].as_array().unwrap().iter().map(row).collect()
    };

    let scene = Scene::of(&world, &owner).await;
    assert_eq!(axes(&scene.simulate().await), [], "there is no policy");
    let minutes = world.now().seconds() / 60;
    let clock = |minute: u64| format!("{:02}:{:02}", minute / 60 % 24, minute % 60);
    let (start, end) = (clock(minutes + 60), clock(minutes + 120));
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let window = json!({ "timeWindowEnabled": true, "timeWindowStart": start, "timeWindowEnd": end,
                         "timeWindowTimezone": "UTC", "timeWindowDays": days });
    scene.bind(window).await;
    scene.refused("outside_time_window", &format!("Read from {start} to {end}")).await;
    let names = ["timeWindow", "ipAllowlist", "coSign", "rateCap", "ttl", "rotateAfter"];
    let expected: Vec<_> =
        names.iter().map(|name| ((*name).to_owned(), *name == names[0], *name != names[0])).collect();
    assert_eq!(axes(&scene.simulate().await), expected);
    let then = json!({ "machineId": scene.machine.id, "secretId": scene.secret, "sourceIp": "192.0.2.7",
                       "at": world.now().ms() + 3_660_000 });
    assert_eq!(scene.ask("/policies/simulate", then).await["admitted"], true, "at that time");

    let scene = Scene::of(&world, &owner).await;
    let policy = scene.bind(json!({ "ipAllowlistEnabled": true, "ipAllowlistCidrs": ["198.51.100.0/24"] })).await;
    scene.refused("address_not_allowed", "list 192.0.2.7 there").await;
    let there = json!({ "machineId": scene.machine.id, "secretId": scene.secret, "sourceIp": "198.51.100.1" });
    assert_eq!(scene.ask("/policies/simulate", there).await["admitted"], true, "from there");
    let update = format!("/policies/{policy}/update");
    scene.ask(&update, json!({ "ipAllowlistCidrs": ["198.51.100.0/24", "192.0.2.7/32"] })).await;
    scene.admitted().await;

    let cosigner = owner.machine().await;
    owner.attach(&scene.project, &cosigner).await;
    owner.grant(&scene.project, &cosigner, &[&scene.secret]).await;
    let co_sign = json!({ "coSignEnabled": true, "coSignMachineId": cosigner.id, "coSignWindowSeconds": 60 });
    scene.ask(&update, co_sign).await;
    scene.refused("not_cosigned", &format!("Have machine {} read the secret first", cosigner.id)).await;
    cosigner.read(&scene.secret).await.expect(200);
    scene.admitted().await;

    let scene = Scene::of(&world, &owner).await;
    scene.bind(json!({ "rateCapEnabled": true, "maxReadsPerMinute": 1 })).await;
    scene.admitted().await;
    scene.refused("rate_capped", "Wait ").await;
    let wait = scene.simulate().await["remedy"].as_str().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    world.wait_seconds(wait);
    scene.admitted().await;

    let scene = Scene::of(&world, &owner).await;
    let policy = scene.bind(json!({ "ttlMaxReads": 1 })).await;
    scene.admitted().await;
    scene.refused("secret_not_found", "Change the TTL of the policy").await;
    scene.ask(&format!("/policies/{policy}/update"), json!({ "ttlMaxReads": 0 })).await;
    scene.admitted().await;
}

#[tokio::test]
async fn a_simulation_counts_toward_nothing_and_records_an_agents_call_alone() {
    let world = World::new().await;
    let owner = world.owner().await;
    let scene = Scene::of(&world, &owner).await;
    scene.bind(json!({ "ttlMaxReads": 1, "rateCapEnabled": true, "maxReadsPerMinute": 1 })).await;
    let before = world.audit(&owner).await.len();
    for _ in 0..3 {
        assert_eq!(scene.simulate().await["admitted"], true);
    }
    assert_eq!(world.audit(&owner).await.len(), before);
    let agent = owner.agent(&[Scope::PoliciesRead.name()], &[]).await;
    let path = format!("/v1/ai/projects/{}/policies/simulate", scene.project);
    let body = json!({ "machineId": scene.machine.id, "secretId": scene.secret });
    assert_eq!(agent.post(&path, &body).await.expect(200).json()["admitted"], true);
    assert_eq!(world.newest_records(&owner, 1).await[0].action, Action::AgentAccess);
    scene.admitted().await;
}

/// What the preview of an edit lists is what the reads of all machines say before and after it.
#[tokio::test]
async fn the_preview_of_an_edit_is_what_the_edit_does() {
    let world = World::new().await;
    let owner = world.owner().await;
    let scene = Scene::of(&world, &owner).await;
    let policy = scene.bind(json!({ "ipAllowlistEnabled": true, "ipAllowlistCidrs": ["192.0.2.0/24"] })).await;
    let other = owner.secret(&scene.project, "another", "v").await;
    let ungranted = owner.machine().await;
    let disabled = owner.machine().await;
    for machine in [&ungranted, &disabled] {
        owner.attach(&scene.project, machine).await;
    }
    owner.grant(&scene.project, &disabled, &[&scene.secret, &other]).await;
    scene.ask(&format!("machines/{}/disable", disabled.id), json!({})).await;
    owner.grant(&scene.project, &scene.machine, &[&scene.secret, &other]).await;

    let machines = [&scene.machine, &ungranted, &disabled];
    let reads = async || {
        let mut reads = vec![];
        for machine in machines {
            for secret in [&scene.secret, &other] {
                reads.push((machine.id.clone(), secret.clone(), code_of_read(machine, secret).await));
            }
        }
        reads
    };
    let fields = json!({ "ipAllowlistCidrs": ["198.51.100.0/24"] });
    let edit = json!({ "policyId": policy, "policy": fields, "secretIds": [other], "sourceIp": "192.0.2.7" });
    let said = scene.ask("/policies/simulate", edit).await;
    let before = reads().await;
    scene.ask(&format!("/policies/{policy}/update"), fields).await;
    scene.ask(&format!("secrets/{other}/binding"), json!({ "policyId": policy })).await;
    let after = reads().await;
    let change = |change: &Value| {
        let text = |key: &str| change[key].as_str().unwrap().to_owned();
        (text("machineId"), text("secretId"), change["before"].clone(), change["after"].clone())
    };
    let mut listed: Vec<_> = said["changes"].as_array().unwrap().iter().map(change).collect();
    let mut changed: Vec<_> = before
        .into_iter()
        .zip(after)
        .filter(|(before, after)| before.2 != after.2)
        .map(|((machine, secret, before), (_, _, after))| (machine, secret, before, after))
        .collect();
    let order = |row: &(String, String, Value, Value)| (row.0.clone(), row.1.clone());
    listed.sort_by_key(order);
    changed.sort_by_key(order);
    assert_eq!(listed, changed);
    assert_eq!((listed.len(), &said["truncated"]), (2, &json!(false)));
    assert_eq!(said["changes"][0]["machineName"], "host");
    // A policy that is not there yet, and nothing that it would change.
    let edit = json!({ "policy": { "ttlMaxReads": 5 }, "secretIds": [other] });
    let change = &scene.ask("/policies/simulate", edit).await["changes"][0];
    assert_eq!((&change["before"], &change["after"]), (&json!("address_not_allowed"), &Value::Null));
    let edit = json!({ "policyId": policy, "policy": { "ttlMaxReads": 5 } });
    assert_eq!(scene.ask("/policies/simulate", edit).await["changes"], json!([]));
    assert_eq!(world.count(&owner, Action::PolicyCreate).await, 1, "nothing was made");
    assert_eq!(scene.world.count(&owner, Action::PolicyUpdate).await, 1, "or changed");
}

#[tokio::test]
async fn a_machine_is_where_it_was_last_seen() {
    let world = World::new().await;
    let owner = world.owner().await;
    let scene = Scene::of(&world, &owner).await;
    scene.bind(json!({ "ipAllowlistEnabled": true, "ipAllowlistCidrs": ["192.0.2.7/32"] })).await;
    let read = json!({ "machineId": scene.machine.id, "secretId": scene.secret });
    let said = scene.ask("/policies/simulate", read.clone()).await;
    assert_eq!(said["code"], "address_not_allowed", "where it registered from, before it was seen");
    world.catch_up().await;
    assert_eq!(scene.ask("/policies/simulate", read).await["admitted"], true);
}

#[tokio::test]
async fn what_cannot_be_simulated_is_refused_with_what_to_do() {
    let world = World::with(Options { open_sign_up: true, ..Options::default() }).await;
    let owner = world.owner().await;
    let scene = Scene::of(&world, &owner).await;
    let (machine, secret) = (&scene.machine.id, &scene.secret);
    let path = format!("/v1/manage/projects/{}/policies/simulate", scene.project);
    let other = owner.project("other").await;
    let elsewhere = owner.secret(&other, "elsewhere", "v").await;
    let stranger = Person::somebody(&world).await.machine().await;
    for (body, status, error) in [
        (json!({}), 422, "secretIds must be given, unless policyId and policy are"),
        (json!({ "machineId": machine }), 422, "secretId must be given with machineId"),
        (json!({ "secretId": secret }), 422, "machineId must be given with secretId"),
        (
            json!({ "machineId": machine, "secretId": secret, "secretIds": [secret] }),
            422,
            "machineId is of one read; policyId, policy and secretIds are of an edit",
        ),
        (
            json!({ "machineId": machine, "secretId": secret, "at": world.now().seconds() }),
            422,
            "at must be epoch milliseconds; this looks like seconds",
        ),
        (json!({ "secretIds": vec![secret; 501] }), 422, "secretIds must list at most 500 secrets"),
        (
            json!({ "policy": { "rateCapEnabled": true }, "secretIds": [secret] }),
            422,
            "maxReadsPerMinute must be given while the rate cap is on, or maxReadsPerDay",
        ),
        (json!({ "machineId": stranger.id, "secretId": secret }), 404, "Machine not found"),
        (json!({ "machineId": machine, "secretId": elsewhere }), 404, "Secret not found"),
        (json!({ "secretIds": [secret, elsewhere] }), 404, "Secret not found"),
        (json!({ "policyId": "pol_0000000000", "secretIds": [secret] }), 404, "Policy not found"),
        (
            json!({ "policy": { "coSignEnabled": true, "coSignMachineId": stranger.id, "coSignWindowSeconds": 60 },
                    "secretIds": [secret] }),
            404,
            "Machine not found",
        ),
    ] {
        assert_eq!(owner.post(&path, &body).await.error(status), error, "{body}");
    }
    owner.post(&path, &json!({ "machineId": machine, "secretId": secret, "sourceIp": "nowhere" })).await.error(422);
}

//! A walk through every action of the families that are there, as the published MCP server sends them: with the required
//! arguments alone and with all of them, through the door of agents and through the door of people.

use e2e::{Agent, Answer, Person, World, keys};
use rules::scope::Scope;
use serde_json::{Value, json};

/// One of the two ways in.
enum Door<'a> {
    Agents(&'a Agent<'a>),
    People(&'a Person<'a>),
}

impl Door<'_> {
    async fn send(&self, path: &str, body: Option<Value>) -> Answer {
        match self {
            Self::Agents(agent) => agent.world.send(agent.request(&format!("/v1/ai/{path}"), body.as_ref())).await,
            Self::People(person) => {
                person.world.send(person.request(&format!("/v1/manage/{path}"), body.as_ref())).await
            }
        }
    }

    async fn get(&self, path: &str) -> Value {
        self.send(path, None).await.expect(200).json()
    }

    /// A POST with a body; an action answers success and the ids it touched.
    async fn post(&self, path: &str, body: Value) -> Value {
        self.send(path, Some(body)).await.expect(200).json()
    }

    async fn act(&self, path: &str, body: Value) {
        let answer = self.post(path, body).await;
        assert_eq!(answer["success"], true, "{path}: {answer}");
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// `none` as a POST: without a body at all, as the client sends where there is nothing to say.
fn none() -> Value {
    json!({})
}

async fn projects(door: &Door<'_>) -> String {
    let made = door.post("projects", json!({ "name": "required" })).await;
    let id = text(&made["id"]);
    let full = door.post("projects", json!({ "name": "all", "description": "with a description" })).await;
    assert_eq!(full["description"], "with a description");
    let list = door.get("projects").await;
    assert!(list["projects"].as_array().unwrap().len() >= 2);
    door.act(&format!("projects/{id}/update"), none()).await;
    door.act(&format!("projects/{id}/update"), json!({ "name": "walked", "description": "d" })).await;
    let preview = door.post(&format!("projects/{}/delete", text(&full["id"])), json!({ "preview": true })).await;
    assert_eq!(preview["counts"]["secrets"], 0);
    door.act(&format!("projects/{}/delete", text(&full["id"])), json!({ "confirmName": "all" })).await;
    id
}

async fn secrets(door: &Door<'_>, project: &str) -> String {
    let path = format!("projects/{project}/secrets");
    let made = door.post(&path, json!({ "name": "plain", "value": "a marker value", "projectId": project })).await;
    assert_eq!(keys(&made), ["id", "name"]);
    let body = json!({ "name": "db", "value": "{\"user\":\"a marker user\",\"password\":\"a marker password\"}",
                       "projectId": project, "note": "n", "fieldNames": ["user", "password"] });
    let structured = text(&door.post(&path, body).await["id"]);
    let id = text(&made["id"]);
    let rows = door.get(&path).await;
    assert_eq!(rows["secrets"].as_array().unwrap().len(), 2);
    let row = door.get(&format!("{path}/{structured}")).await;
    for key in ["id", "name", "type", "fieldNames", "note", "version", "createdAt", "updatedAt"] {
        assert!(!row[key].is_null(), "{key}: {row}");
    }
    assert_eq!(row["fieldNames"], "[\"user\",\"password\"]", "the JSON array as text");
    let one = format!("{path}/{id}");
    assert_eq!(
        door.post(&format!("{one}/update"), json!({ "value": "another marker value" })).await,
        json!({ "id": id, "version": 2 })
    );
    door.act(&format!("{one}/name"), json!({ "name": "renamed" })).await;
    door.act(&format!("{one}/note"), json!({ "note": "a note" })).await;
    door.act(&format!("{one}/note"), json!({ "note": "" })).await;
    assert_eq!(door.post(&format!("{one}/rotate"), none()).await["version"], 3);
    let all = json!({ "length": 64, "charset": "alphanumeric" });
    assert_eq!(door.post(&format!("{one}/rotate"), all).await, json!({ "id": id, "version": 4 }));
    let fields = json!({ "length": 16, "charset": "numbers", "fields": ["password"] });
    assert_eq!(door.post(&format!("{path}/{structured}/rotate"), fields).await["version"], 2);
    assert_eq!(door.post(&format!("{one}/rollback"), json!({ "version": 1 })).await["version"], 5);
    let versions = door.get(&format!("{one}/versions")).await;
    assert_eq!(versions["versions"].as_array().unwrap().len(), 5);
    assert_eq!(keys(&versions["versions"][0]), ["createdAt", "current", "version"]);
    door.act(&format!("{path}/{structured}/delete"), none()).await;
    let trash = door.get("trash").await;
    assert_eq!(trash["secrets"][0]["id"], structured);
    door.act(&format!("trash/{structured}/restore"), none()).await;
    door.act(&format!("{path}/{structured}/delete"), none()).await;
    door.act(&format!("trash/{structured}/purge"), none()).await;
    id
}

async fn machines(door: &Door<'_>, owner: &Person<'_>, project: &str, secret: &str) {
    let (machine, denied) = (owner.pending_machine().await, owner.pending_machine().await);
    let path = format!("machines/{}", machine.id);
    let list = door.get("machines").await;
    assert!(list["machines"].as_array().unwrap().iter().all(|row| row["kind"] == "standard"));
    door.act(&format!("{path}/approve"), none()).await;
    door.act(&format!("machines/{}/deny", denied.id), none()).await;
    door.act(&format!("{path}/rename"), json!({ "name": "web" })).await;
    assert_eq!(door.get(&format!("{path}/name-history")).await["renames"][0]["to"], "web");

    let members = format!("projects/{project}/machines");
    door.act(&members, json!({ "machineId": machine.id })).await;
    door.act(&members, json!({ "machineId": machine.id })).await;
    let all = json!({ "search": "we", "sortBy": "secretCount", "sortDir": "desc", "page": 1, "pageSize": 10 });
    for body in [none(), all] {
        let found = door.post(&format!("{members}/query"), body).await;
        assert_eq!((&found["total"], &found["page"]), (&json!(1), &json!(1)), "{found}");
        assert_eq!(found["machines"][0]["kind"], "standard");
    }
    let grants = format!("{members}/{}/grants", machine.id);
    let set = json!({ "secretIds": [secret, "sk_0000000000", "not an id"] });
    assert_eq!(door.post(&grants, set).await["secretIds"], json!([secret]), "ids of nothing are ignored");
    door.send(&grants, Some(json!({ "secretIds": null }))).await.error(400);
    assert_eq!(door.get(&format!("{members}/{}/secrets", machine.id)).await["secretIds"], json!([secret]));
    machine.read(secret).await.expect(200);
    let detail = door.get(&path).await;
    assert_eq!(
        (&detail["grantCount"], &detail["expiresAt"], &detail["enrollmentTokenId"]),
        (&json!(1), &Value::Null, &Value::Null)
    );
    assert_eq!(keys(&detail["memberships"][0]), ["addedAt", "projectId", "projectName"]);
    let preview = door.post(&format!("{path}/revoke"), json!({ "preview": true })).await;
    assert_eq!((&preview["grants"], &preview["memberships"]), (&json!(1), &json!(1)));
    door.act(&format!("{members}/{}/detach", machine.id), none()).await;
    machine.read(secret).await.error(403);
    door.send(&grants, Some(json!({ "secretIds": [] }))).await.error(409);
    door.act(&format!("{path}/revoke"), none()).await;
}

async fn enrollment(door: &Door<'_>, project: &str, secret: &str) {
    let required = json!({ "name": "ci", "tokenLifetimeSeconds": 60, "machineLifetimeSeconds": 31_536_000,
                           "maxUses": 10_000, "projectIds": null, "secretIds": null });
    let made = door.post("enrollment-tokens", required.clone()).await;
    assert!(text(&made["token"]).starts_with("ske_") && text(&made["enrollUrl"]).ends_with("/enroll/register"));
    let mut all = required;
    all["projectIds"] = json!([project]);
    all["secretIds"] = json!([secret]);
    all["description"] = "for CI".into();
    all["sourceCidr"] = "192.0.2.0/24".into();
    all["hostnamePattern"] = "runner-[0-9]+".into();
    all["namePattern"] = "ci-{uuid8}".into();
    let full = text(&door.post("enrollment-tokens", all).await["id"]);
    let row = door.get(&format!("enrollment-tokens/{full}")).await;
    assert_eq!((&row["uses"], &row["revoked"], &row["sourceCidr"]), (&json!(0), &json!(false), &json!("192.0.2.0/24")));
    door.act(&format!("enrollment-tokens/{}/revoke", text(&made["id"])), none()).await;
    door.act(&format!("enrollment-tokens/{full}/revoke"), json!({ "reason": "leaked" })).await;
    let list = door.get("enrollment-tokens").await;
    assert!(list["tokens"].as_array().unwrap().iter().all(|token| token["revoked"] == true));
}

async fn policies(door: &Door<'_>, owner: &Person<'_>, project: &str, secret: &str) {
    let path = format!("projects/{project}/policies");
    assert_eq!(door.send(&path, Some(none())).await.error(422), "name must be given");
    let made = door.post(&path, json!({ "name": "required" })).await;
    let machine = owner.machine().await;
    let all = json!({
        "name": "all", "description": "all axes", "timeWindowEnabled": true, "timeWindowStart": "22:00",
        "timeWindowEnd": "06:00", "timeWindowTimezone": "Europe/Copenhagen", "timeWindowDays": ["mon", "sun"],
        "ipAllowlistEnabled": true, "ipAllowlistCidrs": ["192.0.2.0/24", "2001:db8::/32"], "rateCapEnabled": true,
        "maxReadsPerDay": 1_000, "maxReadsPerMinute": 10, "coSignEnabled": true, "coSignMachineId": machine.id,
        "coSignWindowSeconds": 60, "ttlExpiresAt": 4_000_000_000_000_u64, "ttlMaxReads": 100, "rotateAfterReads": 10,
    });
    let full = door.post(&path, all.clone()).await;
    for (field, value) in all.as_object().unwrap() {
        assert_eq!(full[field], *value, "{field}");
    }
    assert_eq!(keys(&full), keys(&made), "every field is there, null where nothing is set");
    assert_eq!(door.get(&path).await["policies"].as_array().unwrap().len(), 2);
    let one = format!("{path}/{}", text(&full["id"]));
    door.act(&format!("{one}/update"), none()).await;
    door.act(&format!("{one}/update"), all).await;
    let binding = format!("secrets/{secret}/binding");
    assert_eq!(door.get(&binding).await, json!({ "policy": null }));
    door.act(&binding, json!({ "policyId": full["id"] })).await;
    assert_eq!(door.get(&binding).await["policy"]["name"], "all");
    assert_eq!(door.get(&one).await["secrets"][0]["id"], secret);
    let edit = json!({ "policyId": made["id"], "secretIds": [secret] });
    assert_eq!(door.post(&format!("{path}/simulate"), edit).await["truncated"], false);
    door.act(&format!("{binding}/delete"), none()).await;
    for policy in [&full, &made] {
        door.act(&format!("{path}/{}/delete", text(&policy["id"])), none()).await;
    }
}

async fn schedules(door: &Door<'_>, project: &str, secret: &str) {
    let required = json!({ "projectId": project, "name": "rotated", "intervalSeconds": 300 });
    let made = door.post("dynamic-secrets", required).await;
    assert_eq!(keys(&made), ["id", "name"]);
    let all = json!({ "projectId": project, "name": "rotated db", "intervalSeconds": 2_592_000, "note": "n", "length": 64,
                      "charset": "alphanumeric", "fieldNames": ["user", "password"], "fields": ["password"],
                      "staticFields": { "user": "a marker user" } });
    let full = text(&door.post("dynamic-secrets", all).await["id"]);
    door.post("dynamic-secrets", json!({ "secretId": secret, "intervalSeconds": 86_400 })).await;
    let rows = door.get("dynamic-secrets").await;
    assert_eq!(rows["dynamicSecrets"].as_array().unwrap().len(), 3);
    let row = door.get(&format!("dynamic-secrets/{full}")).await;
    for (key, value) in [("length", json!(64)), ("charset", json!("alphanumeric")), ("fields", json!(["password"]))] {
        assert_eq!(row[key], value, "{key}");
    }
    door.act(&format!("dynamic-secrets/{full}/update"), none()).await;
    let update =
        json!({ "intervalSeconds": 600, "length": 8, "charset": "numbers", "fields": ["password"], "enabled": false });
    door.act(&format!("dynamic-secrets/{full}/update"), update).await;
    for id in [secret.to_owned(), full.clone(), text(&made["id"])] {
        door.act(&format!("dynamic-secrets/{id}/delete"), none()).await;
    }
    for id in [full, text(&made["id"])] {
        door.act(&format!("projects/{project}/secrets/{id}/delete"), none()).await;
    }
}

async fn canaries(door: &Door<'_>, project: &str) {
    let made = door.post("canaries", json!({ "projectId": project, "name": "required" })).await;
    assert_eq!(keys(&made), ["id", "name"]);
    let all = json!({ "projectId": project, "name": "all", "enabled": false, "triggerFreezeProject": false,
                      "triggerFreezeRelatedProjects": true });
    let full = text(&door.post("canaries", all).await["id"]);
    let one = door.get(&format!("canaries/{full}")).await;
    for (key, value) in [("enabled", false), ("triggerFreezeProject", false), ("triggerFreezeRelatedProjects", true)] {
        assert_eq!(one[key], value, "{key}");
    }
    assert_eq!(one["trips"], json!([]));
    let listed = door.get(&format!("projects/{project}/canaries")).await;
    assert_eq!(listed["canaries"].as_array().unwrap().len(), 2);
    door.act(&format!("canaries/{full}/config"), none()).await;
    let config = json!({ "triggerFreezeProject": true, "triggerFreezeRelatedProjects": false });
    door.act(&format!("canaries/{full}/config"), config).await;
    door.act(&format!("canaries/{full}/enable"), none()).await;
    door.act(&format!("canaries/{full}/disable"), none()).await;
    door.act(&format!("projects/{project}/unfreeze"), none()).await;
    for id in [full, text(&made["id"])] {
        door.act(&format!("projects/{project}/secrets/{id}/delete"), none()).await;
    }
}

async fn shares(door: &Door<'_>, project: &str) {
    let path = format!("projects/{project}/temporary-secrets");
    let required = json!({ "name": "given", "expiresInSeconds": 60, "value": "a marker value" });
    let made = door.post(&path, required).await;
    assert_eq!(keys(&made), ["expiresAt", "id", "passphrase", "token", "url"]);
    assert!(text(&made["url"]).ends_with(&format!("/v1/share/{}", text(&made["token"]))));
    door.post(&path, json!({ "name": "made", "expiresInSeconds": 86_400, "generateRandom": true })).await;
    let all = json!({ "name": "all", "expiresInSeconds": 300, "generateRandom": true, "length": 1_024,
                      "charset": "alphanumeric" });
    door.post(&path, all).await;
    let listed = door.get(&path).await;
    assert_eq!(listed["temporarySecrets"].as_array().unwrap().len(), 3);
    let row = &listed["temporarySecrets"][0];
    assert_eq!(keys(row), ["createdAt", "endedAt", "expiresAt", "id", "name", "status"]);
    assert_eq!((&row["id"], &row["status"], &row["endedAt"]), (&made["id"], &json!("pending"), &Value::Null));
}

async fn allowlist(door: &Door<'_>) {
    let required = door.post("ipallowlist", json!({ "cidr": "203.0.113.1" })).await;
    assert_eq!(required["cidr"], "203.0.113.1/32");
    let all = door.post("ipallowlist", json!({ "cidr": "2001:db8::/32", "label": "office" })).await;
    let entry = format!("ipallowlist/{}", text(&all["id"]));
    door.act(&format!("{entry}/update"), none()).await;
    door.act(&format!("{entry}/update"), json!({ "label": "home" })).await;
    door.act("ipallowlist/enable", none()).await;
    assert_eq!(door.get("ipallowlist").await["enabled"], true);
    door.act("ipallowlist/disable", none()).await;
    door.act(&format!("{entry}/delete"), none()).await;
    door.send("ipallowlist/bulk-delete", Some(json!({ "entryIds": null }))).await.error(400);
    door.act("ipallowlist/bulk-delete", json!({ "entryIds": [required["id"]] })).await;
    assert_eq!(door.get("ipallowlist").await["entries"], json!([]));
}

async fn agents(door: &Door<'_>, owner: &Person<'_>) {
    let (peer, denied) = (owner.pending_agent(&["audit.read"], &[]).await, owner.pending_agent(&[], &[]).await);
    let path = format!("ai-agents/{}", peer.id);
    let list = door.get("ai-agents").await;
    assert!(list["agents"].as_array().unwrap().iter().any(|row| row["scopeCount"] == 1));
    door.act(&format!("{path}/approve"), none()).await;
    for what in ["disable", "enable"] {
        door.act(&format!("{path}/{what}"), none()).await;
    }
    door.act(&format!("{path}/rename"), json!({ "name": "peer" })).await;
    assert_eq!(door.get(&format!("{path}/name-history")).await["renames"][0]["from"], "helper");
    assert_eq!(door.get(&path).await["scopes"], json!(["audit.read"]));
    door.act(&format!("{path}/revoke"), none()).await;
    door.act(&format!("ai-agents/{}/deny", denied.id), none()).await;
    let me = door.get("whoami").await;
    assert!(me["id"].is_string() && me["vaultId"].is_string());
    let sdks = door.get("sdks").await;
    let ids: Vec<&str> = sdks["sdks"].as_array().unwrap().iter().map(|sdk| sdk["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["python", "node", "go", "dotnet", "kotlin"]);
    for id in ids {
        assert!(text(&door.get(&format!("sdks/{id}")).await["sample"]).contains("sk_"));
    }
    door.send("sdks/php", None).await.error(404);
}

async fn audit(door: &Door<'_>) {
    let all = json!({ "actions": ["secret_read"], "severities": ["info"], "sourceIp": "192.0.2.7", "search": "read",
                      "from": 0, "to": 9_007_199_254_740_991_u64, "sortBy": "timestamp", "sortDir": "asc", "page": 1,
                      "pageSize": 200 });
    for body in [none(), json!({ "sortDir": "desc" }), json!({ "sortDir": "desc", "page": 2, "pageSize": 10 }), all] {
        let page = door.post("audit/query", body).await;
        let entry = &page["entries"][0];
        for key in ["action", "severity", "actorKind", "userId", "sourceIp", "detail", "timestamp"] {
            assert!(!entry[key].is_null(), "{key}: {page}");
        }
        assert!(entry.as_object().unwrap().contains_key("aiAgentId"));
    }
    let catalogue = door.get("audit/actions").await;
    assert!(catalogue["actions"].as_array().unwrap().iter().all(|row| row["severity"].is_string()));
    assert_eq!(door.get("activity").await["events"].as_array().unwrap().len(), 20);
    let filters = json!({ "actions": ["secret_read"], "severities": ["info"], "sourceIp": "192.0.2.7", "search": "read",
                          "from": 0, "to": 9_007_199_254_740_991_u64 });
    for body in [none(), filters] {
        let csv = door.send("audit/export", Some(body)).await.expect(200);
        assert!(csv.text().starts_with("timestamp,action,severity,") && csv.text().lines().count() > 1);
    }
    assert_eq!(door.get("stats").await["projects"], 1);
    for body in [none(), json!({ "bucket": "day", "from": 1_799_900_000_000_u64, "to": 1_800_000_000_000_u64 })] {
        assert!(!door.post("stats/reads-over-time", body).await["buckets"].as_array().unwrap().is_empty());
    }
    assert_eq!(door.get("usage").await["secrets"]["used"], 1);
}

async fn walk(door: &Door<'_>, owner: &Person<'_>) {
    let project = projects(door).await;
    let secret = secrets(door, &project).await;
    machines(door, owner, &project, &secret).await;
    enrollment(door, &project, &secret).await;
    policies(door, owner, &project, &secret).await;
    canaries(door, &project).await;
    schedules(door, &project, &secret).await;
    shares(door, &project).await;
    allowlist(door).await;
    agents(door, owner).await;
    audit(door).await;
}

#[tokio::test]
async fn an_agent_walks_every_action() {
    let world = World::new().await;
    let owner = world.owner().await;
    let all: Vec<&str> = Scope::ALL.iter().map(|scope| scope.name()).collect();
    let agent = owner.agent(&all, &[]).await;
    walk(&Door::Agents(&agent), &owner).await;
}

#[tokio::test]
async fn a_person_walks_every_action() {
    let world = World::new().await;
    let owner = world.owner().await;
    walk(&Door::People(&owner), &owner).await;
}

//! What calls name: things of one vault, each made when a case names it, in the state that the case needs.

use std::collections::BTreeMap;
use std::pin::Pin;

use crypto::KeyPair;
use rules::nouns::ticket::TicketStatus;
use serde_json::{Value, json};

use super::Case;
use crate::roles::PASSWORD;
use crate::{Browser, CodeApp, Machine, Person};

/// The names that templates use.
pub(super) const NAMES: &[&str] = &[
    "agentId",
    "agentToken",
    "attachmentId",
    "ceremony",
    "credential",
    "deliveryId",
    "email",
    "enrollment",
    "entryId",
    "firstCode",
    "id",
    "machineId",
    "newCredential",
    "newEmail",
    "newName",
    "newPassword",
    "passphrase",
    "password",
    "policyId",
    "canaryId",
    "projectId",
    "projectName",
    "publicKey",
    "range",
    "recoveryCode",
    "registration",
    "resetToken",
    "sdkId",
    "secretId",
    "ticketId",
    "token",
    "tokenId",
    "vaultId",
    "verificationToken",
    "webhookId",
    "webhookUrl",
];

/// Those of them that are ids of things in a vault.
pub(super) const IDS: &[&str] = &[
    "agentId",
    "attachmentId",
    "canaryId",
    "deliveryId",
    "entryId",
    "id",
    "machineId",
    "policyId",
    "projectId",
    "secretId",
    "ticketId",
    "tokenId",
    "vaultId",
    "webhookId",
];

/// An id of nothing, of the shape that this name's ids have.
#[must_use]
pub fn missing_id(name: &str) -> &'static str {
    match name {
        "projectId" => "proj_0000000000",
        "policyId" => "pol_0000000000",
        "canaryId" => "sk_0000000000",
        "secretId" => "sk_0000000000",
        "tokenId" => "enr_0000000000",
        "entryId" => "ipa_0000000000",
        "ticketId" => "tkt_0000000000",
        "attachmentId" => "att_0000000000",
        "vaultId" => "vault_0000000000",
        "webhookId" => "hook_0000000000",
        _ => "0b64c4f0-5d6f-4d5e-9c7e-3f1f6f3f0a11",
    }
}

/// The things that one call names, by what they are.
#[derive(Default)]
pub struct Things<'w> {
    values: BTreeMap<&'static str, Value>,
    /// A machine that may read the secret, if the call needs one.
    pub reader: Option<Machine<'w>>,
    /// The authenticator of the passkey among the things.
    browser: Option<Browser>,
}

/// The template with something in the place of each name.
pub(super) fn filled(template: &Value, thing: &impl Fn(&'static str) -> Value) -> Value {
    match template {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), filled(value, thing))).collect(),
        Value::Array(list) => list.iter().map(|item| filled(item, thing)).collect(),
        Value::String(text) => match NAMES.iter().find(|name| text.strip_prefix('$') == Some(**name)) {
            Some(name) => thing(name),
            None => template.clone(),
        },
        other => other.clone(),
    }
}

fn random_byte() -> u8 {
    crypto::random::bytes::<1>()[0]
}

impl<'w> Things<'w> {
    /// Everything that a call of this case names, made anew in this person's vault.
    pub async fn of(case: &Case, owner: &Person<'w>) -> Self {
        let mut things = Self::default();
        for thing in case.wanted() {
            things.make(thing, owner).await;
        }
        things
    }

    /// One of the things, as text.
    ///
    /// # Panics
    ///
    /// If it is not among them.
    #[must_use]
    pub fn text(&self, thing: &str) -> &str {
        self.values.get(thing).and_then(Value::as_str).unwrap_or_else(|| panic!("no {thing} among the things"))
    }

    /// Puts another id in the place of one of them.
    pub fn replace(&mut self, thing: &'static str, id: &str) {
        self.values.insert(thing, id.into());
    }

    /// The case's path with these things in it.
    #[must_use]
    pub fn path(&self, case: &Case) -> String {
        let mut path = case.path.to_owned();
        for name in NAMES {
            let hole = format!("{{{name}}}");
            if path.contains(&hole) {
                path = path.replace(&hole, self.text(case.thing(name)));
            }
        }
        path
    }

    /// The case's body with these things in it.
    #[must_use]
    pub fn body(&self, case: &Case) -> Value {
        filled(&case.body, &|name| self.values.get(case.thing(name)).cloned().expect("a thing that the case wants"))
    }

    fn keep(&mut self, thing: &'static str, value: impl Into<Value>) {
        self.values.insert(thing, value.into());
    }

    fn make<'a>(&'a mut self, thing: &'static str, owner: &'a Person<'w>) -> Pin<Box<dyn Future<Output = ()> + 'a>> {
        Box::pin(async move {
            if !self.values.contains_key(thing) {
                match thing {
                    "projectId" | "projectName" | "frozenProject" | "secretId" | "trashedSecret" | "reader"
                    | "member" | "policyId" | "boundPolicy" | "boundSecret" | "canaryId" | "disarmedCanary"
                    | "scheduledSecret" => {
                        self.make_in_project(thing, owner).await;
                    }
                    "machineId" | "pendingMachine" | "disabledMachine" => self.make_machine(thing, owner).await,
                    "agentId" | "pendingAgent" | "disabledAgent" => self.make_agent(thing, owner).await,
                    "operator" => {
                        let owner_of_all = store::person::DeploymentOwner { user: owner.id.parse().unwrap() };
                        let mut write = owner.world.services.store.transaction();
                        write.put(&owner_of_all);
                        write.commit().await.unwrap();
                    }
                    "onAPlan" => {
                        let change = store::vault::row(owner.vault.parse().unwrap()).change();
                        let change = change.set(store::vault::PLAN, &Some("trial".to_owned()));
                        owner.world.services.store.change(change).await.unwrap();
                    }
                    "stepUpOn" => {
                        owner.post("/v1/manage/settings", &json!({ "stepUp": true })).await.expect(200);
                    }
                    "entryId" | "roomInAllowlist" | "allowlistOn" => self.make_allowlist(thing, owner).await,
                    "ticketId" | "resolvedTicket" | "attachmentId" => self.make_ticket(thing, owner).await,
                    "webhookId" | "deliveryId" | "roomForWebhooks" => self.make_webhook(thing, owner).await,
                    "noAlerts" => {
                        owner.post("/v1/manage/alerts", &json!({ "enabledActions": [] })).await.expect(200);
                    }
                    "bootstrapToken" | "agentToken" | "bundleToken" | "enrollment" | "tokenId" | "shareToken"
                    | "passphrase" | "verificationToken" | "resetToken" => self.make_token(thing, owner).await,
                    "session" | "firstCode" | "recoveryCode" | "passkey" | "registration" | "newCredential"
                    | "ceremony" | "credential" => self.make_proof(thing, owner).await,
                    _ => self.make_text(thing, owner),
                }
            }
        })
    }

    async fn make_in_project(&mut self, thing: &'static str, owner: &Person<'w>) {
        if matches!(thing, "projectId" | "frozenProject") {
            // Names are unique, and projects are made again and again.
            let name = format!("production {}", hex::encode(crypto::random::bytes::<8>()));
            let project = owner.project(&name).await;
            self.keep("projectName", name);
            if thing == "frozenProject" {
                owner.post(&format!("/v1/manage/projects/{project}/freeze"), &json!({})).await.expect(200);
            }
            return self.keep(thing, project);
        }
        self.make("projectId", owner).await;
        let project = self.text("projectId").to_owned();
        match thing {
            "projectName" => {}
            "secretId" => {
                let secret = owner.secret(&project, "api key", "the value itself").await;
                self.keep(thing, secret);
            }
            "trashedSecret" => {
                let secret = owner.secret(&project, "trashed", "the value itself").await;
                let path = format!("/v1/manage/projects/{project}/secrets/{secret}/delete");
                owner.post(&path, &json!({})).await.expect(200);
                self.keep(thing, secret);
            }
            "policyId" => {
                let body = json!({ "name": "office hours" });
                let made = owner.post(&format!("/v1/manage/projects/{project}/policies"), &body).await.expect(200);
                self.keep(thing, made.field("id"));
            }
            "scheduledSecret" => {
                let secret = owner.secret(&project, "scheduled", "the value itself").await;
                let body = json!({ "secretId": secret, "intervalSeconds": 86_400 });
                owner.post("/v1/manage/dynamic-secrets", &body).await.expect(200);
                self.keep(thing, secret);
            }
            "canaryId" | "disarmedCanary" => {
                // Names are unique.
                let name = format!("root key {}", hex::encode(crypto::random::bytes::<8>()));
                let body = json!({ "projectId": project, "name": name, "enabled": thing == "canaryId" });
                let made = owner.post("/v1/manage/canaries", &body).await.expect(200);
                self.keep(thing, made.field("id"));
            }
            "boundPolicy" | "boundSecret" => {
                self.make("policyId", owner).await;
                self.make("secretId", owner).await;
                let (policy, secret) = (self.text("policyId").to_owned(), self.text("secretId").to_owned());
                let binding = json!({ "policyId": policy });
                owner.post(&format!("/v1/manage/secrets/{secret}/binding"), &binding).await.expect(200);
                self.keep("boundPolicy", policy);
                self.keep("boundSecret", secret);
            }
            "member" => {
                let machine = owner.machine().await;
                owner.attach(&project, &machine).await;
                self.keep(thing, machine.id);
            }
            _ => {
                self.make("secretId", owner).await;
                let machine = owner.machine().await;
                owner.attach(&project, &machine).await;
                owner.grant(&project, &machine, &[self.text("secretId")]).await.expect(200);
                self.keep(thing, machine.id.clone());
                self.reader = Some(machine);
            }
        }
    }

    async fn make_machine(&mut self, thing: &'static str, owner: &Person<'w>) {
        let machine = match thing {
            "pendingMachine" => owner.pending_machine().await,
            _ => owner.machine().await,
        };
        if thing == "disabledMachine" {
            owner.post(&format!("/v1/manage/machines/{}/disable", machine.id), &json!({})).await.expect(200);
        }
        self.keep(thing, machine.id);
    }

    async fn make_agent(&mut self, thing: &'static str, owner: &Person<'w>) {
        let agent = match thing {
            "pendingAgent" => owner.pending_agent(&["audit.read"], &[]).await,
            _ => owner.agent(&["audit.read"], &[]).await,
        };
        if thing == "disabledAgent" {
            owner.post(&format!("/v1/manage/ai-agents/{}/disable", agent.id), &json!({})).await.expect(200);
        }
        self.keep(thing, agent.id);
    }

    async fn make_allowlist(&mut self, thing: &'static str, owner: &Person<'w>) {
        if thing == "allowlistOn" {
            owner.post("/v1/manage/ipallowlist/enable", &json!({})).await.expect(200);
            return;
        }
        // The list has a limit, and entries are made again and again.
        let listed = owner.get("/v1/manage/ipallowlist").await.expect(200).json();
        let ids: Vec<&Value> = listed["entries"].as_array().unwrap().iter().map(|entry| &entry["id"]).collect();
        owner.post("/v1/manage/ipallowlist/bulk-delete", &json!({ "entryIds": ids })).await.expect(200);
        if thing == "entryId" {
            let range = format!("10.{}.{}.0/24", random_byte(), random_byte());
            let entry = owner.post("/v1/manage/ipallowlist", &json!({ "cidr": range })).await.expect(200);
            self.keep(thing, entry.field("id"));
        }
    }

    async fn make_ticket(&mut self, thing: &'static str, owner: &Person<'w>) {
        if thing == "attachmentId" {
            self.make("ticketId", owner).await;
            let path = format!("/v1/manage/tickets/{}/attachments", self.text("ticketId"));
            let body = json!({ "fileName": "log.txt", "contentType": "text/plain", "base64": "aGVsbG8=" });
            return self.keep(thing, owner.post(&path, &body).await.expect(200).field("id"));
        }
        let body = json!({ "categoryId": "bug", "priority": "low", "title": "An export", "body": "It ends early." });
        let ticket = owner.post("/v1/manage/tickets", &body).await.expect(200).field("id");
        if thing == "resolvedTicket" {
            let change = store::ticket::row(ticket.parse().unwrap()).change();
            let change = change.set(store::ticket::STATUS, &TicketStatus::Resolved);
            owner.world.services.store.change(change).await.unwrap();
        }
        self.keep(thing, ticket);
    }

    async fn make_webhook(&mut self, thing: &'static str, owner: &Person<'w>) {
        if thing == "deliveryId" {
            self.make("webhookId", owner).await;
            let path = format!("/v1/manage/webhooks/{}/test", self.text("webhookId"));
            let started = owner.post(&path, &json!({})).await.expect(200);
            return self.keep(thing, started.field("deliveryId"));
        }
        // There is a limit, and webhooks are made again and again.
        let listed = owner.get("/v1/manage/webhooks").await.expect(200).json();
        for webhook in listed["webhooks"].as_array().unwrap() {
            let id = webhook["id"].as_str().unwrap();
            owner.post(&format!("/v1/manage/webhooks/{id}/delete"), &json!({})).await.expect(200);
        }
        if thing == "webhookId" {
            self.make_text("webhookUrl", owner);
            let body = json!({ "url": self.text("webhookUrl"), "actions": ["canary_triggered"] });
            let made = owner.post("/v1/manage/webhooks", &body).await.expect(200);
            self.keep(thing, made.field("id"));
        }
    }

    async fn make_token(&mut self, thing: &'static str, owner: &Person<'w>) {
        let token = match thing {
            "bootstrapToken" => owner.bootstrap_token().await,
            "agentToken" => {
                let body = json!({ "name": "a", "scopes": [] });
                owner.post("/v1/manage/agent-bootstrap-tokens", &body).await.expect(200).field("token")
            }
            "bundleToken" => {
                self.make("projectId", owner).await;
                let body = json!({ "projectId": self.text("projectId"), "secretIds": [] });
                let made = owner.post("/v1/manage/bundles", &body).await.expect(200);
                made.field("url").rsplit('/').next().unwrap().to_owned()
            }
            "shareToken" | "passphrase" => {
                self.make("projectId", owner).await;
                let path = format!("/v1/manage/projects/{}/temporary-secrets", self.text("projectId"));
                let body = json!({ "name": "db password", "expiresInSeconds": 86_400, "value": "the value itself" });
                let made = owner.post(&path, &body).await.expect(200);
                self.keep("shareToken", made.field("token"));
                self.keep("passphrase", made.field("passphrase"));
                return;
            }
            "enrollment" | "tokenId" => {
                let body = json!({ "name": "ci", "projectIds": null, "secretIds": null, "tokenLifetimeSeconds": 600,
                                   "machineLifetimeSeconds": 600, "maxUses": 64 });
                let made = owner.post("/v1/manage/enrollment-tokens", &body).await.expect(200);
                self.keep("tokenId", made.field("id"));
                self.keep("enrollment", made.field("token"));
                return;
            }
            "verificationToken" => {
                owner.post("/v1/account/verification", &json!({})).await.expect(200);
                owner.world.mail.token()
            }
            _ => {
                owner.post("/v1/account/recovery", &json!({ "email": owner.email })).await.expect(200);
                owner.world.mail.token()
            }
        };
        self.keep(thing, token);
    }

    async fn make_proof(&mut self, thing: &'static str, owner: &Person<'w>) {
        match thing {
            "session" => {
                let other = owner.again().await;
                let sessions = other.get("/v1/account/sessions").await.expect(200).json();
                let all = sessions["sessions"].as_array().unwrap();
                let current = all.iter().find(|session| session["current"] == true).unwrap();
                self.keep(thing, current["id"].clone());
            }
            "firstCode" => {
                let app = CodeApp::begin(owner).await;
                self.keep(thing, app.code(owner.world.now()));
            }
            "recoveryCode" => {
                let (_, codes) = CodeApp::enroll(owner).await;
                self.keep(thing, codes[0].clone());
            }
            "passkey" => {
                let (browser, id) = Browser::with_passkey(owner, "laptop").await;
                self.browser = Some(browser);
                self.keep(thing, id);
            }
            "registration" | "newCredential" => {
                let (_, ceremony, credential) = Browser::begin_passkey(owner).await;
                self.keep("registration", ceremony);
                self.keep("newCredential", credential);
            }
            _ => {
                self.make("passkey", owner).await;
                let browser = self.browser.as_mut().expect("the passkey's browser");
                let (ceremony, credential) = browser.begin_sign_in(owner.world).await;
                self.keep("ceremony", ceremony);
                self.keep("credential", credential);
            }
        }
    }

    fn make_text(&mut self, thing: &'static str, owner: &Person<'w>) {
        let text = match thing {
            "vaultId" => owner.vault.clone(),
            "sdkId" => "python".to_owned(),
            "publicKey" => KeyPair::make().public().to_base64(),
            "range" => format!("203.0.{}.{}", random_byte(), random_byte()),
            "email" => owner.email.clone(),
            "newEmail" => format!("{}@example.org", hex::encode(crypto::random::bytes::<8>())),
            "password" => PASSWORD.to_owned(),
            "newName" => format!("name {}", hex::encode(crypto::random::bytes::<8>())),
            // An address and no name, so that nothing has to be found where there is no name server.
            "webhookUrl" => "https://93.184.215.14/hooks".to_owned(),
            "newPassword" => "another passw0rd!".to_owned(),
            other => panic!("nobody knows how to make {other}"),
        };
        self.keep(thing, text);
    }
}

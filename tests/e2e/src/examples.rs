//! An example of each answer, made from its schema: every field is there, with a value that says what belongs there.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::cases;

/// 1 January 2026 in epoch milliseconds, and in epoch seconds.
const MOMENT: u64 = 1_767_225_600_000;
const MOMENT_SECONDS: u64 = 1_767_225_600;

/// Adds to the document an example for each kind of JSON that an operation answers with.
pub(crate) fn add_to(document: &mut Value) {
    let mut used = BTreeSet::new();
    let operations = document["paths"].as_object_mut().expect("paths").values_mut();
    for operation in operations.flat_map(|path| path.as_object_mut().expect("operations").values_mut()) {
        let answer = operation["responses"]["200"]["content"].get_mut("application/json");
        let Some(answer) = answer.filter(|answer| answer["schema"]["$ref"].is_string()) else { continue };
        let name = answer["schema"]["$ref"].as_str().and_then(|name| name.rsplit('/').next()).unwrap_or_default();
        used.insert(name.to_owned());
        answer["examples"] = json!({ "answer": { "$ref": format!("#/components/examples/{name}") } });
    }
    let schemas = &document["components"]["schemas"];
    let example = |name: String| {
        let value = json!({ "value": of(schemas, &schemas[&name], (&name, "")) });
        (name, value)
    };
    let examples: Map<String, Value> = used.into_iter().map(example).collect();
    document["components"]["examples"] = examples.into();
}

/// The name of an object, and that of a field of it.
type Field<'n> = (&'n str, &'n str);

/// An example of a schema, which is that of this field.
fn of(schemas: &Value, schema: &Value, field: Field<'_>) -> Value {
    if let Some(target) = schema["$ref"].as_str().and_then(|target| target.rsplit('/').next()) {
        return of_id(target).unwrap_or_else(|| of(schemas, &schemas[target], (target, field.1)));
    }
    if let Some(prefix) = schema["pattern"].as_str().and_then(|pattern| pattern.strip_suffix("[a-z0-9]{10}$")) {
        return format!("{}a1b2c3d4e5", prefix.trim_start_matches('^')).into();
    }
    if schema["format"] == "uuid" {
        return cases::example_of("session");
    }
    if let Some(constant) = schema.get("const").or_else(|| schema["enum"].get(0)) {
        return constant.clone();
    }
    if let Some(choice) = schema["anyOf"].get(0) {
        return of(schemas, choice, field);
    }
    let types = schema["type"].as_array().and_then(|types| types.first()).unwrap_or(&schema["type"]);
    match types.as_str().unwrap_or_default() {
        "object" => of_object(schemas, schema, field.0),
        "array" => {
            let least = schema["minItems"].as_u64().unwrap_or_default().max(1);
            (0..least).map(|_| of(schemas, &schema["items"], field)).collect()
        }
        "boolean" => (field.1 != "admitted").into(),
        "integer" => of_number(field.1).map_or(Value::Null, Value::from),
        _ => of_text(field).map_or(Value::Null, Value::from),
    }
}

fn of_object(schemas: &Value, schema: &Value, object: &str) -> Value {
    if schema["additionalProperties"].is_object() {
        return json!({ "sk_a1b2c3d4e5": of(schemas, &schema["additionalProperties"], (object, "")) });
    }
    let fields = schema["properties"].as_object().into_iter().flatten();
    fields.map(|(name, schema)| (name.clone(), of(schemas, schema, (object, name)))).collect::<Map<_, _>>().into()
}

fn of_id(schema: &str) -> Option<Value> {
    Some(match schema {
        "ProjectId" | "SecretId" | "VaultId" | "MachineId" | "AgentId" => {
            let (first, rest) = schema.split_at(1);
            cases::example_of(&(first.to_lowercase() + rest))
        }
        "Time" => MOMENT.into(),
        // As the names of its fields are there.
        "SecretKind" => "structured".into(),
        _ => return None,
    })
}

fn of_number(name: &str) -> Option<u64> {
    Some(match name {
        "limit" => return None,
        "expiresAt" => MOMENT_SECONDS,
        "machineLifetimeSeconds" => 3_600,
        "coSignWindowSeconds" | "maxReadsPerMinute" => 60,
        "intervalSeconds" => 86_400,
        "length" => 32,
        "rating" => 5,
        "size" => 5,
        "consecutiveFailures" => 0,
        "responseStatus" => 200,
        "durationMs" => 85,
        "pageSize" => 50,
        "auditRetentionDays" => 365,
        "canaries" | "denied" | "deniedLast24Hours" | "deniedLast30Days" => 0,
        "recoveryCodes" | "maxUses" => 10,
        _ => 1,
    })
}

/// What stands in a field of text; nothing where there is rather none.
fn of_text(field: Field<'_>) -> Option<&'static str> {
    Some(match field {
        (_, "error" | "nextCursor" | "namePattern") => return None,
        ("Sdk", field) => of_sdk(field),
        ("AuditEntry", "id") => "1767225600000-6f1c0a5e9b7d4c28",
        ("Project", "name") | (_, "projectName") => "production",
        ("AgentRow" | "AgentDetail" | "RegisteredAgent" | "CallingAgent", "name") => "assistant",
        ("Schedule", "fields") => "password",
        ("Canary" | "CanaryWithTrips" | "CreatedCanary", "name") => "root key",
        ("Policy" | "PolicyWithSecrets", "name") => "office hours",
        ("ClockTime", "timeWindowEnd") => "18:00",
        ("ClockTime", _) => "08:00",
        ("Zone", _) => "Europe/Copenhagen",
        ("SimulatedAxis", "axis") => "timeWindow",
        ("SimulatedRead", "code") | ("SimulatedChange", "after") => "outside_time_window",
        ("SimulatedChange", "before") => return None,
        ("SimulatedRead", "text") => "This secret is read at other times only",
        ("SimulatedRead", "remedy") => "Read from 08:00 to 18:00 by the clock of Europe/Copenhagen, on Mondays",
        ("PasskeyItem", "name") => "laptop",
        ("EnrollmentToken", "name") => "ci",
        ("CallingPerson", "name") | (_, "username" | "actorName") => "owner",
        (_, "email") => "owner@example.org",
        ("Machine" | "MachineDetail" | "ProjectMachine", "name") | (_, "machineName" | "to") => "web-1",
        (_, "name") => "database password",
        (_, "from") => "web-0",
        (_, "address" | "registeredFrom" | "sourceIp") => "203.0.113.7",
        (_, "cidr" | "sourceCidr" | "ipAllowlistCidrs") => "203.0.113.0/24",
        ("WebhookKey", "id") => "q0Ka7TqzQK0t",
        ("WebhookKey", "publicKey") => "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
        ("Webhook", "url") => "https://hooks.example.org/sikkerkey",
        ("CreatedWebhook" | "RotatedWebhookSecret", "secret") => "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        (_, "lastError") => "answered 500",
        ("Ticket" | "TicketWithMessages" | "OperatorTicket" | "OperatorTicketWithMessages", "title") => {
            "An export ends early"
        }
        (_, "fileName") => "log.txt",
        (_, "contentType") => "text/plain",
        (_, "base64") => "aGVsbG8=",
        (_, "authorName") => "owner",
        (_, "userAgent") => "Mozilla/5.0",
        (_, "publicKey") => cases::PUBLIC_KEY,
        (_, "recoveryCodes") => cases::RECOVERY_CODE,
        (_, "secret") => "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
        (_, "uri") => "otpauth://totp/SikkerKey:owner%40example.org?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
        ("CreatedShareLink", "token") => cases::LINK_TOKEN,
        ("CreatedShareLink", "url") => "https://keys.example.org/v1/share/bxwKXpt9TCij8OHSxLWWh3hpULTC0eDzqCxNe55aDB8",
        (_, "passphrase") => cases::PASSPHRASE,
        (_, "ceremony" | "token") => cases::TOKEN,
        (_, "url") => "https://keys.example.org/v1/bundle/bxwKXpt9TCij8OHSxLWWh3hpULTC0eDzqCxNe55aDB8",
        (_, "apiUrl") => "https://keys.example.org",
        (_, "enrollUrl") => "https://keys.example.org/v1/vault_a1b2c3d4e5/enroll/register",
        (_, "sh") => "curl -sSL https://keys.example.org/v1/bootstrap/6f1c0a5e | sh",
        (_, "ps") => "irm https://keys.example.org/v1/bootstrap/6f1c0a5e/ps | iex",
        (_, "k8s") => "curl -sSL https://keys.example.org/v1/bootstrap/6f1c0a5e/k8s | sh",
        (_, "ci") => "curl -sSL https://keys.example.org/v1/bootstrap/6f1c0a5e/ci | sh",
        (_, "command") => "SIKKERKEY_API_URL=https://keys.example.org sikkerkey-mcp install 6f1c0a5e",
        (_, "hostnamePattern") => "runner-[0-9]+",
        (_, "fieldNames") => r#"["user","password"]"#,
        (_, "type") => "structured",
        (_, "value") => r#"{"user":"app","password":"a value to store"}"#,
        (_, "plan") => "unlimited",
        (_, "ownerName") => "owner",
        (_, "detail") => "Machine web-1 approved",
        (_, "freezeReason" | "revocationReason") => "A key may have leaked.",
        (_, "label") => "office",
        _ => "A text for people.",
    })
}

fn of_sdk(field: &str) -> &'static str {
    match field {
        "id" => "python",
        "name" => "Python",
        "install" => "pip install sikkerkey",
        "requires" => "Python 3.9 or later",
        "docs" => "docs/sdks.md#python",
        _ => "from sikkerkey import …",
    }
}

//! The body of a delivery (agent-protocol 2.14).

use protocol::{MachineId, SecretId, UserId};
use serde::Serialize;

use crate::Time;
use crate::audit::{Action, Record, Severity};
use crate::nouns::DeliveryId;

#[derive(Serialize)]
struct Body<'r> {
    id: DeliveryId,
    event: Action,
    severity: Severity,
    timestamp: Time,
    data: Data<'r>,
}

/// All five keys are always there.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'r> {
    user_id: Option<UserId>,
    machine_id: Option<MachineId>,
    secret_id: Option<SecretId>,
    source_ip: Option<&'r str>,
    detail: &'r str,
}

/// What a webhook is told of a record.
pub fn body(id: DeliveryId, record: &Record) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Body {
        id,
        event: record.action,
        severity: record.severity,
        timestamp: record.timestamp,
        data: Data {
            user_id: Some(record.user_id),
            machine_id: record.machine_id,
            secret_id: record.secret_id,
            source_ip: Some(&record.source_ip),
            detail: &record.detail,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{ActorKind, Origin};
    use crate::nouns::Vault;
    use crate::plan::Plans;

    /// The bytes are signed, so nobody may change them.
    #[test]
    fn golden() {
        let (vault, owner) = (protocol::VaultId::from_entropy([1; 16]), UserId::from_entropy([2; 16]));
        let vault: Vault = serde_json::from_value(serde_json::json!({
            "id": vault, "owner": owner, "key": [1], "allowlistEnabled": false, "allowlist": {}, "createdAt": 1
        }))
        .unwrap();
        let origin = Origin::of(&vault, &Plans::default(), ActorKind::System, None, Time::from_ms(1_800_000_000_000));
        let record = origin.entry(Action::ProjectFreeze, "Project \"a\" frozen");
        let golden = r#"{"id":"03030303-0303-4303-8303-030303030303","event":"project_freeze","severity":"high","timestamp":1800000000000,"data":{"userId":"02020202-0202-4202-8202-020202020202","machineId":null,"secretId":null,"sourceIp":"system","detail":"Project \"a\" frozen"}}"#;
        assert_eq!(body(DeliveryId::from_entropy([3; 16]), &record).unwrap(), golden);
    }
}

//! Management of access policies: they are made, changed, bound and deleted, and bite at the next read.

use e2e::{Options, Person, World};
use rules::audit::Action;
use serde_json::json;

#[tokio::test]
async fn a_policy_lives_from_its_making_to_its_deletion() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, secret, machine) = owner.readable("v").await;
    let (of_project, of_secret) =
        (format!("/v1/manage/projects/{project}/policies"), format!("/v1/manage/secrets/{secret}/binding"));
    assert_eq!(owner.post(&of_project, &json!({})).await.error(422), "name must be given");
    let made = owner.post(&of_project, &json!({ "name": "Strict" })).await.expect(200).json();
    assert_eq!(
        made,
        json!({
            "id": made["id"], "projectId": project, "name": "Strict", "description": null, "timeWindowEnabled": false,
            "timeWindowStart": null, "timeWindowEnd": null, "timeWindowTimezone": null, "timeWindowDays": null,
            "ipAllowlistEnabled": false, "ipAllowlistCidrs": null, "rateCapEnabled": false, "maxReadsPerMinute": null,
            "maxReadsPerDay": null, "coSignEnabled": false, "coSignMachineId": null, "coSignWindowSeconds": null,
            "ttlExpiresAt": null, "ttlMaxReads": null, "rotateAfterReads": null, "boundCount": 0,
            "createdAt": made["createdAt"], "updatedAt": made["updatedAt"],
        })
    );
    let id = made["id"].as_str().unwrap();
    let one = format!("{of_project}/{id}");
    assert_eq!(owner.get(&of_secret).await.expect(200).json(), json!({ "policy": null }));
    owner.post(&of_secret, &json!({ "policyId": id })).await.expect(200);
    owner.post(&of_secret, &json!({ "policyId": id })).await.expect(200);
    assert_eq!(world.count(&owner, Action::PolicyBind).await, 1, "the second time nothing changed");
    assert_eq!(owner.get(&of_secret).await.expect(200).json()["policy"]["id"], id);
    machine.read(&secret).await.expect(200);

    // An edit is merged, has to be complete, and holds from the next read on.
    let error = owner.post(&format!("{one}/update"), &json!({ "rateCapEnabled": true })).await.error(422);
    assert_eq!(error, "maxReadsPerMinute must be given while the rate cap is on, or maxReadsPerDay");
    let capped = json!({ "rateCapEnabled": true, "maxReadsPerDay": 1 });
    owner.post(&format!("{one}/update"), &capped).await.expect(200);
    machine.read(&secret).await.expect(200);
    machine.read(&secret).await.expect(429);
    owner.post(&format!("{one}/update"), &json!({ "rateCapEnabled": false })).await.expect(200);
    machine.read(&secret).await.expect(200);
    let shown = owner.get(&one).await.expect(200).json();
    assert_eq!((&shown["maxReadsPerDay"], &shown["boundCount"]), (&json!(1), &json!(1)));
    assert_eq!(shown["secrets"], json!([{ "id": secret, "name": "api key" }]));
    let detail = world.newest_records(&owner, 3).await.into_iter().find(|record| record.action == Action::PolicyUpdate);
    assert_eq!(detail.unwrap().detail, "Policy Strict changed: rate cap");

    let delete = format!("{one}/delete");
    assert_eq!(owner.post(&delete, &json!({})).await.code(409), "policy_bound");
    owner.post(&format!("{of_secret}/delete"), &json!({})).await.expect(200);
    owner.post(&format!("{of_secret}/delete"), &json!({})).await.expect(200);
    assert_eq!(world.count(&owner, Action::PolicyUnbind).await, 1);
    let found = owner.post(&format!("{of_project}/query"), &json!({ "name": "STRICT" })).await.expect(200).json();
    assert_eq!(found["policies"].as_array().unwrap().len(), 1);
    owner.post(&delete, &json!({})).await.expect(200);
    assert_eq!(owner.get(&of_project).await.expect(200).json(), json!({ "policies": [] }));
    machine.read(&secret).await.expect(200);
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_what_to_do() {
    let world = World::with(Options { open_sign_up: true, ..Options::default() }).await;
    let owner = world.owner().await;
    let (project, secret, machine) = owner.readable("v").await;
    let of_project = format!("/v1/manage/projects/{project}/policies");
    let past = world.now().ms() - 1;
    for (fields, error) in [
        (
            json!({ "timeWindowTimezone": "Mars/Olympus" }),
            "timeWindowTimezone must be the name of a time zone such as Europe/Copenhagen",
        ),
        (json!({ "timeWindowDays": vec!["mon"; 8] }), "timeWindowDays must list at most 7 days"),
        (json!({ "timeWindowStart": "8:00" }), "timeWindowStart must be a time of day such as 08:30"),
        (json!({ "ipAllowlistEnabled": true }), "ipAllowlistCidrs must list 1 to 100 ranges"),
        (json!({ "coSignEnabled": true }), "coSignMachineId must be given while co-signing is on"),
        (json!({ "ttlExpiresAt": past }), "ttlExpiresAt must be a time to come, in milliseconds since 1970"),
        (json!({ "rotateAfterReads": 1_000_001 }), "rotateAfterReads must be 1 to 1000000"),
    ] {
        let mut body = json!({ "name": "p" });
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let told = owner.post(&of_project, &body).await.error(422);
        assert!(told.contains(error), "{fields}: {told}");
    }
    // A machine of another vault is nobody, a policy of another project is not the secret's.
    let stranger = Person::somebody(&world).await.machine().await;
    let co_sign =
        json!({ "name": "p", "coSignEnabled": true, "coSignMachineId": stranger.id, "coSignWindowSeconds": 60 });
    assert_eq!(owner.post(&of_project, &co_sign).await.code(404), "machine_not_found");
    let mut ours = co_sign;
    ours["coSignMachineId"] = json!(machine.id);
    owner.post(&of_project, &ours).await.expect(200);
    let other = owner.project("other").await;
    let elsewhere =
        owner.post(&format!("/v1/manage/projects/{other}/policies"), &json!({ "name": "p" })).await.expect(200);
    let binding = json!({ "policyId": elsewhere.field("id") });
    let told = owner.post(&format!("/v1/manage/secrets/{secret}/binding"), &binding).await.error(422);
    assert_eq!(told, "policyId must be a policy of the secret's project");
}

/// A moment that a policy names later ends the secrets that are bound to it by then, and a binding to another policy counts anew.
#[tokio::test]
async fn an_end_that_is_named_later_holds_for_what_is_bound() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, secret, machine) = owner.readable("v").await;
    let of_project = format!("/v1/manage/projects/{project}/policies");
    let of_secret = format!("/v1/manage/secrets/{secret}/binding");
    let make = async |fields: serde_json::Value| owner.post(&of_project, &fields).await.expect(200).field("id");
    let (once, later) =
        (make(json!({ "name": "once", "ttlMaxReads": 2 })).await, make(json!({ "name": "later" })).await);
    owner.post(&of_secret, &json!({ "policyId": once })).await.expect(200);
    machine.read(&secret).await.expect(200);
    owner.post(&of_secret, &json!({ "policyId": later })).await.expect(200);
    owner.post(&of_secret, &json!({ "policyId": once })).await.expect(200);
    machine.read(&secret).await.expect(200);
    owner.post(&of_secret, &json!({ "policyId": later })).await.expect(200);
    let end = json!({ "ttlExpiresAt": world.now().ms() + 60_000 });
    owner.post(&format!("{of_project}/{later}/update"), &end).await.expect(200);
    machine.read(&secret).await.expect(200);
    world.wait_seconds(60);
    machine.read(&secret).await.expect(404);
    assert_eq!(world.sweep().await, 1);
    owner.get(&of_secret).await.expect(404);
    assert_eq!(owner.get(&format!("{of_project}/{later}")).await.expect(200).json()["boundCount"], 0);
}

//! Share links: what is secret about one is nowhere but where it belongs, and a changed one gives nothing.

use aws_sdk_dynamodb::types::AttributeValue;
use e2e::{EveryLine, World};
use serde_json::json;

use crate::shares::{Link, VALUE};

/// Neither value, token nor passphrase is anywhere: not in logs, audit records, lists or the store in clear.
#[tokio::test]
async fn nothing_of_a_link_leaks() {
    let lines = EveryLine::of_this_thread();
    let world = World::new().await;
    let owner = world.owner().await;
    let (opened, wrong, waiting) = (Link::given(&owner).await, Link::given(&owner).await, Link::given(&owner).await);
    opened.open(&opened.passphrase).await.expect(200);
    wrong.open(&format!("{}x", wrong.passphrase)).await.error(410);
    waiting.page().await.expect(200);
    let mut places = vec![("the log", lines.logged())];
    for record in world.audit(&owner).await {
        places.push(("an audit record", serde_json::to_string(&record).unwrap()));
    }
    for link in [&opened, &wrong, &waiting] {
        places.push(("a list", link.row().await.to_string()));
    }
    places.push(("the store", world.store.calls().iter().map(|call| call.body.to_string()).collect()));
    for link in [&opened, &wrong, &waiting] {
        let plain = link.passphrase.replace('-', "");
        for secret in [VALUE, &link.token, &link.passphrase, &plain] {
            for (place, text) in &places {
                assert!(!text.contains(secret), "found in {place}");
            }
        }
    }
}

/// A row that was changed gives no value: not with a later end, another passphrase, or another link's value.
#[tokio::test]
async fn a_changed_link_does_not_open() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (client, prefix) = world.by_hand();
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let project = owner.project("p").await;
    let body = json!({ "name": "n", "expiresInSeconds": 300, "value": VALUE });
    for what in ["end", "passphrase", "value", "link"] {
        let link = Link::make_in(&owner, project.clone(), body.clone()).await;
        let mine = Link::make_in(&owner, project.clone(), body.clone()).await;
        let (table, sk) = if what == "end" { ("vault", "SHARE") } else { ("values", "VALUE") };
        let mut row = link.stored(table, sk).await.unwrap();
        let others = mine.stored("values", "VALUE").await.unwrap();
        match what {
            "end" => drop(row.insert("expiresAt".into(), AttributeValue::N("4000000000000".into()))),
            "passphrase" => drop(row.insert("passphraseHash".into(), others["passphraseHash"].clone())),
            "value" => drop(row.insert("value".into(), others["value"].clone())),
            _ => {
                row = others;
                row.insert("pk".into(), text(&link.pk()));
            }
        }
        client.put_item().table_name(format!("{prefix}-{table}")).set_item(Some(row)).send().await.unwrap();
        let passphrase = if ["passphrase", "link"].contains(&what) { &mine.passphrase } else { &link.passphrase };
        let answer = link.open(passphrase).await;
        assert_eq!(answer.error(500), "Something went wrong on our side", "{what}");
    }
}

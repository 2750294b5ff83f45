//! Rows that somebody changed in the store: moved, swapped, cut, flipped. None of them gives a value, none panics.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use e2e::{Person, World};
use serde_json::json;
use std::collections::HashMap;

type Item = HashMap<String, AttributeValue>;

/// A hand on the tables, beside the store crate.
struct Hand<'w> {
    client: aws_sdk_dynamodb::Client,
    prefix: &'w str,
}

impl<'w> Hand<'w> {
    fn new(world: &'w World) -> Self {
        let (client, prefix) = world.by_hand();
        Self { client, prefix }
    }

    async fn get(&self, table: &str, pk: &str, sk: &str) -> Item {
        let key =
            Item::from([("pk".into(), AttributeValue::S(pk.into())), ("sk".into(), AttributeValue::S(sk.into()))]);
        let table = format!("{}-{table}", self.prefix);
        self.client.get_item().table_name(table).set_key(Some(key)).send().await.unwrap().item.unwrap()
    }

    async fn put(&self, table: &str, item: Item) {
        let table = format!("{}-{table}", self.prefix);
        self.client.put_item().table_name(table).set_item(Some(item)).send().await.unwrap();
    }
}

const VALUES: &str = "values";
const VAULT: &str = "vault";

fn bytes(item: &Item, name: &str) -> Vec<u8> {
    item[name].as_b().unwrap().as_ref().to_vec()
}

fn with(item: &Item, name: &str, value: AttributeValue) -> Item {
    let mut item = item.clone();
    item.insert(name.into(), value);
    item
}

async fn two_secrets<'w>(owner: &Person<'w>) -> (String, String, String, e2e::Machine<'w>) {
    let (project, one, machine) = owner.readable("value one").await;
    let two = owner.secret(&project, "two", "value two").await;
    owner.grant(&project, &machine, &[&one, &two]).await.expect(200);
    (project, one, two, machine)
}

#[tokio::test]
async fn a_damaged_value_gives_no_value() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (_, secret, _, machine) = two_secrets(&owner).await;
    let hand = Hand::new(&world);
    let good = hand.get(VALUES, &secret, "CURRENT").await;
    for name in ["value", "dataKey"] {
        let whole = bytes(&good, name);
        for position in [0, 1, 12, 13, whole.len() - 1] {
            let mut flipped = whole.clone();
            flipped[position] ^= 1;
            hand.put(VALUES, with(&good, name, AttributeValue::B(Blob::new(flipped)))).await;
            let text = machine.read(&secret).await.error(500);
            assert_eq!(text, "Something went wrong on our side");
        }
        for length in [0, 1, 13, 28, whole.len() - 1] {
            hand.put(VALUES, with(&good, name, AttributeValue::B(Blob::new(&whole[..length])))).await;
            machine.read(&secret).await.error(500);
            machine.post("/v1/secrets/export", &json!({})).await.error(500);
        }
        let mut without = good.clone();
        without.remove(name);
        hand.put(VALUES, without).await;
        machine.read(&secret).await.error(500);
        hand.put(VALUES, with(&good, name, AttributeValue::S("text".into()))).await;
        machine.read(&secret).await.error(500);
    }
    for version in [AttributeValue::N("2".into()), AttributeValue::N("-1".into()), AttributeValue::S("x".into())] {
        hand.put(VALUES, with(&good, "version", version)).await;
        machine.read(&secret).await.error(500);
    }
    hand.put(VALUES, good).await;
    machine.read(&secret).await.expect(200);
}

#[tokio::test]
async fn a_moved_value_gives_no_value() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, one, two, machine) = two_secrets(&owner).await;
    let hand = Hand::new(&world);
    // Both are at version 2, so that nothing but the place tells them apart.
    for secret in [&one, &two] {
        let path = format!("/v1/manage/projects/{project}/secrets/{secret}/update");
        owner.post(&path, &json!({ "value": "newer" })).await.expect(200);
    }
    let current = hand.get(VALUES, &one, "CURRENT").await;
    let old = hand.get(VALUES, &one, "VERSION#0000000001").await;
    let of_two = hand.get(VALUES, &two, "CURRENT").await;
    let key = |item: &Item| with(item, "pk", AttributeValue::S(one.clone()));
    let as_current = |item: &Item| with(&key(item), "sk", AttributeValue::S("CURRENT".into()));

    // Another secret's row, as it is and under this secret's name.
    hand.put(VALUES, as_current(&of_two)).await;
    machine.read(&one).await.error(500);
    hand.put(VALUES, with(&as_current(&of_two), "secret", AttributeValue::S(one.clone()))).await;
    machine.read(&one).await.error(500);
    // An old version passed off as this one.
    hand.put(VALUES, with(&as_current(&old), "version", AttributeValue::N("2".into()))).await;
    machine.read(&one).await.error(500);
    // An old version as it is, which would open if only its own row were asked.
    hand.put(VALUES, as_current(&old)).await;
    machine.read(&one).await.error(500);
    machine.post("/v1/secrets/export", &json!({})).await.error(500);
    // Halves of two values.
    hand.put(VALUES, with(&current, "dataKey", of_two["dataKey"].clone())).await;
    machine.read(&one).await.error(500);
    hand.put(VALUES, current).await;
    machine.read(&one).await.expect(200);
}

/// An older version in the place of another is not sealed again as a new one.
#[tokio::test]
async fn a_moved_version_is_neither_rotated_nor_rolled_back_to() {
    let world = World::new().await;
    let owner = world.owner().await;
    let project = owner.project("p").await;
    let path = format!("/v1/manage/projects/{project}/secrets");
    let body =
        json!({ "name": "db", "value": "{\"user\":\"a\",\"password\":\"1\"}", "fieldNames": ["user", "password"] });
    let id = owner.post(&path, &body).await.expect(200).field("id");
    let value = json!({ "value": "{\"user\":\"b\",\"password\":\"2\"}" });
    owner.post(&format!("{path}/{id}/update"), &value).await.expect(200);
    let hand = Hand::new(&world);
    let (first, second) =
        (hand.get(VALUES, &id, "VERSION#0000000001").await, hand.get(VALUES, &id, "VERSION#0000000002").await);
    let current = hand.get(VALUES, &id, "CURRENT").await;
    let rotate = json!({ "fields": ["password"] });
    hand.put(VALUES, with(&first, "sk", AttributeValue::S("CURRENT".into()))).await;
    owner.post(&format!("{path}/{id}/rotate"), &rotate).await.error(500);
    hand.put(VALUES, current).await;
    owner.post(&format!("{path}/{id}/rotate"), &rotate).await.expect(200);
    hand.put(VALUES, with(&second, "sk", AttributeValue::S("VERSION#0000000001".into()))).await;
    owner.post(&format!("{path}/{id}/rollback"), &json!({ "version": 1 })).await.error(500);
    hand.put(VALUES, first).await;
    owner.post(&format!("{path}/{id}/rollback"), &json!({ "version": 1 })).await.expect(200);
}

#[tokio::test]
async fn a_swapped_key_or_row_admits_nothing() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, one, _, machine) = two_secrets(&owner).await;
    let other = owner.project("other").await;
    let hand = Hand::new(&world);
    let row = |id: &str| format!("PROJECT#{id}");
    let good = hand.get(VAULT, &row(&project), "PROJECT").await;
    let foreign = hand.get(VAULT, &row(&other), "PROJECT").await;
    machine.read(&one).await.expect(200);

    // Another project's master key, though ours is still in memory.
    hand.put(VAULT, with(&good, "masterKey", foreign["masterKey"].clone())).await;
    machine.read(&one).await.error(500);
    let vault = hand.get(VAULT, &format!("VAULT#{}", owner.vault), "VAULT").await;
    hand.put(VAULT, with(&good, "masterKey", vault["key"].clone())).await;
    machine.read(&one).await.error(500);
    hand.put(VAULT, good.clone()).await;

    // The project's row says it is another project, or of another vault.
    hand.put(VAULT, with(&good, "id", AttributeValue::S(other.clone()))).await;
    machine.read(&one).await.error(404);
    hand.put(VAULT, with(&good, "vault", AttributeValue::S("vault_0000000000".into()))).await;
    machine.read(&one).await.error(404);
    hand.put(VAULT, good).await;

    // A secret that says it is in another project; a grant that is another machine's; a machine without its vault.
    let pk = format!("MACHINE#{}", machine.id);
    let sk = format!("GRANT#{project}#{one}");
    let grant = hand.get(VAULT, &pk, &sk).await;
    let stranger = AttributeValue::S("0b64c4f0-5d6f-4d5e-9c7e-3f1f6f3f0a11".into());
    hand.put(VAULT, with(&grant, "machine", stranger)).await;
    machine.read(&one).await.error(403);
    hand.put(VAULT, grant).await;
    let row = hand.get(VAULT, &pk, "MACHINE").await;
    hand.put(VAULT, with(&row, "publicKey", AttributeValue::S("AAAA".into()))).await;
    machine.read(&one).await.error(500);
    hand.put(VAULT, with(&row, "vault", AttributeValue::S("vault_0000000000".into()))).await;
    machine.read(&one).await.error(401);
    hand.put(VAULT, row).await;
    machine.read(&one).await.expect(200);
}

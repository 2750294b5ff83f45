//! Deliveries to webhooks: how often they are tried, that nothing is lost when something is cut off, that nobody holds up
//! others, and who is switched off.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use e2e::{Fault, Received, Receiver, is_deep};
use rules::audit::{Action, ActorKind};
use serde_json::{Value, json};

use crate::webhooks::{deliveries, shown, webhook, world};

#[tokio::test]
async fn a_failed_attempt_is_repeated_as_promised_and_ten_failed_deliveries_switch_it_off() {
    let (world, receiver) = (world().await, Receiver::new().await);
    let owner = world.owner().await;
    owner.verify_email().await;
    let (id, _) = webhook(&owner, &receiver, &["project_create"]).await;
    receiver.answer(500);
    for number in 0..10 {
        owner.project(&format!("p{number}")).await;
    }
    world.catch_up().await;
    // Longer by up to a fifth.
    for (attempt, seconds) in [0, 36, 144, 720, 2_160, 8_640, 25_920].into_iter().enumerate() {
        if attempt > 0 {
            assert_eq!(world.deliver_due().await, 0, "attempt {attempt} is not due yet");
        }
        world.wait_seconds(seconds);
        assert_eq!(world.deliver_due().await, 10, "attempt {attempt}");
        let owner = owner.again().await;
        let listed = deliveries(&owner, &id).await;
        assert!(listed.iter().all(|it| it["attempts"] == attempt + 1 && it["error"] == "answered 500"), "{listed:?}");
        assert!(listed.iter().all(|it| it["status"] == if attempt < 6 { "pending" } else { "failed" }), "{listed:?}");
    }
    let owner = owner.again().await;
    let ids: BTreeSet<String> = receiver.received().iter().map(Received::id).collect();
    assert_eq!((receiver.received().len(), ids.len()), (70, 10), "the same id at every attempt");
    let row = shown(&owner, &id).await;
    assert_eq!((&row["enabled"], &row["consecutiveFailures"]), (&json!(false), &json!(10)));
    assert_eq!(row["lastError"], "answered 500");
    assert!(row["disabledAt"].is_u64() && row["lastFailedAt"].is_u64());
    let record = world.newest_records(&owner, 9).await.into_iter().find(|it| it.action == Action::WebhookDisable);
    assert_eq!(record.unwrap().actor_kind, ActorKind::System);
    // A mail whatever the alert set says.
    world.catch_up().await;
    let mail = &world.mail.mails()[0];
    assert_eq!((mail.subject.as_str(), mail.to.as_str()), ("SikkerKey: Webhook Disable (high)", "owner@example.org"));

    // Switched off, it is told nothing; switched on again, it begins without failures.
    owner.project("q").await;
    world.catch_up().await;
    assert_eq!(deliveries(&owner, &id).await.len(), 10);
    let on = json!({ "enabled": true });
    owner.post(&format!("/v1/manage/webhooks/{id}/update"), &on).await.expect(200);
    let row = shown(&owner, &id).await;
    assert_eq!(
        (&row["consecutiveFailures"], &row["lastError"], &row["disabledAt"]),
        (&json!(0), &Value::Null, &Value::Null)
    );
    receiver.answer(200);
    owner.project("r").await;
    world.catch_up().await;
    assert_eq!(world.deliver_due().await, 1);
}

/// What is taken ends a row of failures; an attempt that somebody asked for does not count.
#[tokio::test]
async fn only_failures_in_a_row_count_and_only_those_of_the_plan() {
    let (world, receiver) = (world().await, Receiver::new().await);
    let owner = world.owner().await;
    let (id, _) = webhook(&owner, &receiver, &["project_create"]).await;
    let fail_one = async |name: &str| {
        receiver.answer(503);
        let owner = owner.again().await;
        owner.project(name).await;
        world.catch_up().await;
        for _ in 0..7 {
            world.deliver_due().await;
            world.wait_seconds(26_000);
        }
        owner.again().await
    };
    let owner_now = fail_one("p").await;
    assert_eq!(shown(&owner_now, &id).await["consecutiveFailures"], 1);
    // A redelivery and a test that fail.
    let failed = deliveries(&owner_now, &id).await[0]["id"].as_str().unwrap().to_owned();
    let again = format!("/v1/manage/webhooks/{id}/deliveries/{failed}/redeliver");
    assert_eq!(owner_now.post(&again, &json!({})).await.expect(200).field("deliveryId"), failed);
    let test = format!("/v1/manage/webhooks/{id}/test");
    let tested = owner_now.post(&test, &json!({})).await.expect(200).field("deliveryId");
    receiver.forget();
    assert_eq!((world.deliver_due().await, world.deliver_due().await), (2, 0));
    assert_eq!(shown(&owner_now, &id).await["consecutiveFailures"], 1);
    let sent: BTreeMap<String, Received> = receiver.received().into_iter().map(|it| (it.id(), it)).collect();
    assert_eq!(sent[&tested].header("x-sikkerkey-event"), "webhook_test");
    assert!(sent.contains_key(&failed));
    for delivery in deliveries(&owner_now, &id).await {
        assert_eq!((&delivery["status"], &delivery["nextAttemptAt"]), (&json!("failed"), &Value::Null), "{delivery}");
    }
    // A redelivery that is taken.
    receiver.answer(200);
    owner_now.post(&again, &json!({})).await.expect(200);
    world.deliver_due().await;
    let status = |listed: Vec<Value>| listed.into_iter().find(|it| it["id"] == *failed).unwrap()["status"].clone();
    assert_eq!(status(deliveries(&owner_now, &id).await), "delivered");
    assert_eq!(shown(&owner_now, &id).await["consecutiveFailures"], 1, "it ends no row of failures either");
    let owner_now = fail_one("q").await;
    assert_eq!(shown(&owner_now, &id).await["consecutiveFailures"], 2);
    receiver.answer(200);
    owner_now.project("r").await;
    world.catch_up().await;
    world.deliver_due().await;
    assert_eq!(shown(&owner_now, &id).await["consecutiveFailures"], 0);
    let missing = format!("/v1/manage/webhooks/{id}/deliveries/0b64c4f0-5d6f-4d5e-9c7e-3f1f6f3f0a11/redeliver");
    assert_eq!(owner_now.post(&missing, &json!({})).await.code(404), "delivery_not_found");
}

/// A redelivery of one that waits is one attempt more; the others come when they were planned.
#[tokio::test]
async fn a_delivery_that_waits_can_be_sent_at_once_too() {
    let (world, receiver) = (world().await, Receiver::new().await);
    let owner = world.owner().await;
    let (id, _) = webhook(&owner, &receiver, &["project_create"]).await;
    receiver.answer(500);
    owner.project("p").await;
    world.catch_up().await;
    world.deliver_due().await;
    let waiting = deliveries(&owner, &id).await[0].clone();
    let again = format!("/v1/manage/webhooks/{id}/deliveries/{}/redeliver", waiting["id"].as_str().unwrap());
    owner.post(&again, &json!({})).await.expect(200);
    assert_eq!(world.deliver_due().await, 1);
    let still = deliveries(&owner, &id).await[0].clone();
    assert_eq!((&still["status"], &still["nextAttemptAt"]), (&json!("pending"), &waiting["nextAttemptAt"]));
    receiver.answer(200);
    owner.post(&again, &json!({})).await.expect(200);
    assert_eq!(world.deliver_due().await, 1);
    assert_eq!(deliveries(&owner, &id).await[0]["status"], "delivered");
    world.wait_seconds(60);
    assert_eq!(world.deliver_due().await, 0, "what was planned is not needed any more");
    assert_eq!(receiver.received().len(), 3);
}

/// Whatever call of a run goes wrong, each delivery is sent, and what is sent twice has the same id.
#[tokio::test]
async fn a_run_that_was_cut_off_loses_nothing() {
    // They wait most of the time, before they try again.
    let both = |calls: Range<usize>| async {
        tokio::join!(cut_off(Fault::Error, calls.clone()), cut_off(Fault::LostAnswer, calls));
    };
    tokio::join!(both(0..3), both(3..6), both(6..9), both(9..12), both(12..14));
}

async fn cut_off(fault: Fault, calls: Range<usize>) {
    let (world, receiver) = (world().await, Receiver::new().await);
    let mut owner = world.owner().await;
    let (id, _) = webhook(&owner, &receiver, &["project_create"]).await;
    for call in calls {
        owner = owner.again().await;
        owner.project(&format!("p{call}")).await;
        receiver.forget();
        world.catch_up().await;
        world.store.fail(call, fault, true);
        let _ = world.deliver().answer(&edge::DeliveryRequest::Due).await;
        world.store.heal();
        world.wait_seconds(120);
        world.deliver_due().await;
        let sent: BTreeSet<String> = receiver.received().iter().map(Received::id).collect();
        assert_eq!(sent.len(), 1, "{fault:?} at call {call}");
        assert!(receiver.received().len() <= 2, "{fault:?} at call {call}");
        let newest = deliveries(&owner, &id).await[0].clone();
        assert_eq!(newest["status"], "delivered", "{fault:?} at call {call}: {newest}");
    }
    world.wait_seconds(120);
    assert_eq!(world.deliver_due().await, 0);
}

/// Whatever call goes wrong while deliveries are put down, the batch comes again and all are sent, once.
#[tokio::test]
async fn a_batch_that_comes_again_puts_nothing_down_twice() {
    let (world, receiver) = (world().await, Receiver::new().await);
    let owner = world.owner().await;
    webhook(&owner, &receiver, &["project_create"]).await;
    for call in 0..9 {
        owner.project(&format!("p{call}")).await;
        receiver.forget();
        let stream = world.take_stream();
        world.store.fail(call, Fault::Error, true);
        let failed = world.try_to_follow(stream.clone()).await.is_err();
        world.store.heal();
        world.try_to_follow(stream.clone()).await.unwrap();
        world.deliver_due().await;
        world.try_to_follow(stream).await.unwrap();
        world.deliver_due().await;
        assert_eq!(receiver.received().len(), 1, "call {call}, failed: {failed}");
    }
}

/// Of several runs at once one works on a queue.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn runs_at_the_same_time_send_nothing_twice() {
    let (world, receiver) = (world().await, Receiver::new().await);
    let owner = world.owner().await;
    webhook(&owner, &receiver, &["project_create"]).await;
    for number in 0..40 {
        owner.project(&format!("p{number}")).await;
    }
    world.catch_up().await;
    world.store.interleave();
    let runs = [world.deliver(), world.deliver(), world.deliver(), world.deliver()];
    let [a, b, c, d] = runs.each_ref().map(|run| run.answer(&edge::DeliveryRequest::Due));
    let done = tokio::join!(a, b, c, d);
    let attempts: u64 =
        [done.0, done.1, done.2, done.3].into_iter().map(|it| it.unwrap()["done"].as_u64().unwrap()).sum();
    let ids: BTreeSet<String> = receiver.received().iter().map(Received::id).collect();
    assert_eq!((attempts, receiver.received().len(), ids.len()), (40, 40, 40));
}

#[tokio::test]
async fn a_silent_receiver_holds_up_no_other() {
    let (world, silent, other) = (world().await, Receiver::new().await, Receiver::new().await);
    let owner = world.owner().await;
    webhook(&owner, &silent, &["project_create"]).await;
    webhook(&owner, &other, &["project_create"]).await;
    silent.keep_silent();
    for number in 0..20 {
        owner.project(&format!("p{number}")).await;
    }
    world.catch_up().await;
    let run = world.deliver();
    let run = tokio::spawn(async move { run.answer(&edge::DeliveryRequest::Due).await });
    other.wait_for(20).await;
    assert!(silent.received().len() <= 8, "eight at a time");
    silent.speak_again();
    run.await.unwrap().unwrap();
    assert_eq!(silent.received().len(), 20);
}

/// Who is woken while another run is at work leaves it to that run.
#[tokio::test]
async fn what_is_added_while_a_run_works_is_sent_by_it() {
    let (world, receiver) = (world().await, Receiver::new().await);
    let owner = world.owner().await;
    let (id, _) = webhook(&owner, &receiver, &["project_create"]).await;
    let wake = edge::DeliveryRequest::Now { webhooks: vec![id.parse().unwrap()] };
    receiver.keep_silent();
    owner.project("p").await;
    world.catch_up().await;
    let (run, message) = (world.deliver(), wake.clone());
    let run = tokio::spawn(async move { run.answer(&message).await.unwrap() });
    receiver.wait_for(1).await;
    owner.project("q").await;
    world.catch_up().await;
    assert_eq!(world.deliver().answer(&wake).await.unwrap()["done"], 0);
    receiver.speak_again();
    assert_eq!(run.await.unwrap()["done"], 2);
    assert_eq!(receiver.received().len(), 2);
}

/// What is added after the last look into a queue, and before it is left, is seen.
#[tokio::test]
async fn a_queue_to_which_something_was_added_is_not_left() {
    let (world, receiver) = (world().await, Receiver::new().await);
    let owner = world.owner().await;
    webhook(&owner, &receiver, &["project_create"]).await;
    owner.project("p").await;
    world.catch_up().await;
    world.store.forget();
    assert_eq!(world.deliver_due().await, 1);
    let calls = world.store.calls().len();

    // When it is time to note again that the webhook takes something.
    world.wait_seconds(60);
    owner.project("q").await;
    world.catch_up().await;
    world.store.forget();
    // The last call leaves the queue; it takes two seconds here, because its first attempt gets no answer in time.
    world.store.fail(calls - 1, Fault::Delay, false);
    let run = world.deliver();
    let run = tokio::spawn(async move { run.answer(&edge::DeliveryRequest::Due).await.unwrap() });
    while world.store.calls().len() < calls && !run.is_finished() {
        tokio::task::yield_now().await;
    }
    owner.project("r").await;
    world.catch_up().await;
    assert_eq!(run.await.unwrap()["done"], 2);
    assert_eq!(receiver.received().len(), 3);
}

/// Many records to twenty receivers, some of them slow and some dead, while runs are cut off in between.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_deliveries_all_arrive() {
    let events = if is_deep() { 10_000 } else { 60 };
    let world = world().await;
    let owner = world.owner().await;
    let project = owner.project("p").await;
    let mut receivers = vec![];
    for _ in 0..20 {
        let receiver = Receiver::new().await;
        let (id, _) = webhook(&owner, &receiver, &["project_update"]).await;
        receivers.push((id, receiver));
    }
    let vault = owner.vault.parse().unwrap();
    let origin = edge::Origins::new(&world.services.base());
    let origin = origin.in_vault(vault, ActorKind::User, None, world.now()).await.unwrap();
    let records = (0..events).map(|number| {
        origin.entry(Action::ProjectUpdate, format!("Project {number}")).project(project.parse().unwrap())
    });
    world.services.store.audit().record_all(records.collect()).await.unwrap();
    let stream = world.take_stream();
    for batch in stream.chunks(500) {
        world.try_to_follow(batch.to_vec()).await.unwrap();
    }
    for (at, (_, receiver)) in receivers.iter().enumerate() {
        match at % 5 {
            1 => receiver.answer(500),
            2 => receiver.keep_silent(),
            _ => {}
        }
    }
    // Cut off in the middle of their work, again and again.
    for _ in 0..3 {
        let run = world.deliver();
        let run = tokio::spawn(async move { run.answer(&edge::DeliveryRequest::Due).await });
        let before = receivers[0].1.received().len();
        receivers[0].1.wait_for((before + 40).min(events)).await;
        run.abort();
        let _ = run.await;
        world.wait_seconds(91);
    }
    for (_, receiver) in &receivers {
        receiver.answer(200);
    }
    for (_, receiver) in receivers.iter().skip(2).step_by(5) {
        receiver.speak_again();
    }
    let mut rounds = 0;
    while world.deliver_due().await > 0 || rounds < 2 {
        rounds += 1;
        world.wait_seconds(120);
    }
    for (at, (_, receiver)) in receivers.iter().enumerate() {
        let received = receiver.received();
        let ids: BTreeSet<String> = received.iter().map(Received::id).collect();
        let told: BTreeSet<String> =
            received.iter().map(|it| it.json()["data"]["detail"].as_str().unwrap().to_owned()).collect();
        assert_eq!((ids.len(), told.len()), (events, events), "receiver {at}");
    }
}

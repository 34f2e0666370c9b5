//! Replies and writes that come late.

use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use testkit::proxy::{Call, Fault, Operation, When};

use crate::fixture::{Fixture, TABLE, get, key, put};

/// Longer than any of the tests lasts.
const FOREVER: Duration = Duration::from_mins(10);

fn first_arrived(calls: &[Call]) -> bool {
    !calls.is_empty()
}

fn first_carried_out(calls: &[Call]) -> bool {
    calls.first().is_some_and(|call| call.upstream.is_some())
}

#[tokio::test]
async fn a_client_that_waits_too_long_sees_a_timeout() {
    let fixture = Fixture::start().await;
    let faults =
        [Fault::DelayBefore(FOREVER), Fault::DelayAfter(FOREVER), Fault::HoldBefore, Fault::HoldAfter];
    for fault in faults {
        fixture.proxy.inject(fault, When::nth(1));
        let error = put(&fixture.impatient(), "a").await.unwrap_err();
        assert!(matches!(error, SdkError::TimeoutError(_)), "{fault:?}: {error:?}");
        fixture.proxy.clear();
    }
}

#[tokio::test]
async fn a_call_delayed_before_has_not_been_carried_out() {
    let fixture = Fixture::start().await;
    fixture.proxy.inject(Fault::DelayBefore(FOREVER), When::nth(1));
    let client = fixture.client();

    let waiting = tokio::spawn(async move { put(&client, "a").await });
    fixture.proxy.until(first_arrived).await;
    put(&fixture.client(), "overtaking").await.unwrap();

    assert!(!fixture.stored("a").await);
    assert!(!waiting.is_finished());
    assert_eq!(fixture.proxy.calls()[0].upstream, None);
}

#[tokio::test]
async fn a_call_delayed_after_has_been_carried_out() {
    let fixture = Fixture::start().await;
    fixture.proxy.inject(Fault::DelayAfter(FOREVER), When::nth(1));
    let client = fixture.client();

    let waiting = tokio::spawn(async move { put(&client, "a").await });
    fixture.proxy.until(first_carried_out).await;

    assert!(fixture.stored("a").await);
    assert!(!waiting.is_finished());
    assert_eq!(fixture.proxy.calls()[0].answered, None);
}

#[tokio::test]
async fn a_patient_client_gets_the_delayed_answers() {
    let fixture = Fixture::start().await;
    let client = fixture.client();
    fixture.proxy.inject(Fault::DelayBefore(Duration::from_millis(1)), When::nth(1));
    fixture.proxy.inject(Fault::DelayAfter(Duration::from_millis(1)), When::nth(2));

    put(&client, "a").await.unwrap();
    assert!(get(&client, "a").await.unwrap());

    let calls = fixture.proxy.calls();
    assert!(calls.iter().all(|call| call.fault.is_some() && call.answered == Some(200)), "{calls:#?}");
}

#[tokio::test]
async fn a_held_call_is_carried_out_though_its_client_gave_up() {
    let fixture = Fixture::start().await;
    fixture.proxy.inject(Fault::HoldBefore, When::nth(1));
    let client = fixture.client();

    let waiting = tokio::spawn(async move { put(&client, "late").await });
    fixture.proxy.until(first_arrived).await;
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    put(&fixture.client(), "overtaking").await.unwrap();
    assert!(!fixture.stored("late").await);

    fixture.proxy.release();
    fixture.proxy.until(first_carried_out).await;
    assert!(fixture.stored("late").await);
}

#[tokio::test]
async fn a_held_reply_comes_when_it_is_released() {
    let fixture = Fixture::start().await;
    fixture.proxy.inject(Fault::HoldAfter, When::nth(1));
    let client = fixture.client();

    let waiting = tokio::spawn(async move { put(&client, "a").await });
    fixture.proxy.until(first_carried_out).await;
    assert!(fixture.stored("a").await);
    assert!(!waiting.is_finished());

    fixture.proxy.release();
    waiting.await.unwrap().unwrap();
    assert_eq!(fixture.proxy.calls()[0].answered, Some(200));
}

#[tokio::test]
async fn a_release_is_for_the_calls_held_by_then() {
    let fixture = Fixture::start().await;
    fixture.proxy.inject(Fault::HoldBefore, When::always().of(Operation::PutItem));
    fixture.proxy.release();

    put(&fixture.impatient(), "a").await.unwrap_err();
    assert!(!fixture.stored("a").await);
}

#[tokio::test]
async fn two_writers_cross_in_a_chosen_order() {
    let fixture = Fixture::start().await;
    fixture.proxy.inject(Fault::HoldBefore, When::nth(1).of(Operation::PutItem));
    let create = || {
        let put = fixture.client().put_item().table_name(TABLE).set_item(Some(key("a")));
        put.condition_expression("attribute_not_exists(id)").send()
    };

    let first = tokio::spawn(create());
    fixture.proxy.until(first_arrived).await;
    create().await.unwrap();
    fixture.proxy.release();

    let error = first.await.unwrap().unwrap_err().into_service_error();
    assert!(error.is_conditional_check_failed_exception(), "{error:?}");
}

//! Buckets that many pour into.

use contract::time::Time;
use futures::future::join_all;
use proptest::prelude::*;
use store::{Batch, Bucket, Key, Partition, Store};
use testkit::World;

const MILLISECOND: i64 = 1_000_000;

fn key(world: &World) -> Key<Bucket> {
    Key::new(&Partition::of("test", &world.org).part("rate").part("/thing"), &[&"bucket"])
}

fn nanos(time: Time) -> i64 {
    time.millis() * MILLISECOND
}

async fn read(store: &Store, key: &Key<Bucket>) -> Option<i64> {
    let mut batch = Batch::default();
    batch.want(key);
    store.read(batch).await.expect("the table answers").bucket(key).expect("a bucket")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Against a model: what is poured is added, time empties, whatever is thought of the bucket before.
    #[test]
    fn a_bucket_holds_what_was_poured_and_has_not_run_out(
        steps in prop::collection::vec((0..200i64, 1..300i64, any::<bool>()), 1..20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = World::new().await;
            let key = key(&world);
            let mut model = None::<i64>;
            for (pause, millis, thought_to_run) in steps {
                world.advance_millis(pause);
                let now = world.now();
                let until = world.store().pour(&key, millis * MILLISECOND, now, thought_to_run).await;
                let from = model.filter(|until| *until > nanos(now)).unwrap_or(nanos(now));
                model = Some(from + millis * MILLISECOND);
                assert_eq!(until.ok(), model);
                assert_eq!(read(world.store(), &key).await, model);
            }
        });
    }
}

#[tokio::test]
async fn pours_at_once_add_up() {
    let world = World::new().await;
    let key = key(&world);
    assert_eq!(read(world.store(), &key).await, None);
    let pour = |n: i64| world.store().pour(&key, MILLISECOND, world.now(), n % 2 == 0);
    for poured in join_all((0..20).map(pour)).await {
        poured.expect("poured");
    }
    assert_eq!(read(world.store(), &key).await, Some(nanos(world.now()) + 20 * MILLISECOND));
}

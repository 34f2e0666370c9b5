//! Entries that are to be published again.

use identity::org::OrgStatus;
use serde_json::Value;
use stack::wait;
use store::{
    System,
    journal::{Again, ItemKey},
};
use testkit::{World, bus, database};

use crate::stream::{DEADLINE, detail, pump};

#[tokio::test]
async fn an_entry_is_published_again_as_it_is_then_and_one_that_is_gone_is_put_aside() {
    database::with_stream().await;
    let world = World::new().await;
    world.set_org_status(OrgStatus::Parked).await;
    let org = world.org.guid().to_string();
    let entry =
        |number: u32| ItemKey { pk: format!("ofm|{org}|journal|org|{org}"), sk: format!("{number:012}") };
    let written = world.journal("ofm", "org", &org).await;
    let ids: Vec<_> = written.iter().map(|chained| chained.entry.event_id.clone()).collect();
    let mut change = world.change();
    let replay_id = change.uuid().to_string();
    for number in [1, 2, 9] {
        change.overwrite(&System, Again::new(&replay_id, entry(number), world.now())).unwrap();
    }
    world.commit(change).await;

    let bus = bus::Bus::start([]).await;
    let mut pump = pump(&bus).await;
    let of_the_org = || -> Vec<Value> {
        let details = bus.accepted().iter().map(detail).collect::<Vec<_>>();
        details.into_iter().filter(|detail| detail["aggregate_id"] == org.as_str()).collect()
    };
    let letters = || {
        let letters = bus.letters().into_iter();
        letters.filter(|letter| letter["entry"]["pk"] == entry(9).pk).collect::<Vec<_>>()
    };
    wait::until("both events, twice", DEADLINE, async || {
        let _ = pump.pass().await;
        (of_the_org().len() >= 4 && !letters().is_empty()).then_some(())
    })
    .await
    .unwrap();
    let told: Vec<_> = of_the_org().iter().map(|detail| detail["event_id"].clone()).collect();
    for id in &ids {
        assert_eq!(told.iter().filter(|told| *told == id).count(), 2, "{told:?}");
    }
    let [letter] = &letters()[..] else { panic!("one letter") };
    assert_eq!((&letter["reason"], &letter["entry"]["sk"]), (&"unreadable".into(), &"000000000009".into()));
}

//! From what services write to what the bus has.

use std::time::Duration;

use anyhow::anyhow;
use identity::org::OrgStatus;
use relay::{ports::Outside, relay::Relay};
use serde_json::Value;
use stack::{
    aws,
    pump::{Pump, Target},
    table,
    template::Template,
    wait,
};
use testkit::{
    World,
    bus::{self, Mood},
    database,
};

use crate::{TIME_LEFT, plain_function};

pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) struct InProcess(Relay<Outside>);

impl Target for InProcess {
    async fn invoke(&self, event: &Value) -> anyhow::Result<Value> {
        let answer = self.0.handle(event.clone(), TIME_LEFT).await;
        Ok(serde_json::to_value(answer.map_err(|failure| anyhow!("{failure:?}"))?)?)
    }

    async fn discard(&self, message: &Value) -> anyhow::Result<()> {
        Err(anyhow!("{message}"))
    }
}

pub(crate) async fn pump(bus: &bus::Bus) -> Pump<InProcess> {
    let database = database::client(database::endpoint());
    let arn = table::stream_arn(&database, database::table()).await.unwrap();
    let streams = aws_sdk_dynamodbstreams::Client::new(&aws::local(database::endpoint()));
    let source = Template::local().unwrap().event_source().unwrap();
    Pump::new(streams, arn, source, InProcess(plain_function(bus)), None).unwrap()
}

#[tokio::test]
async fn every_entry_of_the_journal_reaches_a_moody_bus_in_order_and_without_anything_personal() {
    database::with_stream().await;
    let world = World::new().await;
    for status in [OrgStatus::Parked, OrgStatus::Verified, OrgStatus::Parked] {
        world.set_org_status(status).await;
    }
    let org = world.org.guid().to_string();
    let journal = world.journal("ofm", "org", &org).await;
    let written: Vec<_> = journal.into_iter().map(|chained| chained.entry.event_id).collect();
    assert_eq!(written.len(), 4);

    let moods = [
        Mood::Fails,
        Mood::RefusesThose("org-created"),
        Mood::RefusesThose("owner-created"),
        Mood::Fails,
        Mood::RefusesThose("org-status-set"),
    ];
    let bus = bus::Bus::start(moods).await;
    let mut pump = pump(&bus).await;
    // What is sent again is there twice: it counts where it came first.
    let events_of_the_org = || -> Vec<String> {
        let mut ids = Vec::new();
        for detail in bus.accepted().iter().map(detail) {
            let id = detail["event_id"].as_str().unwrap().to_owned();
            if detail["aggregate_id"] == org.as_str() && !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids
    };
    wait::until("the org's last event", DEADLINE, async || {
        // What is refused is offered again with the next pass.
        let _ = pump.pass().await;
        events_of_the_org().contains(written.last()?).then_some(())
    })
    .await
    .unwrap();

    assert_eq!(events_of_the_org(), written);
    let told = format!("{:?}", bus.accepted());
    for personal in [world.owner.credential(), "Olive", "people.example"] {
        assert!(!told.contains(personal), "{personal}");
    }
}

pub(crate) fn detail(event: &Value) -> Value {
    serde_json::from_str(event["Detail"].as_str().unwrap()).unwrap()
}

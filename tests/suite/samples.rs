//! A valid request for each route.
//!
//! A route without one fails every test that walks the routes: whoever adds a route adds its line here.

mod crm;
mod ofm;
mod operator;
mod people;
mod referral;
mod usm;

use serde_json::{Map, Value, json};
use service::{OrgFrom, Route, Service};
use testkit::{Caller, World};

use crate::request::Sample;

/// The sample for a route, in this world.
pub(crate) async fn sample(world: &World, service: &Service, route: &Route) -> Sample {
    let path = route.call.name;
    // Apart on the heap: together these are too large for a stack.
    let made = match service.name {
        "crm" => Box::pin(crm::sample(world, path)).await,
        "ofm" => Box::pin(ofm::sample(world, path)).await,
        "referral" => Box::pin(referral::sample(world, path)).await,
        "usm" => Box::pin(usm::sample(world, path)).await,
        "operator" => Box::pin(operator::sample(world, path)).await,
        _ => None,
    };
    let Some(sample) = made else { panic!("there is no sample for {} {path}", service.name) };
    with_org(world, route, sample)
}

/// The sample, and more where a route names records in several ways.
pub(crate) async fn samples(world: &World, service: &Service, route: &Route) -> Vec<Sample> {
    let first = sample(world, service, route).await;
    let others = match service.name {
        "crm" => crm::others(world, route.call.path).await,
        _ => Vec::new(),
    };
    let others = others.into_iter().map(|sample| with_org(world, route, sample));
    [first].into_iter().chain(others).collect()
}

fn with_org(world: &World, route: &Route, mut sample: Sample) -> Sample {
    match route.org {
        OrgFrom::Body | OrgFrom::BodyGuid => {
            sample.fields.entry("org_guid").or_insert_with(|| json!(world.org.guid()));
        }
        OrgFrom::BodyCode => {
            sample.fields.entry("orgcode").or_insert_with(|| json!(world.orgcode));
        }
        OrgFrom::Nowhere | OrgFrom::Header | OrgFrom::Deployment | OrgFrom::Holder => {}
    }
    sample
}

fn by(caller: Caller, fields: Value) -> Sample {
    Sample { caller, fields: object(fields) }
}

fn object(fields: Value) -> Map<String, Value> {
    match fields {
        Value::Object(fields) => fields,
        other => panic!("fields are an object: {other}"),
    }
}

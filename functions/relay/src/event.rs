//! What is published of a journal entry (contract §10).

use contract::{
    context::RequestContext,
    envelope::ContextSource,
    error::{Error, Result},
    reason::{ReasonCode, SourceRefs},
    time::Time,
};
use serde::Serialize;
use serde_json::{Map, Value};
use store::journal::Entry;

/// Bytes that the bus counts for an event's time, however it is written.
const TIME_BYTES: usize = 14;

/// An event as the bus takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// `g3n.<service>`.
    pub source: String,
    /// What happened: the action.
    pub detail_type: String,
    /// When it happened.
    pub time: Time,
    /// The rest, as JSON.
    pub detail: String,
}

#[derive(Serialize)]
struct Detail<'e> {
    event_id: &'e str,
    schema_version: u32,
    timestamp_utc: Time,
    build: &'e Value,
    service: &'e str,
    action: &'e str,
    orgcode: Option<&'e str>,
    request_context: RequestContext,
    reason: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason_code: Option<ReasonCode>,
    source_refs: &'e SourceRefs,
    aggregate_type: &'e str,
    aggregate_id: &'e str,
    aggregate_revision: &'e Value,
    sequence: u64,
    correlation_id: &'e str,
    #[serde(skip_serializing_if = "Option::is_none")]
    causation_id: Option<&'e str>,
    data: &'e Map<String, Value>,
}

impl Event {
    /// The event of an entry. What an entry holds beyond it (the changed fields, the chain) stays in the journal.
    pub fn new(entry: &Entry) -> Result<Self> {
        let detail = Detail {
            event_id: &entry.event_id,
            schema_version: entry.schema_version,
            timestamp_utc: entry.timestamp_utc,
            build: &entry.build,
            service: &entry.service,
            action: &entry.action,
            orgcode: entry.request_context.orgcode.as_deref(),
            request_context: public(&entry.request_context),
            reason: entry.why.as_ref().map(|why| why.text.as_str()),
            reason_code: entry.reason_code,
            source_refs: &entry.source_refs,
            aggregate_type: &entry.aggregate_type,
            aggregate_id: &entry.aggregate_id,
            aggregate_revision: &entry.aggregate_revision,
            sequence: entry.sequence,
            correlation_id: &entry.correlation_id,
            causation_id: entry.causation_id.as_deref(),
            data: &entry.data,
        };
        Ok(Self {
            source: format!("g3n.{}", entry.service),
            detail_type: entry.action.clone(),
            time: entry.timestamp_utc,
            detail: serde_json::to_string(&detail).map_err(Error::internal)?,
        })
    }

    /// Its size in bytes, as the bus counts it.
    pub fn size(&self) -> usize {
        TIME_BYTES + self.source.len() + self.detail_type.len() + self.detail.len()
    }
}

/// The context without an operator's name: it may be that of a person, and only the journal keeps it.
fn public(context: &RequestContext) -> RequestContext {
    let is_operator = context.context_source == Some(ContextSource::Operator);
    let actor = if is_operator { Some("operator".to_owned()) } else { context.actor.clone() };
    RequestContext { actor, ..context.clone() }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;
    use store::journal::{SCHEMA_VERSION, Touched, Why};

    use super::*;

    /// An entry with every field.
    pub(crate) fn entry() -> Entry {
        Entry {
            event_id: "0195c5d6-0000-7000-8000-000000000001".to_owned(),
            schema_version: SCHEMA_VERSION,
            timestamp_utc: "2026-03-04T08:00:00.125Z".parse().unwrap(),
            build: json!({"build_major": 0, "build_minor": 1, "build_id": "WEDNESDAY-1772611200"}),
            service: "crm".to_owned(),
            action: "customer-deleted".to_owned(),
            request_context: RequestContext {
                orgcode: Some("DEMO".to_owned()),
                actor: Some("0195c5d6-0000-7000-8000-000000000002".to_owned()),
                context_source: Some(ContextSource::Session),
                session_fingerprint: Some("sf_0011223344556677".to_owned()),
                ..RequestContext::default()
            },
            as_owner: true,
            surface: Some("mcp".to_owned()),
            why: Some(Why { text: "asked by ***".to_owned(), salt: "5a17".to_owned() }),
            why_hash: Some("ha5h".to_owned()),
            reason_code: Some("CUSTOMER.REQUEST".parse().unwrap()),
            source_refs: serde_json::from_value(json!([{"kind": "ticket", "id": "4711"}])).unwrap(),
            aggregate_type: "customer".to_owned(),
            aggregate_id: "0195c5d6-0000-7000-8000-000000000003".to_owned(),
            aggregate_revision: json!(3),
            sequence: 4,
            record: None,
            correlation_id: "request".to_owned(),
            gateway_request_id: Some("JKJaXmPLvHcESHA=".to_owned()),
            causation_id: Some("0195c5d6-0000-7000-8000-000000000004".to_owned()),
            changed: vec![Touched { field: "email".to_owned(), before: None, after: None }],
            data: json!({"status": "deleted", "points": 9_000_000_000_000_000_i64})
                .as_object()
                .unwrap()
                .clone(),
            previous_hash: "0ld".to_owned(),
        }
    }

    fn detail(entry: &Entry) -> Value {
        serde_json::from_str(&Event::new(entry).unwrap().detail).unwrap()
    }

    #[test]
    fn an_event_has_the_fields_of_the_contract_and_no_others() {
        let told = json!({
            "event_id": "0195c5d6-0000-7000-8000-000000000001",
            "schema_version": SCHEMA_VERSION,
            "timestamp_utc": "2026-03-04T08:00:00.125Z",
            "build": {"build_major": 0, "build_minor": 1, "build_id": "WEDNESDAY-1772611200"},
            "service": "crm",
            "action": "customer-deleted",
            "orgcode": "DEMO",
            "request_context": {
                "orgcode": "DEMO",
                "actor": "0195c5d6-0000-7000-8000-000000000002",
                "context_source": "session",
                "session_fingerprint": "sf_0011223344556677",
            },
            "reason": "asked by ***",
            "reason_code": "CUSTOMER.REQUEST",
            "source_refs": [{"kind": "ticket", "id": "4711"}],
            "aggregate_type": "customer",
            "aggregate_id": "0195c5d6-0000-7000-8000-000000000003",
            "aggregate_revision": 3,
            "sequence": 4,
            "correlation_id": "request",
            "causation_id": "0195c5d6-0000-7000-8000-000000000004",
            "data": {"status": "deleted", "points": 9_000_000_000_000_000_i64},
        });
        assert_eq!(detail(&entry()), told);
        let event = Event::new(&entry()).unwrap();
        assert_eq!((&*event.source, &*event.detail_type), ("g3n.crm", "customer-deleted"));
        assert_eq!(event.time, entry().timestamp_utc);
        assert_eq!(event.size(), 14 + "g3n.crm".len() + "customer-deleted".len() + event.detail.len());
    }

    #[test]
    fn what_there_is_none_of_is_null_or_absent() {
        let bare = Entry {
            request_context: RequestContext::default(),
            why: None,
            reason_code: None,
            causation_id: None,
            ..entry()
        };
        let detail = detail(&bare);
        assert_eq!((&detail["orgcode"], &detail["reason"]), (&Value::Null, &Value::Null));
        let fields = detail.as_object().unwrap();
        assert!(fields.contains_key("orgcode") && fields.contains_key("reason"));
        assert!(!fields.contains_key("reason_code") && !fields.contains_key("causation_id"));
    }

    #[test]
    fn an_operators_name_stays_in_the_journal() {
        let mut entry = entry();
        entry.request_context.actor = Some("operator:jo@example.com".to_owned());
        entry.request_context.context_source = Some(ContextSource::Operator);
        let event = Event::new(&entry).unwrap();
        assert!(
            event.detail.contains(r#""actor":"operator""#) && !event.detail.contains("jo@"),
            "{}",
            event.detail
        );
    }
}

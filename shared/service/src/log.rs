//! One line per request: a log entry and the route's metrics in CloudWatch's embedded format at once.
//!
//! The line holds ids, codes, fingerprints and figures; nothing that a caller wrote into a field.

use contract::{
    envelope::{ContextSource, Stats},
    error::Error,
};
use serde_json::{Value, json};
use store::Usage;

use crate::{app::App, route::Route};

/// What became of a request.
pub(crate) struct Line<'a> {
    /// The route; what a caller wrote into an unknown path is not logged.
    pub(crate) route: Option<&'static Route>,
    pub(crate) stats: &'a Stats,
    pub(crate) status: u16,
    pub(crate) error: Option<&'a Error>,
    pub(crate) usage: Usage,
    pub(crate) replayed: bool,
    pub(crate) tries: u32,
}

/// Writes the line.
pub(crate) fn write(app: &App, line: &Line<'_>) {
    app.log.write(render(&app.settings.stage, line).to_string());
}

/// Who acted; not the name that an operator gave, which may be that of a person and stands in the journal.
fn actor(stats: &Stats) -> Option<&str> {
    match stats.context_source {
        Some(ContextSource::Operator) => Some("operator"),
        _ => stats.actor.as_deref(),
    }
}

fn render(stage: &str, line: &Line<'_>) -> Value {
    let Line { route, stats, status, error, usage, replayed, tries } = line;
    let metrics = |name: &str, unit: &str| json!({"Name": name, "Unit": unit});
    json!({
        "_aws": {
            "Timestamp": stats.timestamp_utc.millis(),
            "CloudWatchMetrics": [{
                "Namespace": "g3n",
                // The last are for the alarms on what the contract promises of each class (§11).
                "Dimensions": [["stage", "service"], ["stage", "service", "call"], ["stage", "class"]],
                "Metrics": [
                    metrics("latency_ms", "Milliseconds"),
                    metrics("fault", "Count"),
                    metrics("refusal", "Count"),
                    metrics("conflict", "Count"),
                    metrics("limited", "Count"),
                    metrics("rcu_tenths", "Count"),
                    metrics("wcu_tenths", "Count"),
                ],
            }],
        },
        "level": if *status >= 500 { "ERROR" } else { "INFO" },
        "stage": stage,
        "service": stats.service,
        "class": route.map_or("?", |route| route.class.figures().0),
        "call": route.map_or_else(|| "?".to_owned(), |route| route.call.to_string()),
        "request_id": stats.request_id,
        "time": stats.timestamp_utc,
        "status": status,
        "tag": error.map(|error| error.tag().name()),
        "cause": error.and_then(|error| error.cause()),
        "latency_ms": stats.latency_ms,
        "fault": u8::from(*status >= 500),
        "refusal": u8::from((400..500).contains(status)),
        "conflict": u8::from(*status == 409),
        "limited": u8::from(*status == 429),
        "orgcode": stats.orgcode,
        "actor": actor(stats),
        "context_source": stats.context_source,
        "session_fingerprint": stats.session_fingerprint,
        "api_key_fingerprint": stats.api_key_fingerprint,
        "cccode": stats.cccode,
        "replayed": replayed,
        "tries": tries,
        "reads": usage.reads,
        "writes": usage.writes,
        "rcu_tenths": usage.rcu_tenths,
        "wcu_tenths": usage.wcu_tenths,
        "build_id": stats.build.build_id,
    })
}

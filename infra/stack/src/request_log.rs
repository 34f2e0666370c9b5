//! What the functions print, for people: one short line for each request (surfaces §5). The figures of work in the
//! background that went well are left out, and what functions say of themselves when they start. Everything else, as
//! warnings, panics and build errors, is shown as it came.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    io::{IsTerminal, Write},
};

use serde::{Deserialize, de::IgnoredAny};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    task::JoinHandle,
};

use crate::template::Function;

/// What a line shows of what a function logs of a request.
#[derive(Deserialize)]
struct Logged {
    service: String,
    call: String,
    time: String,
    status: u16,
    tag: Option<String>,
    latency_ms: u64,
    orgcode: Option<String>,
    #[serde(default)]
    replayed: bool,
    reads: u64,
    writes: u64,
    wcu_tenths: u64,
}

/// What is logged of work in the background, besides its figures.
#[derive(Deserialize)]
struct Background {
    level: String,
    #[serde(rename = "_aws")]
    _figures: IgnoredAny,
}

/// What a function says of itself when it starts.
#[derive(Deserialize)]
struct Started {
    started: bool,
}

/// How requests are shown.
#[derive(Clone, Debug)]
pub struct RequestLog {
    /// Where each service's paths begin.
    bases: BTreeMap<String, String>,
    colour: bool,
}

impl RequestLog {
    /// For a terminal in colour, for anything else without.
    pub fn of(functions: &[Function]) -> Self {
        let base = |function: &Function| function.paths.iter().find(|path| !path.contains('{')).cloned();
        let bases = functions.iter().filter_map(|function| Some((function.name.clone(), base(function)?)));
        Self { bases: bases.collect(), colour: std::io::stdout().is_terminal() }
    }

    /// Shows on standard output what comes out of `printed`, to its end.
    pub fn follow(self, printed: impl AsyncRead + Unpin + Send + 'static) -> JoinHandle<()> {
        tokio::spawn(async move {
            let mut lines = BufReader::new(printed);
            let mut line = Vec::new();
            while lines.read_until(b'\n', &mut line).await.is_ok_and(|read| read > 0) {
                let shown = self.shown(&line);
                let mut out = std::io::stdout().lock();
                // If nobody reads it any more, there is nobody to tell.
                let _ = out.write_all(&shown).and_then(|()| out.flush());
                line.clear();
            }
        })
    }

    /// What is shown of a line.
    fn shown<'l>(&self, line: &'l [u8]) -> Cow<'l, [u8]> {
        if let Some(short) = self.short(line) {
            return short.into_bytes().into();
        }
        let background = serde_json::from_slice::<Background>(line);
        let went_well = background.is_ok_and(|background| background.level == "INFO");
        let starts = serde_json::from_slice::<Started>(line).is_ok_and(|line| line.started);
        if went_well || starts { Cow::default() } else { line.into() }
    }

    /// The short form of a line that tells of a request; none of any other.
    fn short(&self, line: &[u8]) -> Option<String> {
        let logged: Logged = serde_json::from_slice(line).ok()?;
        let time = logged.time.split_once('T').map_or(&*logged.time, |(_, time)| time.trim_end_matches('Z'));
        let status = self.coloured(logged.status);
        let mut shown = format!("{time} {:<46} {status}", self.call(&logged));
        let mut add = |part: &str| {
            shown.push(' ');
            shown.push_str(part);
        };
        if let Some(tag) = &logged.tag {
            add(tag);
        }
        add(&format!("{} ms", logged.latency_ms));
        if let Some(orgcode) = &logged.orgcode {
            add(orgcode);
        }
        if logged.replayed {
            add("replay");
        }
        let (trips, units) = (logged.reads + logged.writes, logged.wcu_tenths);
        add(&format!("{trips} trips {}.{} WCU\n", units / 10, units % 10));
        Some(shown)
    }

    /// Method and whole path; of a service without paths its name and the action.
    fn call(&self, logged: &Logged) -> String {
        match (self.bases.get(&logged.service), logged.call.split_once(' ')) {
            (Some(base), Some((method, "/"))) => format!("{method} {base}"),
            (Some(base), Some((method, path))) => format!("{method} {base}{path}"),
            (_, Some((_, action))) => format!("{} {}", logged.service, action.trim_start_matches('/')),
            (_, None) => format!("{} {}", logged.service, logged.call),
        }
    }

    fn coloured(&self, status: u16) -> String {
        let colour = match status {
            _ if !self.colour => return status.to_string(),
            500.. => 31,
            400.. => 33,
            _ => 32,
        };
        format!("\x1b[{colour}m{status}\x1b[0m")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn log(colour: bool) -> RequestLog {
        let bases = [("crm", "/crm"), ("referral", "/api/v1/referral-attributions")];
        let bases = bases.map(|(service, base)| (service.to_owned(), base.to_owned()));
        RequestLog { bases: bases.into(), colour }
    }

    fn line(changes: &Value) -> String {
        let mut line = json!({
            "_aws": { "Timestamp": 1 }, "level": "INFO", "service": "crm", "call": "POST /customer/create",
            "request_id": "r", "time": "2026-03-04T05:06:07.123Z", "status": 200, "tag": null, "latency_ms": 14,
            "orgcode": "DEMO", "actor": "usr_1", "replayed": false, "reads": 2, "writes": 1, "rcu_tenths": 15,
            "wcu_tenths": 125,
        });
        for (name, value) in changes.as_object().unwrap() {
            line[name] = value.clone();
        }
        line.to_string()
    }

    fn words(line: &Value, log: &RequestLog) -> String {
        let shown = log.short(self::line(line).as_bytes()).unwrap();
        shown.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_request_is_one_short_line() {
        let shown = |changes: Value| words(&changes, &log(false));
        assert_eq!(
            shown(json!({})),
            "05:06:07.123 POST /crm/customer/create 200 14 ms DEMO 3 trips 12.5 WCU"
        );
        assert_eq!(
            shown(
                json!({ "status": 404, "tag": "not-found", "orgcode": null, "writes": 0, "wcu_tenths": 0 })
            ),
            "05:06:07.123 POST /crm/customer/create 404 not-found 14 ms 2 trips 0.0 WCU"
        );
        assert_eq!(
            shown(json!({ "replayed": true })),
            "05:06:07.123 POST /crm/customer/create 200 14 ms DEMO replay 3 trips 12.5 WCU"
        );
        let operator = json!({ "service": "operator", "call": "INVOKE /clock-set" });
        assert_eq!(shown(operator), "05:06:07.123 operator clock-set 200 14 ms DEMO 3 trips 12.5 WCU");
        let root = json!({ "service": "referral", "call": "GET /" });
        assert_eq!(
            shown(root),
            "05:06:07.123 GET /api/v1/referral-attributions 200 14 ms DEMO 3 trips 12.5 WCU"
        );
    }

    #[test]
    fn only_a_terminal_is_shown_colours() {
        let of = |status: u16| words(&json!({ "status": status }), &log(true));
        assert!(of(200).contains("\x1b[32m200\x1b[0m"));
        assert!(of(409).contains("\x1b[33m409\x1b[0m"));
        assert!(of(503).contains("\x1b[31m503\x1b[0m"));
        assert!(!words(&json!({ "status": 503 }), &log(false)).contains('\x1b'));
    }

    #[test]
    fn whatever_else_may_matter_stays_as_it_is() {
        let lines = [
            r#"{"level":"WARN","fields":{"message":"slow"},"target":"relay"}"#,
            "thread 'main' panicked at functions/crm/src/main.rs:1:1:",
            "error[E0425]: cannot find value `x` in this scope",
            r#"{"_aws":{},"level":"ERROR","service":"relay","failed":1}"#,
            "",
        ];
        for line in lines {
            assert_eq!(log(false).shown(line.as_bytes()), line.as_bytes(), "{line}");
        }
        let went_well = br#"{"_aws":{},"level":"INFO","service":"relay","failed":0}"#;
        assert!(log(false).shown(went_well).is_empty());
        assert!(log(false).shown(br#"{"build_id":"B","service":"crm","started":true}"#).is_empty());
    }
}

//! Round trips and capacity per route, as the test suite has measured them: `docs/costs.md`.

use std::fs;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::programs::root;

/// The routes of the page, and what its first line of totals says.
pub(crate) fn read() -> Result<Value> {
    let page = fs::read_to_string(root().join("docs/costs.md")).context("docs/costs.md")?;
    let mut routes = Vec::new();
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [route, kind, trips, rcu, wcu, ..] = cells[..] else { continue };
        let number = |text: &str| text.parse::<f64>().with_context(|| format!("no number in `{line}`"));
        routes.push(json!({
            "route": route.trim_matches('`'),
            "writes": kind == "write",
            "round_trips": number(trips)?,
            "rcu": number(rcu)?,
            "wcu": number(wcu)?,
        }));
    }
    let mean = |writes: bool| {
        let of_kind = routes.iter().filter(|route| route["writes"] == writes);
        let trips: Vec<f64> = of_kind.filter_map(|route| route["round_trips"].as_f64()).collect();
        trips.iter().sum::<f64>() / trips.len() as f64
    };
    Ok(json!({
        "mean_round_trips": {"read": mean(false), "write": mean(true)},
        "routes": routes,
    }))
}

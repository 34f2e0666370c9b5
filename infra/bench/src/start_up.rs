//! What a cold start costs: from starting the program to its first poll of the runtime API, and the TLS handshake in it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Result;
use serde_json::{Value, json};
use testkit::function::{Function, environment};

use crate::{
    certificate,
    figures::{least, median, micros, ratio},
    stub::Stub,
};

/// Starts of each program. They take turns, so that what else the machine does befalls all alike.
const STARTS: usize = 30;

/// What the starts of a program took.
#[derive(Clone, Debug, Default)]
struct Starts {
    cpu: Vec<Duration>,
    wall: Vec<Duration>,
}

impl Starts {
    fn json(&self) -> Value {
        json!({
            "cpu_us": micros(least(&self.cpu)).round(),
            "cpu_median_us": micros(median(&self.cpu)).round(),
            "wall_median_us": micros(median(&self.wall)).round(),
        })
    }

    async fn add(&mut self, program: &Path, environment: &[(String, String)]) -> Result<()> {
        let function = Function::start(program, environment).await?;
        self.cpu.push(function.init_cpu);
        self.wall.push(function.init_wall);
        function.stop().await
    }
}

/// Starts each function again and again, beside `hello`: with a database that speaks HTTP, and with one that speaks
/// HTTPS. The difference is the handshake, with the parsing of the authorities that it takes.
pub(crate) async fn measure(hello: &Path, functions: &[(&str, PathBuf)], database: &str) -> Result<Value> {
    let trusted = certificate::make()?;
    let plain = Stub::start(database, None).await?;
    let secure = Stub::start(database, Some(trusted.acceptor)).await?;
    let over = |endpoint: &str| {
        let mut environment = environment(endpoint);
        environment.push(("SSL_CERT_FILE".to_owned(), trusted.bundle.display().to_string()));
        environment
    };
    let over_http = over(&plain.endpoint());
    let over_https = over(&format!("https://localhost:{}", secure.port()));

    let mut hellos = Starts::default();
    let mut measured = vec![(Starts::default(), Starts::default(), 0); functions.len()];
    for _ in 0..STARTS {
        hellos.add(hello, &[]).await?;
        for ((_, program), (http, https, handshakes)) in functions.iter().zip(&mut measured) {
            http.add(program, &over_http).await?;
            let before = secure.handshakes();
            https.add(program, &over_https).await?;
            *handshakes += secure.handshakes() - before;
        }
    }

    let hello_cpu = least(&hellos.cpu);
    let mut report = json!({"hello": hellos.json()});
    for ((name, _), (http, https, handshakes)) in functions.iter().zip(measured) {
        let (http_cpu, https_cpu) = (least(&http.cpu), least(&https.cpu));
        report[*name] = json!({
            "http": http.json(),
            "https": https.json(),
            "cpu_over_hello": ratio(http_cpu, hello_cpu),
            "cpu_over_hello_with_handshake": ratio(https_cpu, hello_cpu),
            "handshake_cpu_us": micros(https_cpu.saturating_sub(http_cpu)).round(),
            "handshakes_in_init": handshakes as f64 / STARTS as f64,
        });
    }
    Ok(report)
}

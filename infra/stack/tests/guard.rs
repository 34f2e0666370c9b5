//! What stands before the database, the emulator and the reference page, and whom it lets through.
#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test")]

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use aws_sdk_dynamodb::Client;
use hyper::{Response, StatusCode, header::HeaderValue};
use reqwest::RequestBuilder;
use stack::{
    address, aws,
    config::{Config, Database},
    embedded,
    event_queue::EventQueue,
    guard::{self, Guarded},
    http::{self, Server, whole},
    reference::{self, Reference},
    seed::Demo,
};

/// Where requests come from that must not get through.
const STRANGERS: [(&str, &str); 4] = [
    ("host", "evil.example:9000"),
    ("origin", "https://evil.example"),
    ("origin", "null"),
    ("sec-fetch-site", "cross-site"),
];

async fn status(request: RequestBuilder) -> StatusCode {
    request.send().await.unwrap().status()
}

#[tokio::test]
async fn the_database_answers_programs_and_no_page_of_another_site() {
    let embedded = embedded::start().unwrap();
    let upstream: SocketAddr = embedded.endpoint.strip_prefix("http://").unwrap().parse().unwrap();
    let port = address::free_port().unwrap();
    let _guard = guard::start(port, upstream, Guarded::Database(None)).await.unwrap();
    let url = format!("http://127.0.0.1:{port}");
    let client = Client::new(&aws::local(&url));
    assert!(client.list_tables().send().await.unwrap().table_names().is_empty());

    let ask = || {
        let list = reqwest::Client::new()
            .post(&url)
            .body("{}")
            .header("x-amz-target", "DynamoDB_20120810.ListTables");
        list.header("content-type", "application/x-amz-json-1.0")
    };
    for (name, value) in STRANGERS {
        assert_eq!(status(ask().header(name, value)).await, 403, "{name}: {value}");
    }
    // Not even to a page of this machine does it say that it may read the answer.
    for method in [reqwest::Method::POST, reqwest::Method::OPTIONS] {
        let asked =
            reqwest::Client::new().request(method, &url).body("{}").header("origin", "http://localhost:3000");
        let asked = asked
            .header("access-control-request-method", "POST")
            .header("x-amz-target", "DynamoDB_20120810.ListTables");
        let answer = asked.send().await.unwrap();
        let told = answer.headers().keys().find(|name| name.as_str().starts_with("access-control-"));
        assert_eq!(told, None);
    }
}

/// An emulator that notes what it is asked, and says that its queue holds so many events.
struct Emulator {
    asked: Arc<Mutex<Vec<String>>>,
    url: String,
    _servers: [Server; 2],
}

impl Emulator {
    async fn with_unread(events: u32) -> Self {
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let behind = address::free_port().unwrap();
        let note = Arc::clone(&asked);
        let upstream = http::serve(behind, move |request, _| {
            let target =
                request.headers().get("x-amz-target").map(|target| target.to_str().unwrap().to_owned());
            note.lock().unwrap().push(target.unwrap_or_default());
            let attributes = format!(r#"{{"Attributes": {{"ApproximateNumberOfMessages": "{events}"}}}}"#);
            let mut reply = Response::new(whole(attributes));
            reply
                .headers_mut()
                .insert("content-type", HeaderValue::from_static("application/x-amz-json-1.0"));
            async { reply }
        });
        let upstream = upstream.await.unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], behind));
        let port = address::free_port().unwrap();
        let queue = Arc::new(EventQueue::new(&format!("http://{address}")));
        let guard = guard::start(port, address, Guarded::Emulator(Some(queue))).await.unwrap();
        Self { asked, url: format!("http://127.0.0.1:{port}"), _servers: [upstream, guard] }
    }

    fn ask(&self, target: &str) -> RequestBuilder {
        reqwest::Client::new().post(&self.url).body("{}").header("x-amz-target", target)
    }

    /// Whether the queue was emptied while so many batches of events were published.
    async fn is_emptied_by(&self, publications: u32) -> bool {
        for _ in 0..publications {
            assert_eq!(status(self.ask("AWSEvents.PutEvents")).await, 200);
        }
        self.asked.lock().unwrap().iter().any(|target| target == "AmazonSQS.PurgeQueue")
    }
}

#[tokio::test]
async fn the_emulator_answers_no_page_of_another_site() {
    let emulator = Emulator::with_unread(0).await;
    for (name, value) in STRANGERS {
        assert_eq!(
            status(emulator.ask("AmazonSQS.PurgeQueue").header(name, value)).await,
            403,
            "{name}: {value}"
        );
    }
    assert!(emulator.asked.lock().unwrap().is_empty());
    assert_eq!(
        status(emulator.ask("AmazonSQS.ListQueues").header("origin", "http://localhost:3000")).await,
        200
    );
}

#[tokio::test]
async fn a_queue_of_events_that_nobody_reads_is_emptied() {
    assert!(Emulator::with_unread(51).await.is_emptied_by(5).await);
    assert!(!Emulator::with_unread(50).await.is_emptied_by(5).await, "there is room yet");
}

#[tokio::test]
async fn no_event_is_taken_from_a_reader() {
    let emulator = Emulator::with_unread(5000).await;
    assert_eq!(status(emulator.ask("AmazonSQS.ReceiveMessage")).await, 200);
    assert!(!emulator.is_emptied_by(30).await);

    let emulator = Emulator::with_unread(5000).await;
    let older = reqwest::Client::new().post(format!("{}/123456789012/g3n-events", emulator.url));
    assert_eq!(status(older.body("Action=ReceiveMessage")).await, 200);
    assert!(!emulator.is_emptied_by(30).await);
}

#[tokio::test]
async fn the_reference_page_shows_its_settings_to_itself_alone() {
    let port = address::free_port().unwrap();
    let reference = Reference { port, viewer: PathBuf::new() };
    let config = Config {
        root: PathBuf::new(),
        directory: PathBuf::new(),
        gateway_port: address::free_port().unwrap(),
        database_port: 0,
        emulator_port: 0,
        database: Database::Embedded,
        functions_database: None,
        functions_bus: None,
        functions_log: None,
        raw_log: false,
        keep_events: false,
        reference: Some(reference.clone()),
        persist: false,
        log: String::new(),
    };
    let text = || "secret".to_owned();
    let demo = Demo {
        org_guid: text(),
        user_guid: text(),
        session_guid: text(),
        api_key: text(),
        invitation_code: text(),
    };
    let _page = reference::start(&config, &reference, &demo).await.unwrap();
    let ask = |path: &str| reqwest::Client::new().get(format!("http://127.0.0.1:{port}{path}"));
    assert_eq!(status(ask("/reference/settings.json")).await, 200);
    assert_eq!(status(ask("/reference/settings.json").header("sec-fetch-site", "same-origin")).await, 200);
    for path in ["/reference/settings.json", "/", "/2015-03-31/functions/operator/invocations"] {
        for (name, value) in STRANGERS {
            assert_eq!(status(ask(path).header(name, value)).await, 403, "{path} {name}: {value}");
        }
    }
}

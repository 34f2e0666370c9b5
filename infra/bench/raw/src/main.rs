//! A function that sends recorded `DynamoDB` calls and does nothing else: what handlers are measured against.
//!
//! `RAW_CALLS` names a file. Each of its lines is what one invocation sends, round trip by round trip, each with the
//! calls that are under way at the same time: `[[{"operation": "Query", "request": {...}}]]`, the request as `DynamoDB`
//! has it in JSON. Everything is built at the start, so that an invocation costs what its calls cost.

mod call;

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::try_join_all;
use lambda_http::{Body, Error, Request, Response, run, service_fn};
use service::lambda;

use crate::call::Call;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let client = store::client(&lambda::endpoint("DYNAMODB")?);
    let lines = std::fs::read_to_string(lambda::required("RAW_CALLS")?)?;
    let read = |line: &str| -> Result<Vec<Vec<Call>>, Error> {
        let trips: Vec<Vec<serde_json::Value>> = serde_json::from_str(line)?;
        trips
            .into_iter()
            .map(|calls| calls.into_iter().map(|call| Call::read(&client, call)).collect())
            .collect()
    };
    let invocations = lines.lines().map(read).collect::<Result<Vec<_>, _>>()?;
    let (invocations, sent) = (&invocations, &AtomicUsize::new(0));
    run(service_fn(move |_: Request| async move {
        // Reads may be sent again and again; a write has its own line for every time.
        let n = sent.fetch_add(1, Ordering::Relaxed) % invocations.len();
        for calls in &invocations[n] {
            try_join_all(calls.iter().map(Call::send)).await?;
        }
        Ok::<_, Error>(Response::new(Body::Text("{}".to_owned())))
    }))
    .await
}

//! Waiting for something to come about.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::{Instant, sleep};

/// Time between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// Asks `ready` again and again until it gives a value; an error when `limit` has passed without one.
pub async fn until<T>(what: &str, limit: Duration, mut ready: impl AsyncFnMut() -> Option<T>) -> Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = ready().await {
            return Ok(value);
        }
        if Instant::now() > deadline {
            bail!("{what}: still nothing after {} s", limit.as_secs());
        }
        sleep(PAUSE).await;
    }
}

/// Waits until `url` answers an HTTP request, whatever the answer.
pub async fn until_answers(what: &str, url: &str, limit: Duration) -> Result<()> {
    let client = reqwest::Client::new();
    until(what, limit, async || client.get(url).timeout(limit).send().await.ok()).await?;
    Ok(())
}

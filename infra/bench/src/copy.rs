//! A second database with the same items.

use anyhow::Result;
use aws_sdk_dynamodb::{
    Client,
    types::{PutRequest, WriteRequest},
};
use stack::embedded::{self, Embedded};
use testkit::database;

/// DynamoDB takes so many writes at once.
const AT_ONCE: usize = 25;

/// A database with the table of this process as it stands, and like that without a stream.
pub(crate) async fn database() -> Result<Embedded> {
    let copy = embedded::start()?;
    let (from, to) = (database::client(database::endpoint()), database::client(&copy.endpoint));
    stack::table::create(&to, database::table()).await?;
    stack::table::end_stream(&to, database::table()).await?;
    copy_items(&from, &to).await?;
    Ok(copy)
}

async fn copy_items(from: &Client, to: &Client) -> Result<()> {
    let mut start = None;
    loop {
        let page =
            from.scan().table_name(database::table()).set_exclusive_start_key(start.take()).send().await?;
        for items in page.items().chunks(AT_ONCE) {
            let puts = items.iter().map(|item| {
                let put = PutRequest::builder().set_item(Some(item.clone())).build()?;
                Ok(WriteRequest::builder().put_request(put).build())
            });
            let puts = puts.collect::<Result<Vec<_>>>()?;
            to.batch_write_item().request_items(database::table(), puts).send().await?;
        }
        start = page.last_evaluated_key;
        if start.is_none() {
            return Ok(());
        }
    }
}

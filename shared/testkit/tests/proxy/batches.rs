//! Batches of which a part is left unprocessed.

use aws_sdk_dynamodb::types::{KeysAndAttributes, PutRequest, WriteRequest};
use testkit::proxy::{Fault, When};

use crate::fixture::{Fixture, TABLE, key, put};

#[tokio::test]
async fn a_batch_read_lacks_one_key_and_names_it() {
    let fixture = Fixture::start().await;
    let client = fixture.client();
    for id in ["a", "b"] {
        put(&client, id).await.unwrap();
    }
    fixture.proxy.inject(Fault::Unprocessed, When::nth(1));

    let keys =
        KeysAndAttributes::builder().keys(key("a")).keys(key("b")).consistent_read(true).build().unwrap();
    let read = client.batch_get_item().request_items(TABLE, keys).send().await.unwrap();

    assert_eq!(read.responses().unwrap()[TABLE], [key("a")]);
    let left_over = read.unprocessed_keys().unwrap();
    assert_eq!(left_over[TABLE].keys(), [key("b")]);
    assert_eq!(left_over[TABLE].consistent_read(), Some(true));

    let read = client.batch_get_item().set_request_items(read.unprocessed_keys).send().await.unwrap();
    assert_eq!(read.responses().unwrap()[TABLE], [key("b")]);
    assert!(read.unprocessed_keys().unwrap().is_empty());
}

#[tokio::test]
async fn a_batch_write_leaves_one_item_out_and_names_it() {
    let fixture = Fixture::start().await;
    fixture.proxy.inject(Fault::Unprocessed, When::nth(1));
    let write = |id| {
        let put = PutRequest::builder().set_item(Some(key(id))).build().unwrap();
        WriteRequest::builder().put_request(put).build()
    };

    let batch = fixture.client().batch_write_item().request_items(TABLE, vec![write("a"), write("b")]);
    let written = batch.send().await.unwrap();

    assert_eq!(written.unprocessed_items().unwrap()[TABLE], [write("b")]);
    assert!(fixture.stored("a").await);
    assert!(!fixture.stored("b").await);
}

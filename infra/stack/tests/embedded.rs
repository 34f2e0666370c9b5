//! The embedded database as the stack and the tests use it.

use aws_sdk_dynamodb::{Client, types::AttributeValue::S};
use stack::{
    aws,
    embedded::{self, Storage},
    table,
};

#[tokio::test]
async fn a_database_kept_in_a_file_is_there_again_after_a_restart() {
    let directory = std::env::temp_dir().join(format!("embedded-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let file = directory.join("dynamodb.sqlite");
    let address = ([127, 0, 0, 1], 0).into();
    let key = |value: &str| S(value.to_owned());

    let first = embedded::start_at(address, Storage::File(&file)).unwrap();
    let client = Client::new(&aws::local(&first.endpoint));
    table::create(&client, "kept").await.unwrap();
    client.put_item().table_name("kept").item("pk", key("a")).item("sk", key("b")).send().await.unwrap();
    let stream = table::stream_arn(&client, "kept").await.unwrap();
    drop(first);

    let second = embedded::start_at(address, Storage::File(&file)).unwrap();
    let client = Client::new(&aws::local(&second.endpoint));
    table::create(&client, "kept").await.unwrap();
    let got =
        client.get_item().table_name("kept").key("pk", key("a")).key("sk", key("b")).send().await.unwrap();
    assert!(got.item.is_some(), "the item is gone");
    assert_eq!(table::stream_arn(&client, "kept").await.unwrap(), stream, "the stream is another one");
    drop(second);
    std::fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn a_database_outlives_the_runtime_that_used_it_first() {
    let database = embedded::start().unwrap();
    let use_it = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(table::create(&Client::new(&aws::local(&database.endpoint)), "used")).unwrap();
    };
    use_it();
    use_it();
}

#[test]
fn two_databases_cannot_share_a_port() {
    let first = embedded::start().unwrap();
    let address = first.endpoint.strip_prefix("http://").unwrap().parse().unwrap();
    assert!(embedded::start_at(address, Storage::Memory).is_err());
}

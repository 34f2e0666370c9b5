//! Makes the table that the template defines.

use anyhow::{Context, Result};
use aws_sdk_dynamodb::{
    Client,
    operation::create_table::CreateTableError,
    types::{
        AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, Projection,
        StreamSpecification, TimeToLiveSpecification, TimeToLiveStatus,
    },
};

use crate::template::{Index, KeyPart, Table, Template};

/// Makes the table, under its own name or as a test wants it called: keys, indexes, stream and expiry as in the
/// template. A table that is there already is left as it is.
pub async fn create(client: &Client, name: &str) -> Result<()> {
    let table = Template::local()?.table()?;
    let attributes = table.attribute_definitions.iter().map(|attribute| {
        AttributeDefinition::builder()
            .attribute_name(&attribute.attribute_name)
            .attribute_type(attribute.attribute_type.as_str().into())
            .build()
    });
    let indexes = table.global_secondary_indexes.iter().map(index).collect::<Result<_>>()?;
    let created = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(attributes.collect::<Result<_, _>>()?))
        .set_key_schema(Some(key_schema(&table.key_schema)?))
        .set_global_secondary_indexes(Some(indexes))
        .stream_specification(stream(&table)?)
        .send()
        .await
        .map_err(aws_sdk_dynamodb::error::SdkError::into_service_error);
    match created {
        Ok(_) | Err(CreateTableError::ResourceInUseException(_)) => set_expiry(client, &table, name).await,
        Err(error) => Err(error).with_context(|| format!("the table {name} cannot be made")),
    }
}

/// Gives a table whose stream was ended a new one, as in the template.
pub async fn begin_stream(client: &Client, name: &str) -> Result<()> {
    let stream = stream(&Template::local()?.table()?)?;
    client.update_table().table_name(name).stream_specification(stream).send().await?;
    Ok(())
}

fn stream(table: &Table) -> Result<StreamSpecification> {
    let view = table.stream_specification.stream_view_type.as_str().into();
    Ok(StreamSpecification::builder().stream_enabled(true).stream_view_type(view).build()?)
}

/// Ends the stream of a table that nobody follows: with each write, the local databases look at all that is in it.
pub async fn end_stream(client: &Client, name: &str) -> Result<()> {
    let none = StreamSpecification::builder().stream_enabled(false).build()?;
    client.update_table().table_name(name).stream_specification(none).send().await?;
    Ok(())
}

/// The stream of a table made by [`create`].
pub async fn stream_arn(client: &Client, name: &str) -> Result<String> {
    let described = client.describe_table().table_name(name).send().await?;
    described
        .table
        .and_then(|table| table.latest_stream_arn)
        .with_context(|| format!("the table {name} has no stream"))
}

async fn set_expiry(client: &Client, table: &Table, name: &str) -> Result<()> {
    let described = client.describe_time_to_live().table_name(name).send().await?.time_to_live_description;
    if described.is_some_and(|expiry| expiry.time_to_live_status == Some(TimeToLiveStatus::Enabled)) {
        return Ok(());
    }
    let expiry = TimeToLiveSpecification::builder()
        .attribute_name(&table.time_to_live_specification.attribute_name)
        .enabled(table.time_to_live_specification.enabled)
        .build()?;
    client.update_time_to_live().table_name(name).time_to_live_specification(expiry).send().await?;
    Ok(())
}

fn index(index: &Index) -> Result<GlobalSecondaryIndex> {
    let projection =
        Projection::builder().projection_type(index.projection.projection_type.as_str().into()).build();
    Ok(GlobalSecondaryIndex::builder()
        .index_name(&index.index_name)
        .set_key_schema(Some(key_schema(&index.key_schema)?))
        .projection(projection)
        .build()?)
}

fn key_schema(parts: &[KeyPart]) -> Result<Vec<KeySchemaElement>> {
    let elements = parts.iter().map(|part| {
        KeySchemaElement::builder()
            .attribute_name(&part.attribute_name)
            .key_type(part.key_type.as_str().into())
            .build()
    });
    Ok(elements.collect::<Result<_, _>>()?)
}

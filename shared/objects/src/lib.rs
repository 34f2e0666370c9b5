//! The deployment's bucket.
//!
//! The only crate that knows `aws-sdk-s3`, and linked only into functions that have a bucket.

use std::{
    sync::OnceLock,
    time::{Duration, UNIX_EPOCH},
};

use aws_sdk_s3::{
    Client,
    config::{RequestChecksumCalculation, ResponseChecksumValidation},
    error::{ProvideErrorMetadata, SdkError},
    operation::get_object::GetObjectOutput,
    presigning::PresigningConfig,
};
use contract::error::{Error, Result};
use futures::future::{BoxFuture, FutureExt};
use service::{Object, Objects, Upload};
use store::Endpoint;

/// Within Lambda the SDK adds it to every request, and leaves it out of the signature.
const NOT_SIGNED: &str = "x-amzn-trace-id";

/// A bucket of S3.
#[derive(Debug)]
pub struct Bucket {
    endpoint: Endpoint,
    name: String,
    /// Made when it is first needed: most requests, and so most starts, do not need it.
    client: OnceLock<Client>,
}

impl Bucket {
    /// The bucket of this name.
    pub fn new(endpoint: Endpoint, name: String) -> Self {
        Self { endpoint, name, client: OnceLock::new() }
    }

    fn client(&self) -> &Client {
        self.client.get_or_init(|| {
            let config = aws_sdk_s3::config::Builder::from(&self.endpoint.config())
                // What stands in for S3 has one name for all buckets.
                .force_path_style(self.endpoint.url.is_some())
                // Whoever reads compares with the checksum that was asked for.
                .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
                .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
            Client::from_conf(config.build())
        })
    }

    async fn sign(&self, upload: &Upload<'_>) -> Result<String> {
        let from = u64::try_from(upload.from.unix_seconds()).map_err(Error::internal)?;
        let config = PresigningConfig::builder()
            .start_time(UNIX_EPOCH + Duration::from_secs(from))
            .expires_in(Duration::from_mins(upload.minutes.into()))
            .build()
            .map_err(Error::internal)?;
        let request = self
            .client()
            .put_object()
            .bucket(&self.name)
            .key(upload.key)
            .content_type(upload.content_type)
            .content_length(i64::try_from(upload.bytes).map_err(Error::internal)?)
            .checksum_sha256(upload.sha256);
        let signed = request.presigned(config).await.map_err(|error| failed(&error))?;
        let said = upload.headers();
        let is_said = |(name, value): &(&str, &str)| said.iter().any(|(n, v)| n == name && v == value);
        let signed_headers: Vec<_> = signed.headers().filter(|(name, _)| *name != NOT_SIGNED).collect();
        if signed_headers.len() == said.len() && signed_headers.iter().all(is_said) {
            Ok(signed.uri().to_owned())
        } else {
            Err(Error::internal("an upload is signed for other headers than its sender is told"))
        }
    }

    async fn get(&self, key: &str, most_bytes: u64) -> Result<Option<Object>> {
        let object = match self.client().get_object().bucket(&self.name).key(key).send().await {
            Ok(object) => object,
            Err(error) if error.code() == Some("NoSuchKey") => return Ok(None),
            Err(error) => return Err(failed(&error)),
        };
        let bytes = object.content_length().and_then(|bytes| u64::try_from(bytes).ok());
        let bytes = bytes.ok_or_else(|| Error::internal("an object without a length"))?;
        let version_id = object.version_id().map(str::to_owned);
        Ok(Some(Object {
            version_id: version_id.ok_or_else(|| Error::internal("the bucket keeps no versions"))?,
            etag: object.e_tag().unwrap_or_default().trim_matches('"').to_owned(),
            content_type: object.content_type().map(str::to_owned),
            bytes,
            content: if bytes <= most_bytes { Some(content(object).await?) } else { None },
        }))
    }

    async fn list(&self, key: &str) -> Result<Vec<String>> {
        // Other keys that begin so are longer, and come after it.
        let request = self.client().list_object_versions().bucket(&self.name).prefix(key);
        let listed = request.send().await.map_err(|error| failed(&error))?;
        let versions = listed.versions().iter().map(|version| (version.key(), version.version_id()));
        let markers = listed.delete_markers().iter().map(|marker| (marker.key(), marker.version_id()));
        let of_key = versions.chain(markers).filter(|(of, _)| *of == Some(key));
        Ok(of_key.filter_map(|(_, id)| id.map(str::to_owned)).collect())
    }

    async fn remove(&self, key: &str, version_id: &str) -> Result<()> {
        let request = self.client().delete_object().bucket(&self.name).key(key).version_id(version_id);
        request.send().await.map(drop).map_err(|error| failed(&error))
    }
}

async fn content(object: GetObjectOutput) -> Result<Vec<u8>> {
    let read = object.body.collect().await;
    Ok(read.map_err(|_| Error::unavailable("an object broke off"))?.to_vec())
}

impl Objects for Bucket {
    fn bucket(&self) -> &str {
        &self.name
    }

    fn presign<'a>(&'a self, upload: &'a Upload<'a>) -> BoxFuture<'a, Result<String>> {
        self.sign(upload).boxed()
    }

    fn read<'a>(&'a self, key: &'a str, most_bytes: u64) -> BoxFuture<'a, Result<Option<Object>>> {
        self.get(key, most_bytes).boxed()
    }

    fn versions<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Vec<String>>> {
        self.list(key).boxed()
    }

    fn delete<'a>(&'a self, key: &'a str, version_id: &'a str) -> BoxFuture<'a, Result<()>> {
        self.remove(key, version_id).boxed()
    }
}

fn failed<E, R>(error: &SdkError<E, R>) -> Error
where
    E: ProvideErrorMetadata,
{
    let code = error.code().unwrap_or_default();
    match error {
        SdkError::ServiceError(_) if code == "AccessDenied" => Error::internal("the bucket: AccessDenied"),
        SdkError::ServiceError(_) => Error::unavailable(format_args!("the bucket: {code}")),
        SdkError::TimeoutError(_) => Error::unavailable("the bucket did not answer in time"),
        SdkError::DispatchFailure(_) => Error::unavailable("the bucket could not be reached"),
        SdkError::ConstructionFailure(_) => Error::internal("a request to the bucket could not be built"),
        _ => Error::unavailable("the bucket's answer could not be read"),
    }
}

#[cfg(test)]
mod tests {
    use contract::{checksum::Checksum, time::Time};
    use store::{Authorities, Credentials};
    use testkit::sigv4::Arrived;

    use super::*;

    #[tokio::test]
    async fn an_upload_to_aws_is_signed_for_the_buckets_own_host_in_the_session_of_a_role() {
        let session = "to/ken+=".to_owned();
        let endpoint = Endpoint {
            region: "eu-central-1".to_owned(),
            url: None,
            authorities: Authorities::Amazon,
            credentials: Credentials::new("AKIDEXAMPLE", "secret", Some(session.clone()), None, "test"),
        };
        let bucket = Bucket::new(endpoint, "acme-configs".to_owned());
        let (from, checksum): (Time, _) = ("2026-03-04T08:00:00Z".parse().unwrap(), Checksum::of(b"{}"));
        let upload = Upload {
            key: "configs/orgcode=ACME/1-2.json",
            content_type: "application/json",
            bytes: 2,
            sha256: checksum.as_str(),
            from,
            minutes: 15,
        };
        let url = bucket.presign(&upload).await.unwrap();
        let place = "https://acme-configs.s3.eu-central-1.amazonaws.com/configs/orgcode%3DACME/1-2.json?";
        assert!(url.starts_with(place), "{url}");
        let headers = upload.headers().map(|(name, value)| (name.to_owned(), value));
        let arrived = Arrived::at("PUT", &url, headers.to_vec());
        assert_eq!(arrived.signed_by("secret", from), Ok("AKIDEXAMPLE".to_owned()));
        let token = ("X-Amz-Security-Token".to_owned(), session);
        assert!(arrived.parameters().contains(&token), "{url}");
    }
}

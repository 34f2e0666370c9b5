//! What a function keeps beside the table: objects of the deployment's bucket.
//!
//! Callers upload objects themselves, by a request that is signed for exactly one. What speaks to S3 is the crate
//! `objects`; only a function that has a bucket holds it.

use contract::{error::Result, time::Time};
use futures::future::BoxFuture;

/// An object as it is to be uploaded, and not otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Upload<'u> {
    /// Its key.
    pub key: &'u str,
    /// Its media type.
    pub content_type: &'u str,
    /// How many bytes it has.
    pub bytes: u64,
    /// Their SHA-256, in base64.
    pub sha256: &'u str,
    /// When it is signed.
    pub from: Time,
    /// For how many minutes it may be sent.
    pub minutes: u16,
}

impl Upload<'_> {
    /// The headers with which it must be sent, as they are signed.
    pub fn headers(&self) -> [(&'static str, String); 3] {
        [
            ("content-type", self.content_type.to_owned()),
            ("content-length", self.bytes.to_string()),
            ("x-amz-checksum-sha256", self.sha256.to_owned()),
        ]
    }
}

/// An object as it lies in the bucket.
#[derive(Clone)]
pub struct Object {
    /// Which version of the object this is.
    pub version_id: String,
    /// Its etag, without quotes.
    pub etag: String,
    /// Its media type, where it was given one.
    pub content_type: Option<String>,
    /// How many bytes it has.
    pub bytes: u64,
    /// What it holds; none where that is more than was to be read.
    pub content: Option<Vec<u8>>,
}

/// A bucket.
pub trait Objects: Send + Sync {
    /// Its name.
    fn bucket(&self) -> &str;

    /// The address to which whoever has it can `PUT` the object until it expires. Nothing is asked of the bucket.
    fn presign<'a>(&'a self, upload: &'a Upload<'a>) -> BoxFuture<'a, Result<String>>;

    /// The newest version of an object, with its content where that has at most so many bytes; none where there is no
    /// such object. `unavailable` where the bucket does not answer.
    fn read<'a>(&'a self, key: &'a str, most_bytes: u64) -> BoxFuture<'a, Result<Option<Object>>>;

    /// The ids of the versions of an object and of its delete markers: all, or as many as the bucket tells at once.
    /// `unavailable` where the bucket does not answer.
    fn versions<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Vec<String>>>;

    /// Deletes a version of an object for ever; one that is not there is gone already. `unavailable` where the bucket does
    /// not answer.
    fn delete<'a>(&'a self, key: &'a str, version_id: &'a str) -> BoxFuture<'a, Result<()>>;
}

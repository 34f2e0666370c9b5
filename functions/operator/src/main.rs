//! The `operator` function.

use objects::Bucket;
use service::{direct, lambda};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let bucket = Bucket::new(lambda::endpoint("S3")?, lambda::required("G3N_BUCKET")?);
    direct::serve(&operator::SERVICE, Box::new(bucket)).await
}

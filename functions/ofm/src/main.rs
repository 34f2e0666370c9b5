//! The `ofm` function.

use objects::Bucket;
use service::lambda;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    let bucket = Bucket::new(lambda::endpoint("S3")?, lambda::required("G3N_BUCKET")?);
    lambda::serve_with(&ofm::SERVICE, Box::new(bucket)).await
}

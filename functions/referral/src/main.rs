//! The `referral` function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    service::lambda::serve(&referral::SERVICE).await
}

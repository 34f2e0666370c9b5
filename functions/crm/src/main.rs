//! The `crm` function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    service::lambda::serve(&crm::SERVICE).await
}

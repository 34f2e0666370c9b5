//! The `operator` function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    service::direct::serve(&operator::SERVICE).await
}

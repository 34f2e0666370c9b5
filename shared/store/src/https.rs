//! What calls to AWS are sent with.

use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};

use crate::client::Endpoint;

/// Amazon Root CA 1 to 4 and the Starfield Services Root CA G2, which Amazon Trust Services asks every store of
/// authorities of one's own to hold, all five. The first ends in December 2037.
const AMAZON: &[u8] = include_bytes!("amazon.pem");

/// Whose certificates an endpoint may show.
///
/// Reading the hundred and more authorities of the machine would be four fifths of the processor time of a cold start
/// before its handshake, and AWS makes use of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authorities {
    /// Amazon's own.
    Amazon,
    /// Those that the machine trusts, or the file that `SSL_CERT_FILE` names.
    Machine,
}

impl Authorities {
    /// Those that sign for AWS's own endpoints in a region. The partitions apart from the global one (China, isolated
    /// ones, the European sovereign cloud) have others.
    pub fn of(region: &str) -> Self {
        let apart = region.starts_with("cn-") || region.starts_with("eusc-") || region.contains("-iso");
        if apart { Self::Machine } else { Self::Amazon }
    }
}

/// A client for one endpoint. Its connections are shared by its clones.
pub(crate) fn http_client(endpoint: &Endpoint) -> SharedHttpClient {
    if endpoint.url.as_ref().is_some_and(|url| url.starts_with("http://")) {
        return Builder::new().build_http();
    }
    let trusted = match endpoint.authorities {
        Authorities::Amazon => TrustStore::empty().with_pem_certificate(AMAZON),
        Authorities::Machine => TrustStore::default(),
    };
    let builder = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
    match TlsContext::builder().with_trust_store(trusted).build() {
        Ok(context) => builder.tls_context(context).build_https(),
        // It never fails; if it did, the machine's authorities know AWS too.
        Err(_) => builder.build_https(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Credentials, client};

    #[test]
    fn the_authorities_can_be_read() {
        for authorities in [Authorities::Amazon, Authorities::Machine] {
            // Reads them, and panics where it cannot.
            let _ = client(&Endpoint {
                region: "eu-central-1".to_owned(),
                url: None,
                authorities,
                credentials: Credentials::new("id", "secret", None, None, "test"),
            });
        }
        let count = AMAZON.windows(10).filter(|window| window == b"-----BEGIN").count();
        assert_eq!(count, 5);
    }

    #[test]
    fn partitions_apart_have_authorities_of_their_own() {
        for region in ["eu-central-1", "us-east-1", "us-gov-west-1", "ap-southeast-3"] {
            assert_eq!(Authorities::of(region), Authorities::Amazon, "{region}");
        }
        for region in ["cn-north-1", "us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1", "eusc-de-east-1"] {
            assert_eq!(Authorities::of(region), Authorities::Machine, "{region}");
        }
    }
}

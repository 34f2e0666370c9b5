//! A certificate of our own, and a bundle of authorities that trusts it.

use std::{fs, path::PathBuf, sync::Arc};

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

use crate::programs;

/// An endpoint's side of TLS, and the bundle that makes a function trust it: as long as that which functions have for
/// AWS's own endpoints, with one more authority.
pub(crate) struct Trusted {
    /// Takes connections.
    pub(crate) acceptor: TlsAcceptor,
    /// For `SSL_CERT_FILE`.
    pub(crate) bundle: PathBuf,
}

/// Makes an authority and, signed by it, a certificate for `localhost`: ECDSA on P-256, a chain of two.
pub(crate) fn make() -> Result<Trusted> {
    let authority_key = KeyPair::generate()?;
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_certificate = authority.self_signed(&authority_key)?;
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(vec!["localhost".to_owned()])?
        .signed_by(&key, &Issuer::new(authority, authority_key))?;

    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?;

    let amazon = fs::read_to_string(programs::root().join("shared/store/src/amazon.pem"))?;
    let bundle = programs::output()?.join("authorities.pem");
    fs::write(&bundle, amazon + &authority_certificate.pem())?;
    Ok(Trusted { acceptor: TlsAcceptor::from(Arc::new(config)), bundle })
}

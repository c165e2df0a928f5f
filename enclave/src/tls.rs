// SPDX-License-Identifier: Apache-2.0
//! TLS of the API.
//!
//! | module | holds |
//! |---|---|
//! | [`options`] | what the operator chooses |
//! | [`key`] | the key, made inside and sealed |
//! | [`certificate`] | certificates of the enclave's own making, with its evidence in them |
//! | [`resolver`] | which certificate a client is shown |
//! | [`evidence`] | makes a new certificate when there is new evidence |
//! | [`files`] | certificates that the operator brings, read again when they change |
//! | [`acme`] | certificates that an authority issues |
//!
//! The hash of the key stands in every attestation, so clients that read the chain accept this key and
//! no other, whichever certificate it comes with. Certificates change while the enclave runs; the key
//! does not, not even from one start to the next. A key that the operator brings is not attested: it
//! would make clients believe that only the enclave has it, and it is the host that writes the
//! configuration.

use std::{fmt, io, path::Path, sync::Arc};

use rustls::ServerConfig;
use tee_primitives::Hash;
use tokio::{sync::watch, task::JoinHandle};
use tokio_rustls::TlsAcceptor;

use crate::{
    quotes::Quotes,
    seal::{SealError, Sealer},
    view::Outlook,
};

pub mod acme;
pub mod certificate;
pub mod evidence;
pub mod files;
pub mod key;
pub mod options;
pub mod resolver;

use acme::Acme;
use files::Files;
use key::TlsKey;
pub use options::{TlsMode, TlsOptions};
use resolver::Certificates;

/// The protocol by which an authority validates a domain (RFC 8737), as it is negotiated by ALPN.
pub const ACME_TLS: &[u8] = b"acme-tls/1";

/// The protocol of the API, as it is negotiated by ALPN.
const HTTP: &[u8] = b"http/1.1";

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The configuration contradicts itself.
    #[error("TLS cannot be set up: {0}")]
    Options(&'static str),
    /// A file of the operator cannot be used.
    #[error("{file} cannot be used: {problem}")]
    File {
        /// The file.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The key cannot be read or written.
    #[error("the TLS key cannot be read or written: {0}")]
    Key(io::Error),
    /// The key cannot be sealed.
    #[error("the TLS key cannot be sealed: {0}")]
    Seal(#[from] SealError),
    /// A certificate cannot be made.
    #[error("no certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library does not take what it is given.
    #[error("TLS cannot be set up: {0}")]
    Library(#[from] rustls::Error),
    /// No client for the authority.
    #[error("no client for the authority: {0}")]
    Client(#[from] tee_tls::ClientError),
}

/// TLS, set up.
pub struct Tls {
    certificates: Arc<Certificates>,
    attested_key: Hash,
    acceptor: TlsAcceptor,
    keeper: Keeper,
}

/// Who renews certificates.
enum Keeper {
    /// The enclave.
    Own(Arc<TlsKey>),
    /// The enclave, and an authority.
    Acme(Arc<TlsKey>, Box<Acme>),
    /// The operator.
    Files(Files),
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("attested_key", &hex::encode(self.attested_key))
            .finish_non_exhaustive()
    }
}

impl Tls {
    /// Sets TLS up as the operator wants it, with what is kept in `folder`; `None` if there is to be
    /// none. `account` is the enclave's address, which its own certificates name.
    pub fn open(
        options: &TlsOptions,
        folder: &Path,
        sealer: &Arc<Sealer>,
        account: &str,
    ) -> Result<Option<Self>, TlsError> {
        options.check()?;
        let own_key = || TlsKey::load_or_create(folder, sealer, account, &options.domains);
        let (certificates, attested_key, keeper) = match options.mode {
            TlsMode::Off => return Ok(None),
            TlsMode::Files => {
                let (files, shown) = Files::open(options)?;
                (Certificates::new(shown), tee_tls::NO_KEY, Keeper::Files(files))
            }
            TlsMode::SelfSigned => {
                let key = Arc::new(own_key()?);
                (Certificates::new(key.bare()?), key.hash(), Keeper::Own(key))
            }
            TlsMode::Acme => {
                let key = Arc::new(own_key()?);
                let acme = Acme::open(options, folder, sealer.clone(), key.clone())?;
                let certificates = Certificates::new(key.bare()?);
                if let Some(issued) = acme.kept() {
                    certificates.issue(issued);
                }
                (certificates, key.hash(), Keeper::Acme(key, Box::new(acme)))
            }
        };
        let certificates = Arc::new(certificates);
        let mut config = ServerConfig::builder_with_provider(tee_tls::provider())
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_no_client_auth()
            .with_cert_resolver(certificates.clone());
        config.alpn_protocols.push(HTTP.to_vec());
        if matches!(keeper, Keeper::Acme(..)) {
            config.alpn_protocols.push(ACME_TLS.to_vec());
        }
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Some(Self { certificates, attested_key, acceptor, keeper }))
    }

    /// SHA-256 of the key (SubjectPublicKeyInfo), as it stands in attestations: zeros if the operator
    /// knows it.
    pub fn attested_key(&self) -> Hash {
        self.attested_key
    }

    /// What connections begin with. It shows each new client the newest certificate.
    pub fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.clone()
    }

    /// Starts the tasks that renew certificates. They end when the outlook's sender is gone.
    pub fn keep(self, quotes: Quotes, outlook: watch::Receiver<Outlook>) -> Vec<JoinHandle<()>> {
        let Self { certificates, keeper, .. } = self;
        let own = |key| evidence::run(key, quotes, outlook.clone(), certificates.clone());
        match keeper {
            Keeper::Own(key) => vec![tokio::spawn(own(key))],
            Keeper::Acme(key, acme) => {
                let own = tokio::spawn(own(key));
                vec![own, tokio::spawn(acme.run(outlook, certificates))]
            }
            Keeper::Files(files) => vec![tokio::spawn(files.run(outlook, certificates))],
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;

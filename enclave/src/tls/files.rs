// SPDX-License-Identifier: Apache-2.0
//! Certificate and key that the operator brings, and knows. They are not attested, so both can change.

use std::{
    future::Future,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rustls::{
    pki_types::{pem::PemObject, CertificateDer, PrivateKeyDer},
    sign::CertifiedKey,
};
use tokio::{sync::watch, task, time};

use super::{resolver::Certificates, TlsError, TlsOptions};
use crate::{file, view::Outlook};

/// The files are looked at so often.
const EVERY: Duration = Duration::from_secs(60);

/// Certificates in a chain, at most.
const MAX_CHAIN: usize = 10;

/// The files.
#[derive(Clone, Debug)]
pub struct Files {
    cert: PathBuf,
    key: PathBuf,
}

impl Files {
    /// Reads the files that the options name.
    pub fn open(options: &TlsOptions) -> Result<(Self, CertifiedKey), TlsError> {
        let path = |given: &Option<PathBuf>| {
            given.clone().ok_or(TlsError::Options("a certificate or a key is not given"))
        };
        let (cert, key) = (path(&options.cert)?, path(&options.key)?);
        let read = read(&cert, &key)?;
        Ok((Self { cert, key }, read))
    }

    /// Shows what the files hold from then on when they change, until the outlook's sender is gone.
    pub fn run(
        self,
        outlook: watch::Receiver<Outlook>,
        certificates: Arc<Certificates>,
    ) -> impl Future<Output = ()> + Send {
        self.run_every(EVERY, outlook, certificates)
    }

    async fn run_every(
        self,
        every: Duration,
        mut outlook: watch::Receiver<Outlook>,
        certificates: Arc<Certificates>,
    ) {
        let mut told = None;
        let mut ticks = time::interval(every);
        loop {
            tokio::select! {
                changed = outlook.changed() => if changed.is_err() {
                    return;
                } else {
                    continue;
                },
                _ = ticks.tick() => (),
            }
            let Self { cert, key } = self.clone();
            let Ok(read) = task::spawn_blocking(move || read(&cert, &key)).await else { return };
            let problem = match read {
                Ok(new) => {
                    if new.cert != certificates.shown().cert {
                        certificates.renew(new);
                        tracing::info!("another TLS certificate");
                    }
                    None
                }
                Err(error) => Some(error.to_string()),
            };
            // The same is told once.
            if let Some(problem) = problem.as_ref().filter(|_| told != problem) {
                tracing::warn!("the TLS certificate stays as it was: {problem}");
            }
            told = problem;
        }
    }
}

fn read(cert: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let problem =
        |path: &Path, problem: String| TlsError::File { file: path.display().to_string(), problem };
    let content = |path: &Path| match file::read(path) {
        Ok(Some(content)) => Ok(content),
        Ok(None) => Err(problem(path, String::from("it is not there"))),
        Err(error) => Err(problem(path, error.to_string())),
    };
    let (certificates, private) = (content(cert)?, content(key)?);
    let chain = chain(&certificates).map_err(|error| problem(cert, error))?;
    // What does not parse could be a key: the parser's own words are not repeated.
    let private = PrivateKeyDer::from_pem_slice(&private)
        .map_err(|_| problem(key, String::from("it holds no key in PEM")))?;
    CertifiedKey::from_der(chain, private, &tee_tls::provider())
        .map_err(|error| problem(key, format!("the key does not fit: {error}")))
}

/// The certificates in PEM.
pub(super) fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates = CertificateDer::pem_slice_iter(pem).take(MAX_CHAIN + 1);
    let chain: Result<Vec<_>, _> = certificates.collect();
    let chain = chain.map_err(|error| format!("it is not PEM: {error}"))?;
    match chain.len() {
        0 => Err(String::from("it holds no certificate")),
        1..=MAX_CHAIN => Ok(chain),
        _ => Err(format!("it holds more than {MAX_CHAIN} certificates")),
    }
}

#[cfg(test)]
mod tests;

// SPDX-License-Identifier: Apache-2.0
//! Certificates of an authority (RFC 8555), which validates the domain on the API's own port (RFC
//! 8737).
//!
//! The certificate is for the enclave's own key. Until there is one, and whenever the authority does
//! not answer, the enclave serves with what it has: clients that read the chain need no authority.
//! The authority is trusted with nothing: what it issues is shown only if it is for the key.
//!
//! | module | holds |
//! |---|---|
//! | [`kept`] | the account at the authority and the last certificate, sealed |
//! | [`http`] | the client, bounded |

use std::{path::Path, sync::Arc, time::Duration};

use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, ChallengeType, Identifier, NewAccount,
    NewOrder, Order, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName};
use rustls::sign::CertifiedKey;
use tokio::{
    sync::watch,
    task,
    time::{self, Instant},
};
use x509_cert::{der::Decode, Certificate};

use super::{
    certificate, files, key::TlsKey, options::TlsOptions, resolver::Certificates, TlsError,
};
use crate::{seal::Sealer, view::Outlook};

mod http;
mod kept;

use http::Http;
use kept::{Keeping, Kept};

/// Longest time for one certificate.
const LIMIT: Duration = Duration::from_secs(300);

/// How the authority is asked whether it is done.
const POLLING: RetryPolicy = RetryPolicy::new()
    .initial_delay(Duration::from_millis(500))
    .backoff(1.5)
    .timeout(Duration::from_secs(90));

/// Waits after failures: doubled from the first to the last. Authorities allow a few attempts an hour.
#[derive(Clone, Copy, Debug)]
struct Pauses {
    first: Duration,
    last: Duration,
}

const PAUSES: Pauses =
    Pauses { first: Duration::from_secs(60), last: Duration::from_secs(6 * 3600) };

impl Pauses {
    /// The wait after so many failures in a row.
    fn after(&self, failures: u32) -> Duration {
        let doubled = 1u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        self.first.saturating_mul(doubled).min(self.last)
    }
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
enum AcmeError {
    /// The authority refuses, or cannot be asked.
    #[error("{0}")]
    Authority(#[from] instant_acme::Error),
    /// It does not validate on the API's port.
    #[error("the authority does not validate by tls-alpn-01")]
    NoChallenge,
    /// It validates something else than was asked for.
    #[error("the authority wants to validate another domain")]
    Another,
    /// It does not accept the domain.
    #[error("the authority has not validated the domain ({0})")]
    NotValidated(&'static str),
    /// What it has issued cannot be used.
    #[error("the authority's certificate cannot be used: {0}")]
    Unfit(String),
    /// Something of the enclave's own does not work.
    #[error(transparent)]
    Own(#[from] TlsError),
    /// It takes too long.
    #[error("the authority takes too long")]
    TooSlow,
}

impl AcmeError {
    /// Whether the authority does not know the account any more.
    fn is_account_lost(&self) -> bool {
        const UNKNOWN: &str = "urn:ietf:params:acme:error:accountDoesNotExist";
        let Self::Authority(instant_acme::Error::Api(problem)) = self else { return false };
        problem.r#type.as_deref() == Some(UNKNOWN)
    }
}

/// When a certificate is valid, in seconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Validity {
    from: u64,
    until: u64,
}

impl Validity {
    fn of(shown: &CertifiedKey) -> Option<Self> {
        let certificate = Certificate::from_der(shown.cert.first()?).ok()?;
        let validity = certificate.tbs_certificate().validity();
        let seconds = |time: &x509_cert::time::Time| time.to_unix_duration().as_secs();
        Some(Self { from: seconds(&validity.not_before), until: seconds(&validity.not_after) })
    }

    /// Whether less than a third of its life is left.
    fn is_ending(&self, now: u64) -> bool {
        let life = self.until.saturating_sub(self.from);
        self.until.saturating_sub(now).saturating_mul(3) < life
    }
}

/// Keeps a certificate of an authority.
#[derive(Debug)]
pub struct Acme {
    http: Http,
    directory: String,
    contact: Option<String>,
    domains: Vec<String>,
    key: Arc<TlsKey>,
    keeping: Keeping,
    kept: Option<Kept>,
    pauses: Pauses,
}

impl Acme {
    /// With what is kept in `folder`. What is of another authority or for other domains is left
    /// aside.
    pub fn open(
        options: &TlsOptions,
        folder: &Path,
        sealer: Arc<Sealer>,
        key: Arc<TlsKey>,
    ) -> Result<Self, TlsError> {
        let http = Http::new(options.acme_root.as_deref())?;
        let keeping = Keeping::new(folder, sealer);
        let (directory, domains) = (options.acme_directory.clone(), options.domains.clone());
        let mut kept = keeping.read().filter(|kept| kept.directory == directory);
        if let Some(kept) = kept.as_mut().filter(|kept| kept.domains != domains) {
            kept.chain.clear();
        }
        let contact = options.acme_contact.clone();
        Ok(Self { http, directory, contact, domains, key, keeping, kept, pauses: PAUSES })
    }

    /// The last certificate, if it is still for the key.
    pub fn kept(&self) -> Option<CertifiedKey> {
        let chain = &self.kept.as_ref().filter(|kept| !kept.chain.is_empty())?.chain;
        self.usable(chain).ok()
    }

    /// What was issued, with the key that it must be for.
    fn usable(&self, pem: &str) -> Result<CertifiedKey, AcmeError> {
        let chain = files::chain(pem.as_bytes()).map_err(AcmeError::Unfit)?;
        Ok(self.key.certified(chain)?)
    }

    /// Gets certificates until the outlook's sender is gone.
    pub async fn run(
        mut self: Box<Self>,
        mut outlook: watch::Receiver<Outlook>,
        certificates: Arc<Certificates>,
    ) {
        let mut validity = self.kept().as_ref().and_then(Validity::of);
        let mut failures = 0;
        let mut not_before = Instant::now();
        loop {
            let now = outlook.borrow_and_update().known().map(|view| view.now);
            let is_due = now.is_some_and(|now| validity.is_none_or(|it| it.is_ending(now)));
            if is_due && not_before <= Instant::now() {
                match self.renew(&certificates).await {
                    Ok(new) => {
                        validity = Some(new);
                        failures = 0;
                        tracing::info!("the authority has issued a TLS certificate");
                        // However short the life of what it issues, it is not asked all the time.
                        not_before = Instant::now() + self.pauses.first;
                    }
                    Err(error) => {
                        failures += 1;
                        if error.is_account_lost() {
                            self.kept = None;
                        }
                        let pause = self.pauses.after(failures);
                        let seconds = pause.as_secs();
                        tracing::warn!(%error, seconds, "no TLS certificate; asked again later");
                        not_before = Instant::now() + pause;
                    }
                }
            }
            let is_paused = not_before > Instant::now();
            tokio::select! {
                changed = outlook.changed() => if changed.is_err() {
                    return;
                },
                () = time::sleep_until(not_before), if is_paused => (),
            }
        }
    }

    async fn renew(&mut self, certificates: &Certificates) -> Result<Validity, AcmeError> {
        let obtained = time::timeout(LIMIT, self.obtain(certificates)).await;
        certificates.validated();
        let pem = obtained.map_err(|_| AcmeError::TooSlow)??;
        let issued = self.usable(&pem)?;
        let validity = Validity::of(&issued)
            .ok_or_else(|| AcmeError::Unfit(String::from("its dates cannot be read")))?;
        if let Some(kept) = &mut self.kept {
            kept.chain = pem;
            kept.domains = self.domains.clone();
        }
        self.keep().await;
        certificates.issue(issued);
        Ok(validity)
    }

    /// A certificate chain in PEM.
    async fn obtain(&mut self, certificates: &Certificates) -> Result<String, AcmeError> {
        let account = self.account().await?;
        let identifiers: Vec<_> = self.domains.iter().cloned().map(Identifier::Dns).collect();
        let mut order = account.new_order(&NewOrder::new(&identifiers)).await?;
        self.validate(&mut order, certificates).await?;
        if order.poll_ready(&POLLING).await? != OrderStatus::Ready {
            return Err(AcmeError::NotValidated("the order is not ready"));
        }
        let mut request =
            CertificateParams::new(self.domains.as_slice()).map_err(TlsError::Certificate)?;
        request.distinguished_name = DistinguishedName::new();
        let request = request.serialize_request(self.key.pair()).map_err(TlsError::Certificate)?;
        order.finalize_csr(request.der()).await?;
        Ok(order.poll_certificate(&POLLING).await?)
    }

    /// The account at the authority; one is made if there is none.
    async fn account(&mut self) -> Result<Account, AcmeError> {
        let builder = || Account::builder_with_http(Box::new(self.http.clone()));
        let known = self.kept.as_ref().map(|kept| serde_json::from_str(&kept.credentials));
        if let Some(Ok(credentials)) = known {
            return Ok(builder().from_credentials(credentials).await?);
        }
        let contact = self.contact.as_ref().map(|address| format!("mailto:{address}"));
        let contact: Vec<_> = contact.as_deref().into_iter().collect();
        let new = NewAccount {
            contact: &contact,
            terms_of_service_agreed: true,
            only_return_existing: false,
        };
        let (account, credentials): (_, AccountCredentials) =
            builder().create(&new, self.directory.clone(), None).await?;
        let credentials = serde_json::to_string(&credentials).map_err(instant_acme::Error::from)?;
        let (directory, domains) = (self.directory.clone(), self.domains.clone());
        self.kept = Some(Kept { directory, domains, credentials, chain: String::new() });
        self.keep().await;
        Ok(account)
    }

    /// Shows the authority what it wants to see under each domain.
    async fn validate(
        &self,
        order: &mut Order,
        certificates: &Certificates,
    ) -> Result<(), AcmeError> {
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization?;
            match authorization.status {
                AuthorizationStatus::Valid => continue,
                AuthorizationStatus::Pending => (),
                _ => return Err(AcmeError::NotValidated("the authorization is not open")),
            }
            let challenge = authorization.challenge(ChallengeType::TlsAlpn01);
            let mut challenge = challenge.ok_or(AcmeError::NoChallenge)?;
            let domain = challenge.identifier().to_string();
            if !self.domains.contains(&domain) {
                return Err(AcmeError::Another);
            }
            let digest: [u8; 32] = {
                let digest = challenge.key_authorization().digest();
                digest.as_ref().try_into().map_err(|_| AcmeError::NoChallenge)?
            };
            let shown = certificate::for_validation(&domain, &digest)?;
            certificates.validate(domain, shown);
            challenge.set_ready().await?;
        }
        Ok(())
    }

    /// Keeps what the next start needs. Without it the authority is only asked once more.
    async fn keep(&self) {
        let Some(kept) = self.kept.clone() else { return };
        let keeping = self.keeping.clone();
        match task::spawn_blocking(move || keeping.write(&kept)).await {
            Ok(Ok(())) => (),
            Ok(Err(error)) => tracing::warn!(%error, "the TLS certificate is not kept"),
            Err(_) => tracing::warn!("the TLS certificate is not kept"),
        }
    }
}

#[cfg(test)]
mod tests;

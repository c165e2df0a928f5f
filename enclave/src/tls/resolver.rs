// SPDX-License-Identifier: Apache-2.0
//! Which certificate a client is shown.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use super::{options::MAX_DOMAINS, ACME_TLS};

/// The certificates that there are now. Each handshake takes the newest ones, so that a renewal needs
/// no restart.
pub struct Certificates(RwLock<Shown>);

struct Shown {
    /// Of the enclave's own making, or the operator's.
    own: Arc<CertifiedKey>,
    /// An authority's, which is preferred.
    issued: Option<Arc<CertifiedKey>>,
    /// For an authority that validates domains, by domain.
    validations: BTreeMap<String, Arc<CertifiedKey>>,
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificates")
    }
}

impl Certificates {
    /// Shows this one.
    pub fn new(own: CertifiedKey) -> Self {
        let own = Arc::new(own);
        Self(RwLock::new(Shown { own, issued: None, validations: BTreeMap::new() }))
    }

    fn change(&self, change: impl FnOnce(&mut Shown)) {
        // Every change is one assignment: whoever panicked has left nothing half done.
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Shows another one of the enclave's own making, or the operator's.
    pub fn renew(&self, own: CertifiedKey) {
        self.change(|shown| shown.own = Arc::new(own));
    }

    /// Shows one that an authority has issued.
    pub fn issue(&self, issued: CertifiedKey) {
        self.change(|shown| shown.issued = Some(Arc::new(issued)));
    }

    /// Shows an authority this one while it validates a domain.
    pub fn validate(&self, domain: String, shown: CertifiedKey) {
        self.change(|all| {
            if all.validations.len() < MAX_DOMAINS || all.validations.contains_key(&domain) {
                all.validations.insert(domain, Arc::new(shown));
            }
        });
    }

    /// No domain is being validated any more.
    pub fn validated(&self) {
        self.change(|shown| shown.validations.clear());
    }

    /// The one that ordinary clients are shown.
    pub fn shown(&self) -> Arc<CertifiedKey> {
        let shown = self.0.read().unwrap_or_else(PoisonError::into_inner);
        shown.issued.as_ref().unwrap_or(&shown.own).clone()
    }

    fn for_validation(&self, domain: Option<&str>) -> Option<Arc<CertifiedKey>> {
        let shown = self.0.read().unwrap_or_else(PoisonError::into_inner);
        shown.validations.get(&domain?.to_ascii_lowercase()).cloned()
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // Whoever validates offers nothing else (RFC 8737, 4), and is shown nothing else.
        let is_validation = hello.alpn().is_some_and(|mut offered| {
            offered.next() == Some(ACME_TLS) && offered.next().is_none()
        });
        if is_validation {
            return self.for_validation(hello.server_name());
        }
        Some(self.shown())
    }
}

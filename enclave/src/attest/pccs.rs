// SPDX-License-Identifier: Apache-2.0
//! Collateral from a Provisioning Certificate Caching Service (PCCS), as machines' owners run them
//! beside their machines (Intel SGX and TDX Provisioning Certification Service API, version 4).
//!
//! Such a service is trusted with nothing. What it gives is bounded, and verified as the chain will
//! verify it: what the chain would refuse would cost the fee.

use std::{fmt, time::Duration};

use reqwest::{redirect, Client, Response};
use tee_dcap::pccs::{self, AnswerError};
use tee_primitives::attestation::collateral::{
    ChainBytes, CollateralId, CollateralItem, CrlBytes, JsonBytes, JsonSignature,
};
use tee_tls::{ClientError, Trust};

/// Longest time for a request.
const LIMIT: Duration = Duration::from_secs(10);

/// Why there is no document.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PccsError {
    /// It does not answer.
    #[error("it does not answer ({0})")]
    Unreachable(&'static str),
    /// It answers, but not with what was asked for.
    #[error("it answers with status {0}")]
    Status(u16),
    /// The answer is longer than the chain takes.
    #[error("the answer is too long")]
    TooLong,
    /// The answer lacks the signer's certificates.
    #[error("the answer lacks the signer's certificates")]
    NoIssuerChain,
    /// The answer is not what such a service answers.
    #[error("the answer cannot be read")]
    Malformed,
    /// The document is of another authority or another type of machine.
    #[error("the answer is about something else")]
    Another,
    /// The document does not verify.
    #[error("{}", sentence_part(*.0))]
    Refused(tee_dcap::Error),
}

/// A sentence, to be put into another one.
fn sentence_part(error: tee_dcap::Error) -> &'static str {
    error.sentence().trim_end_matches('.')
}

impl From<tee_dcap::Error> for PccsError {
    fn from(error: tee_dcap::Error) -> Self {
        Self::Refused(error)
    }
}

impl From<AnswerError> for PccsError {
    fn from(error: AnswerError) -> Self {
        match error {
            AnswerError::Malformed => Self::Malformed,
            AnswerError::TooLong => Self::TooLong,
        }
    }
}

impl From<reqwest::Error> for PccsError {
    fn from(error: reqwest::Error) -> Self {
        // The error's own text names the URL, which can contain credentials.
        Self::Unreachable(if error.is_timeout() {
            "not in time"
        } else if error.is_connect() {
            "no connection"
        } else {
            "the connection broke off"
        })
    }
}

/// A caching service.
#[derive(Clone)]
pub struct Pccs {
    client: Client,
    base: String,
}

impl fmt::Debug for Pccs {
    /// Without the URL, which can contain credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pccs")
    }
}

impl Pccs {
    /// The one at an address, without a path behind it. Fails if the machine gives no randomness, or,
    /// with an address that begins with https://, if it has no certificate authorities.
    pub fn new(url: &str) -> Result<Self, ClientError> {
        Self::with_limit(url, LIMIT)
    }

    fn with_limit(url: &str, limit: Duration) -> Result<Self, ClientError> {
        let is_encrypted = url.starts_with("https://");
        let trust = if is_encrypted { Trust::Authorities } else { Trust::Nobody };
        let client = tee_tls::builder(&trust)?
            .timeout(limit)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()?;
        let base = format!("{}/sgx/certification/v4", url.trim_end_matches('/'));
        Ok(Self { client, base })
    }

    /// A document that verifies under `root` (DER) at `now`, in seconds since the Unix epoch.
    pub async fn document(
        &self,
        id: CollateralId,
        root: &[u8],
        now: u64,
    ) -> Result<CollateralItem, PccsError> {
        let crl = self.root_crl().await?;
        let root_crl = tee_dcap::verify_root_crl(root, &crl, now)?;
        match id {
            CollateralId::RootCrl => return Ok(CollateralItem::RootCrl { crl }),
            CollateralId::PckCrl(ca) => {
                let path = format!("pckcrl?ca={}&encoding=der", ca.name());
                let response = self.get(&path).await?;
                let issuer_chain = issuer_chain(&response, pccs::PCK_CRL_CHAIN)?;
                let crl = pccs::crl(&body(response, pccs::MAX_CRL_ANSWER).await?)?;
                let (about, _) =
                    tee_dcap::verify_pck_crl(root, &root_crl, &crl, &issuer_chain, now)?;
                if about == ca {
                    return Ok(CollateralItem::PckCrl { crl, issuer_chain });
                }
            }
            CollateralId::TcbInfo(fmspc) => {
                let path = format!("tcb?fmspc={}", hex::encode_upper(fmspc));
                let (json, signature, issuer_chain) =
                    self.signed_json(&path, pccs::TCB_INFO_CHAIN).await?;
                let info = tee_dcap::verify_tcb_info(
                    root,
                    &root_crl,
                    &json,
                    &signature,
                    &issuer_chain,
                    now,
                )?;
                if info.fmspc == fmspc {
                    return Ok(CollateralItem::TcbInfo { json, signature, issuer_chain });
                }
            }
            CollateralId::QeIdentity => {
                let (json, signature, issuer_chain) =
                    self.signed_json("qe/identity", pccs::QE_IDENTITY_CHAIN).await?;
                tee_dcap::verify_qe_identity(
                    root,
                    &root_crl,
                    &json,
                    &signature,
                    &issuer_chain,
                    now,
                )?;
                return Ok(CollateralItem::QeIdentity { json, signature, issuer_chain });
            }
        }
        Err(PccsError::Another)
    }

    async fn root_crl(&self) -> Result<CrlBytes, PccsError> {
        let response = self.get("rootcacrl").await?;
        Ok(pccs::crl(&body(response, pccs::MAX_CRL_ANSWER).await?)?)
    }

    async fn signed_json(
        &self,
        path: &str,
        headers: &[&str],
    ) -> Result<(JsonBytes, JsonSignature, ChainBytes), PccsError> {
        let response = self.get(path).await?;
        let issuer_chain = issuer_chain(&response, headers)?;
        let body = body(response, pccs::MAX_JSON_ANSWER).await?;
        let (json, signature) = pccs::signed_json(&body)?;
        Ok((json, signature, issuer_chain))
    }

    async fn get(&self, path: &str) -> Result<Response, PccsError> {
        let response = self.client.get(format!("{}/{path}", self.base)).send().await?;
        match response.status().as_u16() {
            200 => Ok(response),
            status => Err(PccsError::Status(status)),
        }
    }
}

async fn body(mut response: Response, limit: usize) -> Result<Vec<u8>, PccsError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len().saturating_add(chunk.len()) > limit {
            return Err(PccsError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The signer's certificates.
fn issuer_chain(response: &Response, names: &[&str]) -> Result<ChainBytes, PccsError> {
    let header = names.iter().find_map(|name| response.headers().get(*name));
    Ok(pccs::issuer_chain(header.ok_or(PccsError::NoIssuerChain)?.as_bytes())?)
}

#[cfg(test)]
mod tests;

// SPDX-License-Identifier: Apache-2.0
//! Collateral from a Provisioning Certificate Caching Service (PCCS), as machines' owners run them
//! beside their machines (Intel SGX and TDX Provisioning Certification Service API, version 4).
//!
//! Such a service is trusted with nothing. What it gives is bounded, and verified as the chain will
//! verify it: what the chain would refuse would cost the fee.

use std::{fmt, time::Duration};

use reqwest::{redirect, Client, Response};
use serde::Deserialize;
use serde_json::value::RawValue;
use tee_primitives::attestation::collateral::{
    ChainBytes, CollateralId, CollateralItem, CrlBytes, JsonBytes, JsonSignature, MAX_CHAIN_LEN,
    MAX_CRL_LEN, MAX_JSON_LEN,
};

/// Longest time for a request.
const LIMIT: Duration = Duration::from_secs(10);

/// Bytes of an answer around its document: names and signature.
const MAX_ENVELOPE_LEN: usize = 1024;

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
    /// The one at an address, without a path behind it. Fails if the machine gives no randomness.
    pub fn new(url: &str) -> Result<Self, reqwest::Error> {
        Self::with_limit(url, LIMIT)
    }

    fn with_limit(url: &str, limit: Duration) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
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
                let issuer_chain = issuer_chain(&response, &["SGX-PCK-CRL-Issuer-Chain"])?;
                let crl = crl_of(&body(response, max_crl_answer()).await?)?;
                let (about, _) =
                    tee_dcap::verify_pck_crl(root, &root_crl, &crl, &issuer_chain, now)?;
                if about == ca {
                    return Ok(CollateralItem::PckCrl { crl, issuer_chain });
                }
            }
            CollateralId::TcbInfo(fmspc) => {
                let path = format!("tcb?fmspc={}", hex::encode_upper(fmspc));
                let headers = ["TCB-Info-Issuer-Chain", "SGX-TCB-Info-Issuer-Chain"];
                let (json, signature, issuer_chain) = self.signed_json(&path, &headers).await?;
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
                let headers = ["SGX-Enclave-Identity-Issuer-Chain"];
                let (json, signature, issuer_chain) =
                    self.signed_json("qe/identity", &headers).await?;
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
        crl_of(&body(response, max_crl_answer()).await?)
    }

    async fn signed_json(
        &self,
        path: &str,
        headers: &[&str],
    ) -> Result<(JsonBytes, JsonSignature, ChainBytes), PccsError> {
        let response = self.get(path).await?;
        let issuer_chain = issuer_chain(&response, headers)?;
        let limit = usize_from(MAX_JSON_LEN).saturating_add(MAX_ENVELOPE_LEN);
        let (json, signature) = signed_json(&body(response, limit).await?)?;
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

/// A list in hexadecimal digits is twice as long.
fn max_crl_answer() -> usize {
    usize_from(MAX_CRL_LEN).saturating_mul(2)
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

/// A list of revoked certificates, DER or the hexadecimal digits of it.
fn crl_of(body: &[u8]) -> Result<CrlBytes, PccsError> {
    // DER begins with the tag of a sequence, which is the digit "0", but goes on with others.
    let digits = body.trim_ascii();
    let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
    let der =
        if is_hex { hex::decode(digits).map_err(|_| PccsError::Malformed)? } else { body.to_vec() };
    CrlBytes::try_from(der).map_err(|_| PccsError::TooLong)
}

/// The signer's certificates, PEM in percent-encoding.
fn issuer_chain(response: &Response, names: &[&str]) -> Result<ChainBytes, PccsError> {
    let header = names.iter().find_map(|name| response.headers().get(*name));
    let header = header.ok_or(PccsError::NoIssuerChain)?;
    let limit = usize_from(MAX_CHAIN_LEN);
    let pem: Vec<u8> =
        percent_encoding::percent_decode(header.as_bytes()).take(limit.saturating_add(1)).collect();
    ChainBytes::try_from(pem).map_err(|_| PccsError::TooLong)
}

/// `{"tcbInfo": …, "signature": "…"}`, or the same with `enclaveIdentity`. The signature is over the
/// document's very bytes.
#[derive(Deserialize)]
struct Signed<'a> {
    #[serde(borrow, alias = "tcbInfo", alias = "enclaveIdentity")]
    document: &'a RawValue,
    signature: String,
}

fn signed_json(body: &[u8]) -> Result<(JsonBytes, JsonSignature), PccsError> {
    let signed: Signed<'_> = serde_json::from_slice(body).map_err(|_| PccsError::Malformed)?;
    let mut signature = [0; 64];
    hex::decode_to_slice(&signed.signature, &mut signature).map_err(|_| PccsError::Malformed)?;
    let json = JsonBytes::try_from(signed.document.get().as_bytes().to_vec())
        .map_err(|_| PccsError::TooLong)?;
    Ok((json, signature))
}

fn usize_from(length: u32) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;

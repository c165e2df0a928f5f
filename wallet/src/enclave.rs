// SPDX-License-Identifier: Apache-2.0
//! Client of one enclave's HTTP API (TIP-500 "Enclave API").

use std::{error::Error, sync::Arc, time::Duration};

use base64::{engine::general_purpose::STANDARD, Engine};
use codec::DecodeAll;
use reqwest::{redirect, ClientBuilder, Method, RequestBuilder, StatusCode};
use serde::{de::DeserializeOwned, Deserialize};
use tee_primitives::{
    abi::calls,
    archive::{BackupAnswer, OperatorPacket, RestoreAnswer},
    attestation::AttestationPayload,
    keyshare::KeyshareKind,
    nft::NftId,
    packet::{
        answer::SignedResponse, KeyshareResponse, RetrieveKeysharePacket, StoreKeysharePacket,
    },
    Hash, RawAccountId,
};
use tee_tls::{ClientError, Clients, Trust, NO_KEY};
use zeroize::Zeroizing;

use crate::{bound, cluster::Member, history::ViewsLog};

mod health;
#[cfg(test)]
mod tls;

pub use health::{AttestationHealth, Health, StoreHealth, SyncHealth, MAX_LAG};

/// How long a connection may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long one request may take. An enclave may hold a store request back for 20 seconds, until
/// finality shows the NFT.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest answer that is read, in bytes.
pub const MAX_ANSWER_LEN: usize = 64 * 1024;

/// Status of a successful store request.
pub const STORE_SUCCESS: &str = "STORESUCCESS";

/// Status of a successful retrieve request.
pub const RETRIEVE_SUCCESS: &str = "RETRIEVESUCCESS";

/// Status of a successful request for a backup.
pub const BACKUP_SUCCESS: &str = "BACKUPSUCCESS";

/// Status of a successful request to restore one.
pub const RESTORE_SUCCESS: &str = "RESTORESUCCESS";

const MAX_DESCRIPTION_CHARS: usize = 300;

/// Why an enclave gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum EnclaveError {
    /// No answer came.
    #[error("the enclave cannot be reached: {reason}")]
    Unreachable {
        /// What failed, without the address.
        reason: String,
        /// Whether the address itself is what is wrong.
        bad_address: bool,
    },
    /// There is no client for its address, or for its key.
    #[error("the enclave cannot be asked: {0}")]
    NoClient(#[from] ClientError),
    /// The enclave refused.
    #[error("the enclave refused with {status} (HTTP {http}): {description}")]
    Refused {
        /// HTTP status code.
        http: u16,
        /// The enclave's status name.
        status: String,
        /// The enclave's explanation.
        description: String,
    },
    /// The answer was longer than [`MAX_ANSWER_LEN`].
    #[error("the enclave's answer is longer than {MAX_ANSWER_LEN} bytes")]
    TooLong,
    /// The answer is not what the API describes.
    #[error("the enclave's answer (HTTP {http}) cannot be read: {reason}")]
    Malformed {
        /// HTTP status code.
        http: u16,
        /// What is wrong with it.
        reason: String,
    },
    /// Another enclave than the one the chain names answers at the address.
    #[error("another enclave answers at its address: {0}")]
    OtherEnclave(String),
    /// The enclave answers but does not serve its slot.
    #[error("the enclave is not in service: {0}")]
    NotInService(String),
    /// The share is not the one that was asked for.
    #[error("the enclave answered with an unusable share: {0}")]
    BadShare(String),
    /// The chain does not count the enclave's attestation, so there is no key to seal to.
    #[error("the chain does not count the enclave's attestation: nothing is sealed to it")]
    NotAttested,
    /// Nothing could be sealed for the enclave.
    #[error("the request cannot be made: {0}")]
    Unsealable(&'static str),
    /// The answer to a bound request is not signed by the enclave, or not for this request: somebody on
    /// the way may have made it.
    #[error("the answer (HTTP {http}, {status}) is not signed by the enclave for this request")]
    Unsigned {
        /// HTTP status code.
        http: u16,
        /// The status name that it carries.
        status: String,
    },
    /// What the enclave has signed is not what was asked for.
    #[error("the enclave answered for something else: {0}")]
    Unproven(String),
}

impl EnclaveError {
    /// Whether the same request may succeed a little later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { bad_address, .. } => !bad_address,
            Self::Refused { http, .. }
            | Self::Malformed { http, .. }
            | Self::Unsigned { http, .. } => {
                matches!(http, 408 | 429 | 502 | 503 | 504)
            }
            // The chain may count it again.
            Self::NotInService(_) | Self::NotAttested => true,
            Self::NoClient(_)
            | Self::TooLong
            | Self::OtherEnclave(_)
            | Self::BadShare(_)
            | Self::Unsealable(_)
            | Self::Unproven(_) => false,
        }
    }

    fn transport(error: &reqwest::Error) -> Self {
        // reqwest's own text says only "error sending request"; the reason is in the sources.
        let mut reason = String::from(if error.is_timeout() { "timed out" } else { "failed" });
        let mut source = error.source();
        while let Some(cause) = source {
            reason = cause.to_string();
            source = cause.source();
        }
        Self::Unreachable { reason, bad_address: error.is_builder() }
    }
}

/// What an enclave shows of itself: a quote, and what the quote proves that the enclave said.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Quote {
    /// What the enclave says.
    pub payload: AttestationPayload,
    /// The quote. Nobody has verified it.
    pub quote: Vec<u8>,
}

impl Quote {
    /// Takes `data` of `/api/quote` apart: hexadecimal digits of the quote and of the payload.
    fn read(data: &str) -> Option<Self> {
        /// Where a quote of version 3 says how long the rest of it is ("Intel SGX ECDSA
        /// QuoteLibReference DCAP API", appendix A).
        const LENGTH_AT: usize = 432;
        const LENGTH_BYTES: usize = 4;
        let mut quote = hex::decode(data).ok()?;
        let length = quote.get(LENGTH_AT..)?.first_chunk::<LENGTH_BYTES>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let end = length.checked_add(LENGTH_AT + LENGTH_BYTES)?;
        if end > quote.len() {
            return None;
        }
        let payload = quote.split_off(end);
        let payload = AttestationPayload::decode_all(&mut payload.as_slice()).ok()?;
        Some(Self { payload, quote })
    }

    /// The encoded call that brings it to the chain.
    pub fn call(&self) -> Vec<u8> {
        calls::attest(&self.payload, &self.quote)
    }
}

/// Answer of `/api/quote`.
#[derive(Deserialize)]
struct QuoteAnswer {
    data: String,
}

/// An answer that reports an error.
#[derive(Deserialize)]
struct Refusal {
    status: String,
    #[serde(default)]
    description: String,
}

/// Client of any enclave; connections are kept open and shared between clones.
///
/// Over https:// it accepts the key that the chain has attested, see [`of`](Self::of), and where there
/// is none, what the machine's certificate authorities vouch for.
#[derive(Clone, Debug)]
pub struct EnclaveClient {
    clients: Arc<Clients>,
    tls_key: Hash,
}

impl EnclaveClient {
    /// A client with the time-outs [`CONNECT_TIMEOUT`] and [`REQUEST_TIMEOUT`], which follows no
    /// redirects: a request goes to whom the chain names, or nowhere.
    pub fn new() -> Result<Self, EnclaveError> {
        Self::trusting(Trust::Authorities)
    }

    /// A client for who runs the enclave: where no key is given, any is accepted. An enclave that has
    /// not attested yet has no other proof of itself than what it answers.
    pub fn of_operator() -> Result<Self, EnclaveError> {
        Self::trusting(Trust::Anyone)
    }

    /// A client that believes one certificate authority, by its certificate (DER), and none of the
    /// machine's.
    pub fn of_authority(certificate: Vec<u8>) -> Result<Self, EnclaveError> {
        Self::trusting(Trust::Roots(vec![certificate.into()]))
    }

    /// A client that believes `otherwise` where the chain has no key.
    fn trusting(otherwise: Trust) -> Result<Self, EnclaveError> {
        let clients = Arc::new(Clients::new(otherwise, bounded)?);
        Ok(Self { clients, tls_key: NO_KEY })
    }

    /// The same client for one enclave of a cluster, by the key that the chain has of it.
    #[must_use]
    pub fn of(&self, member: &Member) -> Self {
        self.with_key(member.tls_spki_hash)
    }

    /// The same client for an enclave with this key, as [`tls_spki_hash`] has it.
    ///
    /// [`tls_spki_hash`]: AttestationPayload::tls_spki_hash
    #[must_use]
    pub fn with_key(&self, tls_key: Hash) -> Self {
        Self { clients: self.clients.clone(), tls_key }
    }

    fn request(
        &self,
        method: Method,
        url: &str,
        path: &str,
    ) -> Result<RequestBuilder, EnclaveError> {
        let client = self.clients.get(url, &self.tls_key)?;
        Ok(client.request(method, route(url, path)))
    }

    fn get(&self, url: &str, path: &str) -> Result<RequestBuilder, EnclaveError> {
        self.request(Method::GET, url, path)
    }

    fn post(&self, url: &str, path: &str) -> Result<RequestBuilder, EnclaveError> {
        self.request(Method::POST, url, path)
    }

    /// `GET /api/health`.
    pub async fn health(&self, url: &str) -> Result<Health, EnclaveError> {
        answer(self.get(url, "health")?).await
    }

    /// `GET /api/quote`.
    pub async fn quote(&self, url: &str) -> Result<Quote, EnclaveError> {
        let answer: QuoteAnswer = answer(self.get(url, "quote")?).await?;
        Quote::read(&answer.data).ok_or_else(|| EnclaveError::Malformed {
            http: StatusCode::OK.as_u16(),
            reason: String::from("its data is no quote with a payload"),
        })
    }

    /// `POST /api/secret-nft/store-keyshare`: the enclave holds the share durably when this
    /// returns success.
    pub async fn store(
        &self,
        url: &str,
        packet: &StoreKeysharePacket,
    ) -> Result<KeyshareResponse, EnclaveError> {
        let request = self.post(url, "secret-nft/store-keyshare")?.json(packet);
        expect_status(answer(request).await?, STORE_SUCCESS)
    }

    /// `POST /api/secret-nft/retrieve-keyshare`.
    pub async fn retrieve(
        &self,
        url: &str,
        packet: &RetrieveKeysharePacket,
    ) -> Result<KeyshareResponse, EnclaveError> {
        let request = self.post(url, "secret-nft/retrieve-keyshare")?.json(packet);
        expect_status(answer(request).await?, RETRIEVE_SUCCESS)
    }

    /// Stores a share by a bound request; the answer, if the enclave with this account has signed it for
    /// this request.
    pub async fn store_bound(
        &self,
        url: &str,
        enclave: &RawAccountId,
        kind: KeyshareKind,
        packet: &StoreKeysharePacket,
    ) -> Result<KeyshareResponse, EnclaveError> {
        let request = self.post(url, keyshare_path(kind, true))?.json(packet);
        signed_answer(request, enclave, &packet.request_hash(), STORE_SUCCESS).await
    }

    /// Retrieves a share by a bound request; the answer, if the enclave with this account has signed it
    /// for this request.
    pub async fn retrieve_bound(
        &self,
        url: &str,
        enclave: &RawAccountId,
        kind: KeyshareKind,
        packet: &RetrieveKeysharePacket,
    ) -> Result<KeyshareResponse, EnclaveError> {
        let request = self.post(url, keyshare_path(kind, false))?.json(packet);
        signed_answer(request, enclave, &packet.request_hash(), RETRIEVE_SUCCESS).await
    }

    /// `GET /api/secret-nft/get-views-log/{nft id}`: a part of the history.
    pub async fn history(
        &self,
        url: &str,
        nft_id: NftId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<ViewsLog, EnclaveError> {
        let mut path = format!("secret-nft/get-views-log/{nft_id}?limit={limit}");
        if let Some(after) = after {
            // What an enclave has given as the next place goes into an address as it is.
            if after.is_empty() || !after.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                let reason = String::from("the place to go on at is none");
                return Err(EnclaveError::Malformed { http: StatusCode::OK.as_u16(), reason });
            }
            path.push_str("&after=");
            path.push_str(after);
        }
        answer(self.get(url, &path)?).await
    }

    /// `POST /api/backup`, as the enclave's operator.
    pub async fn back_up(
        &self,
        url: &str,
        packet: &OperatorPacket,
    ) -> Result<BackupAnswer, EnclaveError> {
        let request = self.post(url, "backup")?.json(packet);
        decoded(expect_status(answer(request).await?, BACKUP_SUCCESS)?)
    }

    /// `POST /api/restore`, as the enclave's operator.
    pub async fn restore(
        &self,
        url: &str,
        packet: &OperatorPacket,
    ) -> Result<RestoreAnswer, EnclaveError> {
        let request = self.post(url, "restore")?.json(packet);
        decoded(expect_status(answer(request).await?, RESTORE_SUCCESS)?)
    }
}

fn bounded(builder: ClientBuilder) -> ClientBuilder {
    builder
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(REQUEST_TIMEOUT)
        .redirect(redirect::Policy::none())
}

fn route(url: &str, path: &str) -> String {
    format!("{}/api/{path}", url.trim_end_matches('/'))
}

fn keyshare_path(kind: KeyshareKind, is_store: bool) -> &'static str {
    match (kind, is_store) {
        (KeyshareKind::Secret, true) => "secret-nft/store-keyshare",
        (KeyshareKind::Secret, false) => "secret-nft/retrieve-keyshare",
        (KeyshareKind::Capsule, true) => "capsule-nft/store-keyshare",
        (KeyshareKind::Capsule, false) => "capsule-nft/retrieve-keyshare",
    }
}

fn expect_status(
    response: KeyshareResponse,
    expected: &str,
) -> Result<KeyshareResponse, EnclaveError> {
    if response.status == expected {
        return Ok(response);
    }
    Err(EnclaveError::Malformed {
        http: StatusCode::OK.as_u16(),
        reason: format!("its status is not {expected}"),
    })
}

/// What an enclave answers to its operator.
fn decoded<T: DecodeAll>(response: KeyshareResponse) -> Result<T, EnclaveError> {
    let data = response.keyshare_data.as_deref().unwrap_or_default();
    let decoded = STANDARD.decode(data).ok();
    decoded.and_then(|bytes| T::decode_all(&mut bytes.as_slice()).ok()).ok_or_else(|| {
        EnclaveError::Malformed {
            http: StatusCode::OK.as_u16(),
            reason: String::from("its data is not what was asked for"),
        }
    })
}

/// The answer to a bound request. What the enclave has not signed says nothing of it, neither good nor
/// bad.
async fn signed_answer(
    request: RequestBuilder,
    enclave: &RawAccountId,
    request_hash: &Hash,
    expected: &str,
) -> Result<KeyshareResponse, EnclaveError> {
    let (code, body) = read(request).await?;
    let http = code.as_u16();
    let answer: SignedResponse = serde_json::from_slice(&body)
        .map_err(|error| EnclaveError::Malformed { http, reason: error.to_string() })?;
    if !bound::is_signed(enclave, request_hash, http, &answer) {
        return Err(EnclaveError::Unsigned { http, status: printable(&answer.response.status) });
    }
    if code.is_success() {
        return expect_status(answer.response, expected);
    }
    Err(EnclaveError::Refused {
        http,
        status: printable(&answer.response.status),
        description: printable(&answer.response.description),
    })
}

/// Sends a request and reads the answer, which is bounded.
async fn read(request: RequestBuilder) -> Result<(StatusCode, Zeroizing<Vec<u8>>), EnclaveError> {
    let unreachable = |error: reqwest::Error| EnclaveError::transport(&error);
    let mut response = request.send().await.map_err(unreachable)?;
    let http = response.status();
    let mut body = Zeroizing::new(Vec::new());
    while let Some(part) = response.chunk().await.map_err(unreachable)? {
        if body.len() + part.len() > MAX_ANSWER_LEN {
            return Err(EnclaveError::TooLong);
        }
        body.extend_from_slice(&part);
    }
    Ok((http, body))
}

async fn answer<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, EnclaveError> {
    let (http, body) = read(request).await?;
    // serde_json's errors name a place, never the content.
    let malformed = |error: serde_json::Error| EnclaveError::Malformed {
        http: http.as_u16(),
        reason: error.to_string(),
    };
    if http.is_success() {
        return serde_json::from_slice(&body).map_err(malformed);
    }
    let refusal: Refusal = serde_json::from_slice(&body).map_err(malformed)?;
    Err(EnclaveError::Refused {
        http: http.as_u16(),
        status: printable(&refusal.status),
        description: printable(&refusal.description),
    })
}

/// What an enclave says is shown on terminals: bounded, and without control characters.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_DESCRIPTION_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use codec::Encode;
    use tee_primitives::attestation::{LogHead, Purpose, PAYLOAD_VERSION};

    use super::*;

    #[test]
    fn only_failures_that_may_pass_are_repeated() {
        let refused = |http| EnclaveError::Refused {
            http,
            status: String::new(),
            description: String::new(),
        };
        for http in [408, 429, 502, 503, 504] {
            assert!(refused(http).is_transient());
        }
        for http in [400, 401, 403, 404, 409, 422, 500] {
            assert!(!refused(http).is_transient());
        }
        let unreachable =
            |bad_address| EnclaveError::Unreachable { reason: String::new(), bad_address };
        assert!(unreachable(false).is_transient());
        assert!(!unreachable(true).is_transient());
        assert!(!EnclaveError::TooLong.is_transient());
    }

    #[test]
    fn what_an_enclave_says_cannot_reach_the_terminal_as_control_characters() {
        assert_eq!(printable("a\u{1b}[2Jb\n"), "a[2Jb");
        assert_eq!(printable(&"x".repeat(5000)).len(), MAX_DESCRIPTION_CHARS);
    }

    #[test]
    fn a_quote_and_its_payload_are_taken_apart() {
        let payload = AttestationPayload {
            version: PAYLOAD_VERSION,
            purpose: Purpose::Chain,
            genesis_hash: [1; 32],
            mrenclave: [2; 32],
            block_number: 3,
            block_hash: [4; 32],
            account: [5; 32],
            operator: [6; 32],
            encryption_key: [7; 32],
            tls_spki_hash: [0; 32],
            session: [8; 32],
            log_head: LogHead::default(),
        };
        let quote = [vec![9; 432], 10u32.to_le_bytes().to_vec(), vec![11; 10]].concat();
        let data = [quote.clone(), payload.encode()].concat();
        let read = Quote::read(&hex::encode(&data)).unwrap();
        assert_eq!((&read.payload, &read.quote), (&payload, &quote));
        assert_eq!(read.call().get(2..), Some((payload, quote).encode().as_slice()));
        for length in [0, 100, 435, 445, 446, data.len() - 1] {
            assert_eq!(Quote::read(&hex::encode(&data[..length])), None, "{length}");
        }
        let endless = [vec![9; 432], u32::MAX.to_le_bytes().to_vec(), vec![0; 500]].concat();
        assert_eq!(Quote::read(&hex::encode(endless)), None);
        assert_eq!(Quote::read("no digits"), None);
    }

    #[test]
    fn a_route_has_one_slash_between_its_parts() {
        for url in ["http://enclave:1", "http://enclave:1/"] {
            assert_eq!(route(url, "health"), "http://enclave:1/api/health");
        }
    }
}

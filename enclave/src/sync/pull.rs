// SPDX-License-Identifier: Apache-2.0
//! The side that asks: opens a channel to a peer and asks for shares.

use std::{sync::Arc, time::Duration};

use base64::{engine::general_purpose::STANDARD, Engine};
use reqwest::{redirect, Client};
use serde::{Deserialize, Serialize};
use tee_primitives::{
    attestation::{PeerRole, Purpose},
    packet::{AuthToken, KeyshareResponse},
};
use tokio::time::{self, Instant};

use super::{
    channel::{self, Channel, ChannelError, Ends, Keys},
    evidence::{self, EvidenceError, Expected},
    message::{self, Answer, Ask, Evidence, Item, SharedRecord, MAX_ASKED},
    peers::Peer,
};
use crate::{
    account::{self, Account},
    archive::ArchiveKey,
    chain::Chain,
    identity::Identity,
    quotes::{QuoteError, Quotes},
    store::{Place, VersionKey},
    view::View,
};

/// Where peers are asked.
pub const ROUTE: &str = "/api/slot-sync";

/// Instead of a channel's name, in the message that begins one.
pub const NO_CHANNEL: &str = "0";

/// Longest wait for one answer.
const LIMIT: Duration = Duration::from_secs(10);

/// How long one peer may take in one turn, before no more is asked of it.
const TURN: Duration = Duration::from_secs(20);

/// For how many blocks a request is valid.
const VALIDITY: u32 = 15;

/// Longest answer, in bytes: a message of the channel in base64, in JSON.
const MAX_ANSWER: usize = 96 * 1024;

/// The request (TIP-500 "Request to synchronize with a slot").
#[derive(Debug, Deserialize, Serialize)]
pub struct SlotSyncPacket {
    /// SS58 address of the enclave that asks.
    pub requester_address: String,
    /// `<channel>_<message in base64>_<block>_<validity>`.
    pub data: String,
    /// Its account's signature over `data`: `0x` and 128 hexadecimal digits.
    pub signature: String,
}

/// Why a peer gave nothing.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PullError {
    /// It cannot be reached.
    #[error("it cannot be reached: {0}")]
    Unreachable(&'static str),
    /// It answered with a refusal.
    #[error("it refuses: {0}")]
    Refused(String),
    /// It takes too long for what it gives.
    #[error("it takes too long for what it gives")]
    TooSlow,
    /// Its answer is longer than allowed.
    #[error("its answer is longer than allowed")]
    TooLong,
    /// Its answer is not what was asked for.
    #[error("its answer is malformed: {0}")]
    Malformed(&'static str),
    /// Its message does not open.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// Its evidence was not accepted.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// No quote for it.
    #[error("no quote for it: {0}")]
    Quote(#[from] QuoteError),
}

/// Opens channels.
#[derive(Clone)]
pub struct Dialer {
    client: Client,
    chain: Arc<dyn Chain>,
    account: Arc<Account>,
    own: Identity,
    quotes: Quotes,
}

/// A proven channel to a peer.
pub struct Session {
    channel: Channel,
    id: String,
    peer: Peer,
}

/// What came of asking a peer.
pub struct Asked {
    /// The shares that it gave; nobody has checked them.
    pub given: Vec<(VersionKey, SharedRecord)>,
    /// Whether it does not know of some syncs yet.
    pub is_too_early: bool,
    /// Its channel; or why it was not asked for everything.
    pub session: Result<Session, PullError>,
}

impl Session {
    /// Whether it is still this peer's, at the same address.
    fn is_with(&self, peer: &Peer) -> bool {
        self.peer.is_same(peer) && self.peer.url == peer.url
    }
}

impl Dialer {
    /// Fails if the machine gives no randomness.
    pub fn new(
        chain: Arc<dyn Chain>,
        account: Arc<Account>,
        own: Identity,
        quotes: Quotes,
    ) -> Result<Self, reqwest::Error> {
        // The client takes the process's. Another may have set it before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .timeout(LIMIT)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { client, chain, account, own, quotes })
    }

    /// Opens a channel to a peer with the slot in `place`; both sides prove what they are.
    async fn open(&self, view: &View, place: Place, peer: &Peer) -> Result<Session, PullError> {
        let ends = Ends {
            genesis_hash: view.chain.genesis_hash,
            slot_id: place.slot_id,
            requester: self.own.account,
            responder: peer.account,
        };
        let own_secret = self.account.encryption_secret();
        let keys = Keys { own: &own_secret, other: &peer.encryption_key };
        let (begun, first) = channel::begin(&ends, &keys)?;
        let (id, second) = self.post(peer, NO_CHANNEL, &first).await?;
        let mut channel = begun.finish(&second)?;

        let handshake_hash = channel.handshake_hash;
        let purpose =
            Purpose::PeerSync { role: PeerRole::Requester, peer: peer.account, handshake_hash };
        let made = self.quotes.try_get_for(view, purpose).await?;
        let evidence = Evidence { payload: made.payload, quote: made.bytes.clone() };
        let sealed = channel.seal(&message::encode(&evidence))?;
        let (_, answer) = self.post(peer, &id, &sealed).await?;
        let answer = channel.open(&answer)?;
        let evidence: Evidence =
            message::decode(&answer).ok_or(PullError::Malformed("no evidence"))?;
        let expected =
            Expected { peer, role: PeerRole::Responder, own: &self.own.account, handshake_hash };
        evidence::check(&*self.chain, view, &expected, &evidence).await?;
        Ok(Session { channel, id, peer: peer.clone() })
    }

    /// What the peer has of these versions, at most [`MAX_ASKED`]: of one or more of the first, in
    /// their order.
    async fn shares(
        &self,
        session: &mut Session,
        versions: &[VersionKey],
    ) -> Result<Vec<Item>, PullError> {
        let asked: Vec<_> = versions.iter().take(MAX_ASKED).copied().collect();
        let most = asked.len();
        match self.say_in(session, &Ask::Shares(asked)).await? {
            Answer::Shares(shares) if (1..=most).contains(&shares.len()) => Ok(shares),
            Answer::Shares(_) => {
                Err(PullError::Malformed("another number of shares than asked for"))
            }
            _ => Err(PullError::Malformed("no shares")),
        }
    }

    async fn say_in(&self, session: &mut Session, ask: &Ask) -> Result<Answer, PullError> {
        let sealed = session.channel.seal(&message::encode(ask))?;
        let (_, answer) = self.post(&session.peer, &session.id, &sealed).await?;
        let opened = session.channel.open(&answer)?;
        message::decode(&opened).ok_or(PullError::Malformed("no answer"))
    }

    /// Asks a peer something; the channel for more. `session` is an open one, if there is one.
    pub async fn say(
        &self,
        view: &View,
        place: Place,
        peer: &Peer,
        session: Option<Session>,
        ask: &Ask,
    ) -> Result<(Session, Answer), PullError> {
        if let Some(mut session) = session.filter(|session| session.is_with(peer)) {
            // The peer lets go of channels that are not used for long.
            if let Ok(answer) = self.say_in(&mut session, ask).await {
                return Ok((session, answer));
            }
        }
        let mut session = self.open(view, place, peer).await?;
        let answer = self.say_in(&mut session, ask).await?;
        Ok((session, answer))
    }

    /// Asks one peer for the key of the archive with this head, by a channel of its own.
    pub async fn archive_key(
        &self,
        view: &View,
        place: Place,
        peer: &Peer,
        header: Vec<u8>,
    ) -> Result<Option<ArchiveKey>, PullError> {
        match self.say(view, place, peer, None, &Ask::ArchiveKey(header)).await? {
            (_, Answer::ArchiveKey(key)) => Ok(key),
            _ => Err(PullError::Malformed("no key")),
        }
    }

    /// Asks one peer, for as much as it gives in time. `session` is an open channel to it, if there is
    /// one.
    pub async fn ask(
        &self,
        view: &View,
        place: Place,
        peer: &Peer,
        session: Option<Session>,
        versions: Vec<VersionKey>,
    ) -> Asked {
        let end = Instant::now() + TURN;
        let mut asked =
            Asked { given: Vec::new(), is_too_early: false, session: Err(PullError::TooSlow) };
        let mut known = session.filter(|session| session.is_with(peer));
        let mut left = versions.as_slice();
        while Instant::now() < end {
            let (mut session, is_old) = match known.take() {
                Some(session) => (session, true),
                None => match time::timeout_at(end, self.open(view, place, peer)).await {
                    Ok(Ok(session)) => (session, false),
                    Ok(Err(error)) => return Asked { session: Err(error), ..asked },
                    Err(_) => return asked,
                },
            };
            let error = loop {
                let Some(next) = left.get(..left.len().min(MAX_ASKED)).filter(|it| !it.is_empty())
                else {
                    return Asked { session: Ok(session), ..asked };
                };
                if Instant::now() >= end {
                    return asked;
                }
                match self.shares(&mut session, next).await {
                    Ok(items) => {
                        for (version, item) in next.iter().zip(items.iter()) {
                            match item {
                                Item::Given(shared) => asked.given.push((*version, shared.clone())),
                                Item::Lacks => (),
                                Item::NotYet => asked.is_too_early = true,
                            }
                        }
                        left = left.get(items.len()..).unwrap_or_default();
                    }
                    Err(error) => break error,
                }
            };
            // The peer lets go of channels that are not used for long.
            if !is_old {
                return Asked { session: Err(error), ..asked };
            }
        }
        asked
    }

    async fn post(
        &self,
        peer: &Peer,
        id: &str,
        sealed: &[u8],
    ) -> Result<(String, Vec<u8>), PullError> {
        // The newest block: a page takes longer than a block.
        let heads = self.chain.heads();
        let newest = heads.borrow().as_ref().map_or(0, |heads| heads.finalized.number);
        let token = AuthToken { block_number: newest, validity: VALIDITY };
        let data = format!("{id}_{}_{token}", STANDARD.encode(sealed));
        let packet = SlotSyncPacket {
            requester_address: account::address(&self.own.account),
            signature: format!("0x{}", hex::encode(self.account.sign(data.as_bytes()))),
            data,
        };
        let body = serde_json::to_vec(&packet).map_err(|_| PullError::Malformed("the request"))?;
        let url = format!("{}{ROUTE}", peer.url.trim_end_matches('/'));
        let request = self.client.post(url).header("content-type", "application/json").body(body);
        let mut response = request.send().await.map_err(unreachable)?;
        let is_success = response.status().is_success();
        let mut content = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if content.len().saturating_add(chunk.len()) > MAX_ANSWER {
                return Err(PullError::TooLong);
            }
            content.extend_from_slice(&chunk);
        }
        let mut answer: KeyshareResponse = serde_json::from_slice(&content)
            .map_err(|_| PullError::Malformed("it is not an enclave's"))?;
        if !is_success {
            return Err(PullError::Refused(printable(&answer.status)));
        }
        let data = answer.keyshare_data.take().unwrap_or_default();
        let (id, message) =
            data.split_once('_').ok_or(PullError::Malformed("it has no message"))?;
        if id.len() > 64 || id.bytes().any(|byte| !byte.is_ascii_hexdigit()) {
            return Err(PullError::Malformed("its channel has no name"));
        }
        let message =
            STANDARD.decode(message).map_err(|_| PullError::Malformed("it is not base64"))?;
        Ok((id.to_owned(), message))
    }
}

/// A peer's text, for the log.
fn printable(text: &str) -> String {
    text.chars().filter(char::is_ascii_graphic).take(64).collect()
}

fn unreachable(error: reqwest::Error) -> PullError {
    PullError::Unreachable(if error.is_timeout() {
        "not in time"
    } else if error.is_connect() {
        "no connection"
    } else if error.is_builder() {
        "its address is none"
    } else {
        "the connection broke off"
    })
}

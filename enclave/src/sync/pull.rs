// SPDX-License-Identifier: Apache-2.0
//! The side that asks: opens a channel to a peer and asks for shares.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use base64::{engine::general_purpose::STANDARD, Engine};
use reqwest::{redirect, ClientBuilder, RequestBuilder};
use serde::{Deserialize, Serialize};
use tee_primitives::{
    attestation::{PeerRole, Purpose},
    cluster::SlotId,
    packet::{AuthToken, KeyshareResponse},
};
use tee_tls::{ClientError, Clients, Trust};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{self, Instant},
};

use super::{
    channel::{self, Channel, ChannelError, Ends, Keys},
    check,
    evidence::{self, EvidenceError, Expected},
    message::{self, Answer, Ask, Evidence, Item, MAX_ASKED, MAX_LEN},
    peers::Peer,
    Synced,
};
use crate::{
    account::{self, Account},
    archive::ArchiveKey,
    chain::Chain,
    identity::Identity,
    quotes::{QuoteError, Quotes},
    seal,
    store::{Fetched, Place, VersionKey},
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

/// Shares in one turn for which nobody is too slow.
const ENOUGH: usize = 32;

/// For how many blocks a request is valid.
const VALIDITY: u32 = 15;

/// Longest answer, in bytes: a message of the channel in base64, in JSON.
const MAX_ANSWER: usize = 384 * 1024;

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
    clients: Arc<Clients>,
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
    /// How many shares an answer has room for, by the last one.
    fit: usize,
}

/// What came of asking a peer.
pub struct Asked {
    /// The versions whose shares it gave, and that are the chain's.
    pub given: BTreeSet<VersionKey>,
    /// Whether it may give more later: it does not know of some syncs yet, or its turn was over.
    pub has_more: bool,
    /// Its channel; or why it was not asked for everything.
    pub session: Result<Session, PullError>,
}

impl Session {
    /// Whether it is still this peer's, at the same address.
    pub fn is_with(&self, peer: &Peer) -> bool {
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
    ) -> Result<Self, ClientError> {
        let clients = Arc::new(Clients::new(Trust::Authorities, bounded)?);
        Ok(Self { clients, chain, account, own, quotes })
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
        Ok(Session { channel, id, peer: peer.clone(), fit: MAX_ASKED })
    }

    async fn say_in(&self, session: &mut Session, ask: &Ask) -> Result<Answer, PullError> {
        let sealed = session.channel.seal(&message::encode(ask))?;
        let (_, answer) = self.post(&session.peer, &session.id, &sealed).await?;
        let opened = session.channel.open(&answer)?;
        message::decode(&opened).ok_or(PullError::Malformed("no answer"))
    }

    /// Asks for the next of the versions that are left, as many as an answer has room for. What is
    /// said comes while something else is done.
    fn send(
        &self,
        session: &mut Session,
        left: &mut VecDeque<VersionKey>,
    ) -> Result<Option<Sent>, PullError> {
        let versions: Vec<_> = left.iter().take(session.fit).copied().collect();
        if versions.is_empty() {
            return Ok(None);
        }
        let ask = message::encode(&Ask::Shares(versions.clone()));
        let request = self.request(&session.peer, &session.id, &session.channel.seal(&ask)?)?;
        let mut answer = JoinSet::new();
        answer.spawn(transfer(request));
        left.drain(..versions.len());
        Ok(Some(Sent { versions, answer }))
    }

    /// Asks over a channel until nothing is left. The peer works on the next answer while the last one
    /// is opened and compared with the chain: the channel's order is kept, as no more than one is on
    /// its way.
    async fn converse(
        &self,
        session: &mut Session,
        left: &mut VecDeque<VersionKey>,
        asked: &mut Asked,
        end: Instant,
        expected: &Chains<'_>,
        sink: &mut Sink,
    ) -> Result<(), Stop> {
        let mut sent = None;
        loop {
            if sent.is_none() {
                if !left.is_empty() && Instant::now() >= end {
                    return Err(Stop::Time);
                }
                sent = self.send(session, left)?;
            }
            let Some(Sent { versions, mut answer }) = sent.take() else { return Ok(()) };
            let answered = match answer.join_next().await {
                Some(Ok(answered)) => answered,
                _ => Err(PullError::Unreachable("the connection broke off")),
            };
            let is_next_sent = match &answered {
                Ok(transferred) if transferred.is_success && Instant::now() < end => {
                    self.send(session, left).map(|next| sent = next)
                }
                _ => Ok(()),
            };
            let mut fetched = Vec::with_capacity(versions.len());
            let looked_at = is_next_sent.and(answered).map_err(Stop::from).and_then(|answer| {
                look_at(session, &versions, &answer, &mut fetched, asked, expected)
            });
            let given: Vec<_> = fetched.iter().map(|it| it.key.version).collect();
            // What nobody takes was not given.
            if !fetched.is_empty() && sink.take(fetched).await {
                asked.given.extend(given);
            }
            match looked_at {
                // What there was no room for.
                Ok(count) => left.extend(versions.into_iter().skip(count)),
                Err(stop) => {
                    left.extend(versions);
                    left.extend(sent.into_iter().flat_map(|sent| sent.versions));
                    return Err(stop);
                }
            }
        }
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

    /// Asks one peer, for as much as it gives in time, and compares that with what the chain has
    /// synced: what is right goes to `good`, as it comes. `session` is an open channel to it, if there
    /// is one.
    pub async fn ask(
        &self,
        (view, place): (&View, Place),
        peer: &Peer,
        session: Option<Session>,
        versions: Vec<VersionKey>,
        synced: &Synced,
        good: mpsc::Sender<Vec<Fetched>>,
    ) -> Asked {
        let end = Instant::now() + TURN;
        let mut asked =
            Asked { given: BTreeSet::new(), has_more: false, session: Err(PullError::TooSlow) };
        let mut sink = Sink { good, waited: Duration::ZERO };
        let mut known = session.filter(|session| session.is_with(peer));
        let mut left = VecDeque::from(versions);
        while Instant::now() < end {
            let (mut session, is_old) = match known.take() {
                Some(session) => (session, true),
                None => match time::timeout_at(end, self.open(view, place, peer)).await {
                    Ok(Ok(session)) => (session, false),
                    Ok(Err(error)) => return Asked { session: Err(error), ..asked },
                    Err(_) => return asked,
                },
            };
            let expected = Chains { view, slot_id: place.slot_id, synced };
            let ended =
                self.converse(&mut session, &mut left, &mut asked, end, &expected, &mut sink).await;
            match ended {
                Ok(()) => return Asked { session: Ok(session), ..asked },
                Err(Stop::Time) if asked.given.len() >= ENOUGH || sink.waited > TURN / 2 => {
                    return Asked { has_more: true, session: Ok(session), ..asked }
                }
                Err(Stop::Time) => return asked,
                // The peer lets go of channels that are not used for long.
                Err(Stop::Channel(_)) if is_old => (),
                Err(Stop::Channel(error) | Stop::Lie(error)) => {
                    return Asked { session: Err(error), ..asked }
                }
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
        read(&transfer(self.request(peer, id, sealed)?).await?)
    }

    fn request(&self, peer: &Peer, id: &str, sealed: &[u8]) -> Result<RequestBuilder, PullError> {
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
        let client = self.clients.get(&url, &peer.tls_spki_hash).map_err(|error| {
            tracing::debug!(%error, "no client for a peer");
            PullError::Unreachable("there is no client for its address")
        })?;
        Ok(client.post(url).header("content-type", "application/json").body(body))
    }
}

/// An ask for shares that is on its way; given up when this is dropped.
struct Sent {
    versions: Vec<VersionKey>,
    answer: JoinSet<Result<Transferred, PullError>>,
}

/// Where good shares go.
struct Sink {
    good: mpsc::Sender<Vec<Fetched>>,
    /// How long there was no room for more, which no peer is to blame for.
    waited: Duration,
}

impl Sink {
    /// Whether they were taken.
    async fn take(&mut self, shares: Vec<Fetched>) -> bool {
        let begun = Instant::now();
        let is_taken = self.good.send(shares).await.is_ok();
        self.waited = self.waited.saturating_add(begun.elapsed());
        is_taken
    }
}

/// What shares are compared with.
struct Chains<'a> {
    view: &'a View,
    slot_id: SlotId,
    synced: &'a Synced,
}

/// Why no more is asked over a channel.
enum Stop {
    /// The turn is over.
    Time,
    /// Something of the channel or of its messages is wrong: another one may do.
    Channel(PullError),
    /// What the peer gives is not the chain's.
    Lie(PullError),
}

impl<E: Into<PullError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Channel(error.into())
    }
}

/// An answer as it came.
struct Transferred {
    is_success: bool,
    content: Vec<u8>,
}

async fn transfer(request: RequestBuilder) -> Result<Transferred, PullError> {
    let mut response = request.send().await.map_err(unreachable)?;
    let is_success = response.status().is_success();
    let expected = response.content_length().and_then(|length| usize::try_from(length).ok());
    let mut content = Vec::with_capacity(expected.unwrap_or_default().min(MAX_ANSWER));
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if content.len().saturating_add(chunk.len()) > MAX_ANSWER {
            return Err(PullError::TooLong);
        }
        content.extend_from_slice(&chunk);
    }
    Ok(Transferred { is_success, content })
}

/// The channel's name and its message.
fn read(answer: &Transferred) -> Result<(String, Vec<u8>), PullError> {
    let mut said: KeyshareResponse = serde_json::from_slice(&answer.content)
        .map_err(|_| PullError::Malformed("it is not an enclave's"))?;
    if !answer.is_success {
        return Err(PullError::Refused(printable(&said.status)));
    }
    let data = said.keyshare_data.take().unwrap_or_default();
    let (id, message) = data.split_once('_').ok_or(PullError::Malformed("it has no message"))?;
    if id.len() > 64 || id.bytes().any(|byte| !byte.is_ascii_hexdigit()) {
        return Err(PullError::Malformed("its channel has no name"));
    }
    let message = STANDARD.decode(message).map_err(|_| PullError::Malformed("it is not base64"))?;
    Ok((id.to_owned(), message))
}

/// Opens an answer about these versions and takes what is the chain's. Of how many of the first
/// versions it was.
fn look_at(
    session: &mut Session,
    versions: &[VersionKey],
    answer: &Transferred,
    good: &mut Vec<Fetched>,
    asked: &mut Asked,
    &Chains { view, slot_id, synced }: &Chains<'_>,
) -> Result<usize, Stop> {
    let (_, sealed) = read(answer)?;
    let mut opened = session.channel.open(&sealed)?;
    let (decoded, length) = (message::decode(&opened), opened.len());
    seal::wipe(&mut opened);
    let items = match decoded.ok_or(PullError::Malformed("no answer"))? {
        Answer::Shares(items) if (1..=versions.len()).contains(&items.len()) => items,
        Answer::Shares(_) => {
            return Err(PullError::Malformed("another number of shares than asked for").into())
        }
        _ => return Err(PullError::Malformed("no shares").into()),
    };
    let count = items.len();
    session.fit = (count * MAX_LEN / length.max(1)).clamp(1, MAX_ASKED);
    let mut is_lie = false;
    for (version, item) in versions.iter().zip(items) {
        match item {
            Item::Given(shared) => {
                let from = session.peer.account;
                match check(view, slot_id, synced, version, shared, from) {
                    Some(fetched) => good.push(fetched),
                    None => is_lie = true,
                }
            }
            Item::Lacks => (),
            Item::NotYet => asked.has_more = true,
        }
    }
    match is_lie {
        true => Err(Stop::Lie(PullError::Malformed("a share is not the chain's"))),
        false => Ok(count),
    }
}

/// What is asked of peers is bounded in time, and goes to whom the chain names or nowhere.
fn bounded(builder: ClientBuilder) -> ClientBuilder {
    builder.timeout(LIMIT).redirect(redirect::Policy::none()).no_proxy()
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

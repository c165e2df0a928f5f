// SPDX-License-Identifier: Apache-2.0
//! `POST /api/slot-sync` (TIP-500 "Request to synchronize with a slot"): one message of a channel
//! with another enclave, see [`sync`](crate::sync).
//!
//! Checks, cheap before costly: form of the fields; the requester's signature; by the finalized
//! chain, whether it may ask; the channel. Nothing is given before both have proven what they are.

use std::sync::Arc;

use axum::{
    extract::{rejection::JsonRejection, State},
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
    Json,
};
use base64::{engine::general_purpose::STANDARD, Engine};
use tee_primitives::{
    attestation::{PeerRole, Purpose},
    packet::{AuthToken, KeyshareResponse},
    RawAccountId,
};
use tokio::time::Instant;

use super::{
    failure::{Failure, Status},
    request, Context,
};
use crate::{
    account,
    chain::facts::Assignment,
    seal,
    step::StepError,
    store::Place,
    sync::{
        channel::{self, Channel, ChannelError, Ends, Keys},
        evidence::{self, EvidenceError, Expected},
        logs,
        message::{self, Answer, Ask, Evidence},
        peers::{self, Peer},
        pull::{SlotSyncPacket, NO_CHANNEL},
        serve::{self, ChannelId, Opened},
    },
    view::View,
};

/// Handles the request. The data is `<channel>_<message in base64>_<block>_<validity>`: what was
/// recorded is worth nothing after some blocks.
pub async fn handle(
    State(context): State<Arc<Context>>,
    body: Result<Json<SlotSyncPacket>, JsonRejection>,
) -> Response {
    let answered = match request::body(body) {
        Ok(packet) => answer(&context, &packet).await,
        Err(failure) => Err(failure),
    };
    match answered {
        Ok((id, message)) => {
            let mut data = hex::encode(id);
            data.reserve_exact(message.len().div_ceil(3).saturating_mul(4).saturating_add(1));
            data.push('_');
            STANDARD.encode_string(message, &mut data);
            let room = data.len().saturating_add(512);
            let mut answer = KeyshareResponse {
                status: "SYNCSUCCESS".into(),
                nft_id: 0,
                enclave_account: context.account.address().into(),
                keyshare_data: Some(data),
                description: "TEE Slot-sync: Success.".into(),
            };
            let mut body = Vec::with_capacity(room);
            let written = serde_json::to_writer(&mut body, &answer);
            // It is encrypted: there is nothing to wipe.
            answer.keyshare_data = None;
            match written {
                Ok(()) => ([(CONTENT_TYPE, "application/json")], body).into_response(),
                Err(_) => {
                    Failure::from(Status::InternalError).answer(&context, Some("SLOTSYNC"), 0)
                }
            }
        }
        Err(failure) => failure.answer(&context, Some("SLOTSYNC"), 0),
    }
}

async fn answer(
    context: &Context,
    packet: &SlotSyncPacket,
) -> Result<(ChannelId, Vec<u8>), Failure> {
    let requester =
        account::parse_address(&packet.requester_address).ok_or(Status::InvalidRequesterAddress)?;
    let mut parts = packet.data.splitn(3, '_');
    let (Some(id), Some(sealed), Some(token)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(Status::InvalidDataFormat.into());
    };
    let token: AuthToken = token.parse()?;
    let id = match id {
        NO_CHANNEL => None,
        id => {
            let mut bytes = ChannelId::default();
            hex::decode_to_slice(id, &mut bytes).map_err(|_| Status::UnknownChannel)?;
            Some(bytes)
        }
    };
    let sealed = STANDARD.decode(sealed).map_err(|_| Status::InvalidDataFormat)?;
    let view = request::view(context)?;
    let assignment = view.service().ok_or(Status::NotInService)?;
    request::token(token, view.finalized.number, Status::ExpiredRequest)?;
    let signature = request::signature(&packet.signature, Status::InvalidSignerSignature)?;
    // With those of all other requests: whoever floods this route has no processor of his own.
    if !context.verifier.verify(&signature, &packet.data, &requester).await {
        return Err(Status::SignerSigVerificationFailed.into());
    }
    let peer = peer(context, &view, assignment, &requester).await?;
    match id {
        None => begin(context, &view, assignment, &peer, &sealed),
        Some(id) => go_on(context, &view, assignment, &peer, id, &sealed).await,
    }
}

/// The requester, if the chain says that it may ask.
async fn peer(
    context: &Context,
    view: &View,
    assignment: Assignment,
    requester: &RawAccountId,
) -> Result<Peer, Failure> {
    let Assignment { cluster_id, slot_id, cluster_type } = assignment;
    let record = view.record.as_ref().ok_or(Status::NotInService)?;
    let (own, operator) = (Place { cluster_id, slot_id }, &record.operator);
    let chain = &*context.chain;
    let found = peers::requester(chain, view, own, cluster_type, operator, requester).await?;
    let found = match found {
        Some(peer) => Some(peer),
        None => peers::successor_elsewhere(chain, view, own, cluster_type, requester).await?,
    };
    Ok(found.ok_or(Status::NotAPeer)?)
}

fn begin(
    context: &Context,
    view: &View,
    assignment: Assignment,
    peer: &Peer,
    first: &[u8],
) -> Result<(ChannelId, Vec<u8>), Failure> {
    let ends = Ends {
        genesis_hash: view.chain.genesis_hash,
        slot_id: assignment.slot_id,
        requester: peer.account,
        responder: context.account.id(),
    };
    let own = context.account.encryption_secret();
    let keys = Keys { own: &own, other: &peer.encryption_key };
    let (channel, second) = channel::answer(&ends, &keys, first)?;
    let (peer, slot_id) = (peer.clone(), assignment.slot_id);
    let opened = Opened { channel, peer, slot_id, is_proven: false };
    let id = context.channels.add(opened, Instant::now()).map_err(|_| Status::Busy)?;
    Ok((id, second))
}

async fn go_on(
    context: &Context,
    view: &View,
    assignment: Assignment,
    peer: &Peer,
    id: ChannelId,
    sealed: &[u8],
) -> Result<(ChannelId, Vec<u8>), Failure> {
    let taken = context.channels.take(id, &peer.account, Instant::now());
    let mut in_use = taken.ok_or(Status::UnknownChannel)?;
    let opened = in_use.opened.as_mut().ok_or(Status::UnknownChannel)?;
    // Another start of it, another machine, another slot: not what has proven itself here.
    if !opened.peer.is_same(peer) || opened.slot_id != assignment.slot_id {
        return Err(Status::UnknownChannel.into());
    }
    let message = opened.channel.open(sealed)?;
    let mut answer = if opened.is_proven {
        let ask = message::decode(&message).ok_or(ChannelError)?;
        message::encode(&give(context, view, assignment, peer, &ask).await?)
    } else {
        let evidence: Evidence = message::decode(&message).ok_or(ChannelError)?;
        let own = prove(context, view, peer, &opened.channel, &evidence).await?;
        opened.is_proven = true;
        message::encode(&own)
    };
    let sealed = opened.channel.seal(&answer)?;
    seal::wipe(&mut answer);
    in_use.give_back(Instant::now());
    Ok((id, sealed))
}

/// What a peer that has proven itself is answered.
async fn give(
    context: &Context,
    view: &View,
    assignment: Assignment,
    peer: &Peer,
    ask: &Ask,
) -> Result<Answer, Failure> {
    let record = view.record.as_ref().ok_or(Status::NotInService)?;
    // Nobody else than the successor works for the own operator.
    let is_successor = peer.operator == record.operator;
    let store = &context.store;
    match ask {
        Ask::Shares(versions) => {
            let chain = &*context.chain;
            let items = serve::items(chain, view, store, assignment, is_successor, versions);
            Ok(Answer::Shares(items.await?))
        }
        Ask::HandOver(_) if !is_successor => Err(Status::NotAPeer.into()),
        Ask::HandOver(after) => Ok(serve::hand_over(view, store, assignment, *after).await?),
        Ask::Logs(ask) => Ok(logs::answer(store, *ask)?),
        Ask::ArchiveKey(header) => {
            let (account, slot_id) = (&context.account, assignment.slot_id);
            let key = serve::archive_key(account, view, slot_id, is_successor, header);
            let requester = account::address(&peer.account);
            tracing::info!(requester, given = key.is_some(), "asked for the key of an archive");
            Ok(Answer::ArchiveKey(key))
        }
    }
}

/// Checks the requester's evidence, and makes the own one.
async fn prove(
    context: &Context,
    view: &View,
    peer: &Peer,
    channel: &Channel,
    evidence: &Evidence,
) -> Result<Evidence, Failure> {
    let handshake_hash = channel.handshake_hash;
    let own = context.account.id();
    let expected = Expected { peer, role: PeerRole::Requester, own: &own, handshake_hash };
    evidence::check(&*context.chain, view, &expected, evidence).await.map_err(|error| {
        tracing::warn!(requester = account::address(&peer.account), %error, "a peer is refused");
        match error {
            EvidenceError::Chain(error) => error.into(),
            EvidenceError::Untrusted(_) => Failure::from(Status::UntrustedPeer),
        }
    })?;
    let purpose =
        Purpose::PeerSync { role: PeerRole::Responder, peer: peer.account, handshake_hash };
    let made = context.quotes.try_get_for(view, purpose).await?;
    Ok(Evidence { payload: made.payload, quote: made.bytes.clone() })
}

impl From<StepError> for Failure {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Chain(error) => error.into(),
            StepError::Store(error) => error.into(),
        }
    }
}

impl From<ChannelError> for Failure {
    fn from(_: ChannelError) -> Self {
        Status::InvalidSyncMessage.into()
    }
}

// SPDX-License-Identifier: Apache-2.0
//! `POST /api/secret-nft/store-keyshare` and `POST /api/capsule-nft/set-keyshare` (TIP-500 "Store
//! secret to enclave"), in the plain form and in the [bound](super::bound) one.
//!
//! Checks, cheap before costly: form of the fields, whether a bound request is for this enclave, tokens,
//! signatures, whether a sealed share opens, then at one finalized block: attestation and assignment,
//! NFT, kind, pending version, owner. The answer `STORESUCCESS` means that the share and the intention
//! to confirm it are durable. A client that lost the answer and repeats its request gets the same one,
//! also if the version has become synced meanwhile.

use std::sync::Arc;

use axum::{
    extract::{rejection::JsonRejection, State},
    response::Response,
    Json,
};
use tee_primitives::{
    authorisation::{self, Refusal},
    cluster::SlotId,
    keyshare::{split_of_signer, KeyshareKind, Split, Version},
    nft::NftId,
    packet::{
        answer::Receipt, bound::is_bound, AuthToken, KeyshareResponse, SignerAddress, StoreData,
        StoreKeysharePacket,
    },
    BlockNumber, RawAccountId,
};
use zeroize::Zeroizing;

use super::{
    bound,
    failure::{of_refusal, Failure, Status},
    kind::words,
    request, Context,
};
use crate::{
    account,
    chain::{
        facts::{self, NftFacts},
        At,
    },
    confirm::commitment_of_slot,
    park::Patience,
    store::{NewShare, RecordKey, StoreError, VersionKey},
    view::View,
};

/// Handles the request for a secret.
pub async fn secret(
    context: State<Arc<Context>>,
    body: Result<Json<StoreKeysharePacket>, JsonRejection>,
) -> Response {
    handle(KeyshareKind::Secret, context, body).await
}

/// Handles the request for a capsule.
pub async fn capsule(
    context: State<Arc<Context>>,
    body: Result<Json<StoreKeysharePacket>, JsonRejection>,
) -> Response {
    handle(KeyshareKind::Capsule, context, body).await
}

async fn handle(
    kind: KeyshareKind,
    State(context): State<Arc<Context>>,
    body: Result<Json<StoreKeysharePacket>, JsonRejection>,
) -> Response {
    let packet = match request::body(body) {
        Ok(packet) => packet,
        Err(failure) => return failure.answer(&context, Some(words(kind).store), 0),
    };
    let request = is_bound(&packet.data).then(|| packet.request_hash());
    let (nft_id, is_astray) = match request {
        Some(_) => bound::named(kind, &packet.data),
        None => (StoreData::parse(&packet.data).map_or(0, |data| data.nft_id), false),
    };
    let stored = store(&context, kind, &packet, request.is_some()).await;
    let outcome = stored.map(|receipt| success(&context, kind, nft_id, receipt.as_ref()));
    let signed_for = request.as_ref().filter(|_| !is_astray);
    bound::answer(&context, signed_for, words(kind).store, nft_id, outcome)
}

fn success(
    context: &Context,
    kind: KeyshareKind,
    nft_id: NftId,
    receipt: Option<&Receipt>,
) -> KeyshareResponse {
    KeyshareResponse {
        status: "STORESUCCESS".into(),
        nft_id,
        enclave_account: context.account.address().into(),
        keyshare_data: receipt.map(bound::receipt),
        description: words(kind).stored.into(),
    }
}

/// What a request says, in either form.
pub(super) struct StoreRequest<'a> {
    pub(super) kind: KeyshareKind,
    pub(super) owner: RawAccountId,
    pub(super) signer: RawAccountId,
    pub(super) nft_id: NftId,
    /// The version that it is for. A plain one is for the one that is pending.
    pub(super) version: Option<Version>,
    pub(super) split: Split,
    /// When the owner's consent to the signer holds.
    pub(super) approved: AuthToken,
    /// When the request holds.
    pub(super) sent: AuthToken,
    pub(super) share: Share<'a>,
}

/// A share, as it comes.
pub(super) enum Share<'a> {
    Plain(&'a str),
    Sealed { sealed: Vec<u8>, info: Vec<u8> },
}

impl<'a> StoreRequest<'a> {
    fn plain(
        kind: KeyshareKind,
        owner: RawAccountId,
        packet: &'a StoreKeysharePacket,
    ) -> Result<Self, Failure> {
        let approved = SignerAddress::parse(&packet.signer_address)
            .map_err(|_| Status::InvalidSignerAddress)?;
        let signer =
            account::parse_address(approved.signer_ss58).ok_or(Status::InvalidSignerAddress)?;
        let data = StoreData::parse(&packet.data)?;
        Ok(Self {
            kind,
            owner,
            signer,
            nft_id: data.nft_id,
            version: None,
            split: split_of_signer(&packet.signer_address),
            approved: approved.token,
            sent: data.token,
            share: Share::Plain(data.share),
        })
    }

    fn key(&self, version: Version) -> RecordKey {
        let Self { nft_id, kind, split, .. } = *self;
        RecordKey { version: VersionKey { nft_id, kind, version }, split }
    }

    fn is_for(&self, version: Version) -> bool {
        self.version.is_none_or(|named| named == version)
    }

    fn is_bound(&self) -> bool {
        matches!(self.share, Share::Sealed { .. })
    }

    fn open(&self, context: &Context) -> Result<Zeroizing<Vec<u8>>, Failure> {
        match &self.share {
            Share::Plain(share) => Ok(Zeroizing::new(share.as_bytes().to_vec())),
            Share::Sealed { sealed, info } => bound::open(context, sealed, info),
        }
    }

    /// The version that the chain has synced, if this very share of this very split is the one that it
    /// has of this slot, and its owner asks. Of another split, whose time is over, the share may be here
    /// for a moment longer.
    fn held(
        &self,
        context: &Context,
        facts: &NftFacts,
        share: &[u8],
    ) -> Result<Option<Version>, StoreError> {
        let (Some(nft), Some(synced)) = (&facts.nft, &facts.keyshares.synced) else {
            return Ok(None);
        };
        if nft.owner != self.owner || !self.is_for(synced.version) {
            return Ok(None);
        }
        let key = self.key(synced.version);
        let Some(held) = context.store.record(&key)? else { return Ok(None) };
        let commitment = held.commitment(context.store.genesis_hash(), &key);
        let is_held = held.share == share
            && held.is_bound == self.is_bound()
            && commitment_of_slot(&synced.commitments, held.slot_id) == Some(&commitment);
        Ok(is_held.then_some(synced.version))
    }
}

/// What is to be done with a share.
enum Decision {
    /// It may be stored for the pending version.
    Store { version: Version, slot_id: SlotId, decided_at: BlockNumber, time: u64 },
    /// It is the one that is held of the synced version.
    Held { version: Version, decided_at: BlockNumber },
}

/// What the chain's state permits.
enum Permission {
    Store(Version),
    Held(Version),
}

async fn store(
    context: &Context,
    kind: KeyshareKind,
    packet: &StoreKeysharePacket,
    is_bound: bool,
) -> Result<Option<Receipt>, Failure> {
    let owner = account::parse_address(&packet.owner_address).ok_or(Status::InvalidOwnerAddress)?;
    let request = &if is_bound {
        bound::store_request(context, kind, owner, packet)?
    } else {
        StoreRequest::plain(kind, owner, packet)?
    };
    let arrival = request::arrival(context)?;

    let tokens = |finalized| {
        request::token(request.approved, finalized, Status::ExpiredSigner)?;
        request::token(request.sent, finalized, Status::ExpiredRequest)
    };
    request::unless_final(tokens(arrival.view.finalized.number))?;
    verify(context, packet, request).await?;
    let share = request.open(context)?;

    let content = share.as_slice();
    let permitted = |at| async move {
        let facts = facts::nft(&*context.chain, at, request.nft_id, kind).await?;
        match authorisation::store(kind, facts.nft.as_ref(), &facts.keyshares, &owner) {
            Ok(version) if request.is_for(version) => Ok(Permission::Store(version)),
            // Another version waits, so the one that was meant does not: not yet, or no more.
            Ok(_) => Err(Failure::for_now(Status::NotSyncing)),
            Err(refusal) => {
                let held = match refusal {
                    Refusal::NotSyncing => request.held(context, &facts, content)?,
                    _ => None,
                };
                let refused = of_refusal(kind, refusal, Status::OwnershipVerificationFailed);
                held.map(Permission::Held).ok_or(refused)
            }
        }
    };
    let decide = |view: View| async move {
        tokens(view.finalized.number)?;
        let serves = context.service(&view).filter(|it| it.cluster_type.takes_keyshares());
        let assignment = serves.ok_or(Status::NotInService)?;
        let decided_at = view.finalized.number;
        Ok::<_, Failure>(match permitted(At::Finalized(view.finalized.hash)).await? {
            Permission::Held(version) => Decision::Held { version, decided_at },
            Permission::Store(version) => {
                let slot_id = assignment.slot_id;
                Decision::Store { version, slot_id, decided_at, time: view.now }
            }
        })
    };
    let shown = || async { permitted(At::Best).await.is_ok() };
    let decision =
        context.park.decide(owner, Patience::NewerBlocks, arrival, decide, shown).await?;
    let (version, decided_at) = match decision {
        Decision::Held { version, decided_at } => (version, decided_at),
        Decision::Store { version, slot_id, decided_at, time } => {
            let new = NewShare {
                key: request.key(version),
                share,
                owner,
                slot_id,
                token_block: request.approved.block_number,
                stored_at: decided_at,
                time,
                is_bound,
            };
            context.store.store(new).await??;
            (version, decided_at)
        }
    };
    if !is_bound {
        return Ok(None);
    }
    // It is gone if the chain has decided for another split meanwhile.
    let key = request.key(version);
    let record = context.store.record(&key)?.ok_or(Status::NftIdExists)?;
    Ok(Some(Receipt {
        version,
        split: request.split,
        slot_id: record.slot_id,
        commitment: record.commitment(context.store.genesis_hash(), &key),
        decided_at,
    }))
}

async fn verify(
    context: &Context,
    packet: &StoreKeysharePacket,
    request: &StoreRequest<'_>,
) -> Result<(), Failure> {
    let approval = request::signature(&packet.signersig, Status::InvalidSignerSignature)?;
    let signature = request::signature(&packet.signature, Status::InvalidDataSignature)?;
    let (approved, sent) = tokio::join!(
        context.verifier.verify(&approval, &packet.signer_address, &request.owner),
        context.verifier.verify(&signature, &packet.data, &request.signer),
    );
    if !approved {
        return Err(Status::SignerSigVerificationFailed.into());
    }
    if !sent {
        return Err(Status::DataSigVerificationFailed.into());
    }
    Ok(())
}

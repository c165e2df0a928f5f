// SPDX-License-Identifier: Apache-2.0
//! What is special about bound requests (`docs/protocols/requests.md`): they are for this enclave and
//! nobody else, what they carry is sealed, and their answers are signed.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
    Json,
};
use base64::{engine::general_purpose::STANDARD, Engine};
use codec::Encode;
use tee_primitives::{
    keyshare::KeyshareKind,
    nft::NftId,
    packet::{
        answer::{given_info, signed_hash, GivenShare, Receipt, SignedResponse},
        bound::{Approval, BoundRetrieve, BoundStore, SEALED_OVERHEAD},
        check_share_len, sealed, KeyshareResponse, RetrieveKeysharePacket, StoreKeysharePacket,
    },
    Hash, RawAccountId,
};
use zeroize::Zeroizing;

use super::{
    failure::{Failure, Status},
    retrieve::RetrieveRequest,
    store::{Share, StoreRequest},
    Context,
};
use crate::{account, seal, sync::message};

/// Whether a request that names this chain and this enclave is for this one.
fn is_here(context: &Context, genesis_hash: &Hash, enclave: &str) -> bool {
    *genesis_hash == context.store.genesis_hash() && enclave == context.account.address()
}

/// What a store request says. Its signatures are still to be verified.
pub(super) fn store_request<'a>(
    context: &Context,
    kind: KeyshareKind,
    owner: RawAccountId,
    packet: &'a StoreKeysharePacket,
) -> Result<StoreRequest<'a>, Failure> {
    let approval =
        Approval::parse(&packet.signer_address).map_err(|_| Status::InvalidSignerAddress)?;
    let signer = account::parse_address(approval.signer)
        .filter(|signer| account::address(signer) == approval.signer)
        .ok_or(Status::InvalidSignerAddress)?;
    let data = BoundStore::parse(&packet.data)?;
    let sealed = STANDARD.decode(data.sealed).map_err(|_| Status::InvalidKeyshare)?;
    check_share_len(sealed.len().saturating_sub(SEALED_OVERHEAD))?;
    let target = data.target;
    let is_meant = is_here(context, &target.genesis_hash, data.enclave)
        && target.kind == kind
        && target == approval.target;
    if !is_meant {
        return Err(Status::NotMeant.into());
    }
    Ok(StoreRequest {
        kind,
        owner,
        signer,
        nft_id: target.nft_id,
        version: Some(target.version),
        split: target.split,
        approved: approval.token,
        sent: data.token,
        share: Share::Sealed { sealed, info: data.info(&owner, &packet.signer_address) },
    })
}

/// What a retrieve request says. Its signature is still to be verified.
pub(super) fn retrieve_request(
    context: &Context,
    kind: KeyshareKind,
    packet: &RetrieveKeysharePacket,
) -> Result<RetrieveRequest, Failure> {
    let data = BoundRetrieve::parse(&packet.data)?;
    let is_meant = is_here(context, &data.genesis_hash, data.enclave)
        && data.kind == kind
        && data.role == packet.requester_type;
    if !is_meant {
        return Err(Status::NotMeant.into());
    }
    Ok(RetrieveRequest {
        nft_id: data.nft_id,
        token: data.token,
        one_time_key: Some(data.one_time_key),
    })
}

/// Opens a share that was sealed to the enclave's attested key.
pub(super) fn open(
    context: &Context,
    sealed: &[u8],
    info: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let secret = context.account.encryption_secret();
    sealed::open(&secret, info, sealed).ok_or_else(|| Status::KeyshareNotOpened.into())
}

/// `keyshare_data` with a share that only the requester can read.
pub(super) fn give(
    context: &Context,
    request: &Hash,
    one_time_key: &[u8; 32],
    given: &GivenShare,
) -> Result<String, Failure> {
    let info = given_info(&context.account.id(), request);
    let random = seal::random::<32>()?;
    let sealed = sealed::seal(one_time_key, &info, &message::encode(given), &random)
        .map_err(|_| Status::InvalidDataFormat)?;
    Ok(STANDARD.encode(sealed))
}

/// `keyshare_data` with a receipt.
pub(super) fn receipt(receipt: &Receipt) -> String {
    STANDARD.encode(receipt.encode())
}

/// The NFT that a bound request names, 0 if it names none; and whether the request is *astray*, at the
/// route of another kind than its own. Whoever is on the way can send it there, and must not get a
/// refusal for it that the requester would believe.
pub(super) fn named(kind: KeyshareKind, data: &str) -> (NftId, bool) {
    let named = tee_primitives::packet::bound::named(data);
    named.map_or((0, false), |(own, nft_id)| (nft_id, own != kind))
}

/// The answer to what was asked for by `call`: signed if it is to the bound request with this hash.
pub(super) fn answer(
    context: &Context,
    request: Option<&Hash>,
    call: &str,
    nft_id: NftId,
    outcome: Result<KeyshareResponse, Failure>,
) -> Response {
    let (code, response, failure) = match outcome {
        Ok(response) => (StatusCode::OK, response, None),
        Err(failure) => {
            (failure.status().code(), failure.body(context, Some(call), nft_id), Some(failure))
        }
    };
    let signature = request.map(|request| {
        let signature = context.account.sign(&signed_hash(request, code.as_u16(), &response));
        format!("0x{}", hex::encode(signature))
    });
    let body = match signature {
        Some(signature) => {
            Json(SignedResponse { response, signature: Some(signature) }).into_response()
        }
        None => Json(response).into_response(),
    };
    match failure {
        Some(failure) => failure.respond(body),
        None => body,
    }
}

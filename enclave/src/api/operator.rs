// SPDX-License-Identifier: Apache-2.0
//! What requests of the enclave's own operator have in common.
//!
//! Checks, cheap before costly: form of the fields; whether chain and enclave are those that the
//! operator means; the token; by the finalized chain, who the operator is; the signature. What is
//! signed for one enclave or purpose is worth nothing for another, and what is repeated within the
//! token's time does no more than it did.

use axum::{
    extract::rejection::JsonRejection,
    http::StatusCode,
    response::{IntoResponse, Response},
    Json,
};
use base64::{engine::general_purpose::STANDARD, Engine};
use codec::{DecodeAll, Encode};
use tee_primitives::{
    archive::{OperatorData, OperatorPacket, Purpose},
    packet::KeyshareResponse,
    RawAccountId,
};

use super::{
    failure::{Failure, Status},
    request, Context,
};
use crate::{account, seal::SealError, view::View};

/// What the operator asks for.
pub(super) struct Asked<T> {
    /// The chain when it was decided.
    pub(super) view: View,
    /// The operator.
    pub(super) operator: RawAccountId,
    /// What is asked for.
    pub(super) ask: T,
}

/// What the operator asks for, or what is wrong with the request.
pub(super) fn asked<T: DecodeAll>(
    context: &Context,
    body: Result<Json<OperatorPacket>, JsonRejection>,
    purpose: Purpose,
) -> Result<Asked<T>, Failure> {
    let packet = request::body(body)?;
    let signer = account::parse_address(&packet.operator_address);
    let signer = signer.ok_or(Status::InvalidRequesterAddress)?;
    let data = OperatorData::parse(&packet.data)?;
    let message = STANDARD.decode(data.message).map_err(|_| Status::InvalidDataFormat)?;
    let ask = T::decode_all(&mut message.as_slice()).map_err(|_| Status::InvalidDataFormat)?;
    let view = request::view(context)?;
    let is_meant = data.purpose == purpose.name()
        && data.genesis == hex::encode(view.chain.genesis_hash)
        && data.enclave == context.account.address();
    if !is_meant {
        return Err(Status::NotMeant.into());
    }
    request::token(data.token, view.finalized.number, Status::ExpiredRequest)?;
    let record = view.record.as_ref().filter(|_| view.attestation.is_ok());
    let operator = record.ok_or(Status::NotInService)?.operator;
    if signer != operator {
        return Err(Status::NotTheOperator.into());
    }
    let signature = request::signature(&packet.signature, Status::InvalidSignerSignature)?;
    if !account::verify(&signature, &packet.data, &operator) {
        return Err(Status::SignerSigVerificationFailed.into());
    }
    Ok(Asked { view, operator, ask })
}

/// The answer.
pub(super) fn answer(
    context: &Context,
    purpose: Purpose,
    answered: Result<impl Encode, Failure>,
) -> Response {
    match answered {
        Ok(answer) => {
            let body = Json(KeyshareResponse {
                status: format!("{}SUCCESS", purpose.name()),
                nft_id: 0,
                enclave_account: context.account.address().into(),
                keyshare_data: Some(STANDARD.encode(answer.encode())),
                description: format!("TEE {}: Success.", purpose.name()),
            });
            (StatusCode::OK, body).into_response()
        }
        Err(failure) => failure.answer(context, Some(purpose.name()), 0),
    }
}

impl From<SealError> for Failure {
    fn from(error: SealError) -> Self {
        tracing::error!(%error, "what was to be given could not be sealed");
        Status::InternalError.into()
    }
}

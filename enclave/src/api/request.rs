// SPDX-License-Identifier: Apache-2.0
//! What store and retrieve have in common.

use axum::{
    extract::rejection::{BytesRejection, JsonRejection},
    Json,
};
use tee_primitives::{
    packet::{AuthToken, TokenError, MAX_VALIDITY},
    BlockNumber,
};

use super::{
    failure::{Failure, Status},
    Context,
};
use crate::{
    park::{Arrival, MayChange},
    view::{Outlook, View},
};

/// A token that is so many blocks ahead makes the request wait; one further ahead is refused.
const MAX_WAITING_BLOCKS: BlockNumber = 5;

/// The body, or what is wrong with it.
pub(super) fn body<T>(body: Result<Json<T>, JsonRejection>) -> Result<T, Failure> {
    match body {
        Ok(Json(body)) => Ok(body),
        Err(JsonRejection::JsonSyntaxError(_)) => Err(Status::InvalidJson.into()),
        Err(JsonRejection::JsonDataError(_)) => Err(Status::InvalidFields.into()),
        Err(JsonRejection::MissingJsonContentType(_)) => Err(Status::UnsupportedMediaType.into()),
        Err(JsonRejection::BytesRejection(BytesRejection::FailedToBufferBody(_))) => {
            Err(Status::BodyTooLarge.into())
        }
        Err(_) => Err(Status::InvalidJson.into()),
    }
}

/// A signature: `0x` and 128 hexadecimal digits.
pub(super) fn signature(field: &str, malformed: Status) -> Result<[u8; 64], Failure> {
    let mut signature = [0; 64];
    let digits = field.strip_prefix("0x").ok_or(malformed)?;
    hex::decode_to_slice(digits, &mut signature).map_err(|_| malformed)?;
    Ok(signature)
}

/// Whether a token is valid at a finalized block; `expired` if not. One that is little ahead may
/// become valid.
pub(super) fn token(
    token: AuthToken,
    finalized: BlockNumber,
    expired: Status,
) -> Result<(), Failure> {
    match token.check(finalized) {
        Ok(()) => Ok(()),
        Err(TokenError::InFuture)
            if token.validity <= MAX_VALIDITY
                && token.block_number <= finalized.saturating_add(MAX_WAITING_BLOCKS) =>
        {
            Err(Failure::for_now(expired))
        }
        Err(TokenError::InFuture | TokenError::TooLong | TokenError::Expired) => {
            Err(expired.into())
        }
    }
}

/// Lets a refusal pass that a later block may lift.
pub(super) fn unless_final(result: Result<(), Failure>) -> Result<(), Failure> {
    result.or_else(|failure| if failure.may_change() { Ok(()) } else { Err(failure) })
}

/// The chain at its newest finalized block.
pub(super) fn view(context: &Context) -> Result<View, Failure> {
    known(context.outlook.borrow().clone())
}

/// What is known when a request comes.
pub(super) fn arrival(context: &Context) -> Result<Arrival, Failure> {
    let heads = context.chain.heads();
    let mut outlook = context.outlook.clone();
    let newest = outlook.borrow_and_update().clone();
    Ok(Arrival { view: known(newest)?, outlook, heads })
}

fn known(outlook: Outlook) -> Result<View, Failure> {
    match outlook {
        Outlook::Known(view) => Ok(view),
        Outlook::Unknown | Outlook::Stale(_) => Err(Status::ChainUnavailable.into()),
        Outlook::AnotherAbi { .. } | Outlook::AnotherRoot { .. } => {
            Err(Status::NotInService.into())
        }
    }
}

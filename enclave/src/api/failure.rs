// SPDX-License-Identifier: Apache-2.0
//! Everything that can be answered to a request that is not granted.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::{header::RETRY_AFTER, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
    Json,
};
use tee_primitives::{
    authorisation::Refusal,
    keyshare::KeyshareKind,
    nft::NftId,
    packet::{KeyshareResponse, PacketError},
};

use super::Context;
use crate::{
    chain::ChainError,
    park::{Full, MayChange},
    quotes::QuoteError,
    store::{StoreError, StoreRefusal},
};

/// After how many seconds a client may try again what was refused for the moment, if nothing else is
/// known.
const RETRY_AFTER_SECONDS: u64 = 6;

macro_rules! statuses {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $code:ident, $text:literal;)*) => {
        /// Why a request was not granted.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum Status {
            $($(#[$doc])* $variant,)*
        }

        impl Status {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable name that clients see.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The HTTP status.
            pub fn code(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$code,)* }
            }

            /// What clients are told.
            pub fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

statuses! {
    /// The owner's signature is not `0x` and 128 hexadecimal digits; also a requester's.
    InvalidSignerSignature = "INVALIDSIGNERSIGNATURE", BAD_REQUEST,
        "Invalid request signer signature format.";
    /// The signer's signature is not `0x` and 128 hexadecimal digits.
    InvalidDataSignature = "INVALIDDATASIGNATURE", BAD_REQUEST,
        "Invalid request data signature format.";
    /// The signer's address is not `<SS58>_<block>_<validity>`.
    InvalidSignerAddress = "INVALIDSIGNERADDRESS", BAD_REQUEST, "Invalid signer address format.";
    /// The owner's address is not SS58.
    InvalidOwnerAddress = "INVALIDOWNERADDRESS", BAD_REQUEST, "Invalid owner address format.";
    /// The requester's, or the operator's, address is not SS58.
    InvalidRequesterAddress = "INVALIDREQUESTERADDRESS", BAD_REQUEST,
        "Invalid requester address format.";
    /// The owner has not approved the signer; also: the requester has not signed.
    SignerSigVerificationFailed = "SIGNERSIGVERIFICATIONFAILED", BAD_REQUEST,
        "Signer signature verification failed, Signer is not approved by NFT owner.";
    /// The signer has not signed the data.
    DataSigVerificationFailed = "DATASIGVERIFICATIONFAILED", BAD_REQUEST,
        "Data signature verification failed.";
    /// The data has not the right number of parts.
    InvalidDataFormat = "INVALIDDATAFORMAT", BAD_REQUEST, "Failed to parse data field.";
    /// The NFT id is not a number, or there is no such NFT.
    InvalidNftId = "INVALIDNFTID", BAD_REQUEST,
        "The nft-id is not a valid number or nft does not exist.";
    /// The share is empty.
    InvalidKeyshare = "INVALIDKEYSHARE", BAD_REQUEST,
        "The key-share is empty or not a valid string.";
    /// The share is too short.
    KeyshareIsTooShort = "KEYSHAREISTOOSHORT", BAD_REQUEST,
        "Secret-Share is too short, it is not secure enough.";
    /// The share is too long.
    KeyshareIsTooLong = "KEYSHAREISTOOLONG", BAD_REQUEST,
        "Secret-Share is too long, it is not possible to store it.";
    /// The share was not sealed to this enclave's key, or not for this request.
    KeyshareNotOpened = "KEYSHARENOTOPENED", BAD_REQUEST,
        "The key-share was not sealed for this request to the attested key of this enclave.";
    /// The data's token is not two numbers.
    InvalidAuthToken = "INVALIDAUTHTOKEN", BAD_REQUEST, "Invalid authentication-token format.";
    /// The signer's token is not valid now.
    ExpiredSigner = "EXPIREDSIGNER", BAD_REQUEST,
        "The signer account has been expired or is not in valid range.";
    /// The data's token is not valid now.
    ExpiredRequest = "EXPIREDREQUEST", BAD_REQUEST,
        "The request data field has been expired or is not in valid range.";
    /// Somebody else owns the NFT.
    OwnershipVerificationFailed = "OWNERSHIPVERIFICATIONFAILED", UNAUTHORIZED,
        "The nft-id is not owned by this owner.";
    /// The requester has not the role it claims.
    RequesterVerificationFailed = "REQUESTERVERIFICATIONFAILED", BAD_REQUEST,
        "The requester is not either owner, delegatee or rentee.";
    /// The NFT carries no secret.
    IdIsNotASecretNft = "IDISNOTASECRETNFT", BAD_REQUEST, "The nft-id is not a secret-nft.";
    /// The NFT carries no capsule.
    IdIsNotACapsule = "IDISNOTACAPSULE", BAD_REQUEST, "The nft-id is not a capsule.";
    /// No version of the NFT's keyshares waits for shares.
    NotSyncing = "NOTSYNCING", FORBIDDEN, "The nft is not in syncing mode.";
    /// No version of the NFT's keyshares is synced.
    NotSynced = "NOTSYNCED", FORBIDDEN, "The nft is not in synced mode.";
    /// The NFT still carries the content whose share is to be removed.
    NotBurnt = "NOTBURNT", BAD_REQUEST, "The nft is not burnt, or not converted.";
    /// A share is held that this one cannot be put beside.
    NftIdExists = "NFTIDEXISTS", CONFLICT,
        "Error storing NFT key-share to TEE : nft_id already exists.";
    /// The share is not held here.
    KeyNotExist = "KEYNOTEXIST", NOT_FOUND, "NFT Keyshare is not available.";
    /// The share came in a bound request, and this one is not.
    BoundOnly = "BOUNDONLY", FORBIDDEN,
        "The key-share was stored in a bound request, it is given for such a request only.";
    /// The share is held but cannot be read.
    KeyNotReadable = "KEYNOTREADABLE", INTERNAL_SERVER_ERROR,
        "The key-share cannot be read, use another enclave please.";
    /// The store failed.
    DatabaseFailure = "DATABASEFAILURE", INTERNAL_SERVER_ERROR,
        "The enclave's store failed, use another enclave please.";
    /// The store's disk fails or is full.
    StoreUnavailable = "STOREUNAVAILABLE", SERVICE_UNAVAILABLE,
        "The enclave's disk fails or is full, use another enclave please.";
    /// The machine could not make a quote.
    QuoteFailure = "QUOTEFAILURE", INTERNAL_SERVER_ERROR, "The machine could not make a quote.";
    /// The chain cannot be reached.
    ChainUnavailable = "CHAINUNAVAILABLE", SERVICE_UNAVAILABLE,
        "The enclave cannot reach the chain, try again later.";
    /// The enclave is not assigned, or not to a cluster that does this, or its attestation does not
    /// count.
    NotInService = "NOTINSERVICE", SERVICE_UNAVAILABLE,
        "The enclave is not in service for this request.";
    /// The chain does not name the enclave as one that may ask.
    NotAPeer = "NOTAPEER", FORBIDDEN,
        "The chain does not name the requester as an enclave of this slot with a live attestation.";
    /// There is no such channel, or it has ended.
    UnknownChannel = "UNKNOWNCHANNEL", BAD_REQUEST, "There is no such channel, begin another one.";
    /// The message does not open or is not what comes next.
    InvalidSyncMessage = "INVALIDSYNCMESSAGE", BAD_REQUEST,
        "The message does not open, or it is not what comes next in this channel.";
    /// The evidence was not accepted.
    UntrustedPeer = "UNTRUSTEDPEER", FORBIDDEN,
        "The requester has not proven to be what the chain says it is.";
    /// It was signed for another purpose, chain or enclave.
    NotMeant = "NOTMEANT", BAD_REQUEST,
        "The request was signed for another purpose, chain or enclave.";
    /// Somebody else than the operator asks for what is the operator's.
    NotTheOperator = "NOTTHEOPERATOR", FORBIDDEN,
        "The chain has another operator of this enclave.";
    /// The archive's head, or a chunk, is not as it was made.
    InvalidArchive = "INVALIDARCHIVE", BAD_REQUEST,
        "The archive was changed or cut, or parts of it were put together anew.";
    /// The archive is of another chain or slot.
    OtherArchive = "OTHERARCHIVE", CONFLICT, "The archive is of another chain or another slot.";
    /// The ticket is of another start, or the archive can no longer be added to.
    UnknownArchive = "UNKNOWNARCHIVE", CONFLICT,
        "The enclave has started again, or the backup took too long: begin it anew.";
    /// Nobody whom the chain names can open the archive.
    NoKeyHolder = "NOKEYHOLDER", FORBIDDEN,
        "The chain names no enclave with a live attestation that can open the archive.";
    /// Those that can open the archive do not.
    ArchiveShut = "ARCHIVESHUT", SERVICE_UNAVAILABLE,
        "No enclave that can open the archive does so now, try again later.";
    /// What is missing is not known yet.
    NotReady = "NOTREADY", SERVICE_UNAVAILABLE,
        "The enclave does not know yet what its slot lacks, try again later.";
    /// There is no capacity left.
    Busy = "BUSY", SERVICE_UNAVAILABLE, "The enclave is busy, try again later.";
    /// The client asks too often.
    TooManyRequests = "TOOMANYREQUESTS", TOO_MANY_REQUESTS,
        "There are too many requests from this address, try again later.";
    /// Too many requests of the client are being worked on.
    TooManyAtOnce = "TOOMANYATONCE", TOO_MANY_REQUESTS,
        "Too many requests from this address are being worked on, try again later.";
    /// The chain does not name the account as a metrics server.
    NotAMetricsServer = "NOTAMETRICSSERVER", FORBIDDEN,
        "The chain does not name the requester as a metrics server.";
    /// The interval is not two blocks in order.
    InvalidInterval = "INVALIDINTERVAL", BAD_REQUEST,
        "The block interval is not [first, last], with the first no later than the last.";
    /// The token is for another interval.
    DataHashMismatch = "DATAHASHMISMATCH", BAD_REQUEST,
        "The authentication-token is for another block interval.";
    /// There is no such route.
    NotFound = "NOTFOUND", NOT_FOUND, "There is no such route.";
    /// The route does not take this method.
    MethodNotAllowed = "METHODNOTALLOWED", METHOD_NOT_ALLOWED,
        "The route does not take this method.";
    /// The body is not JSON.
    InvalidJson = "INVALIDJSON", BAD_REQUEST, "The body is not valid JSON.";
    /// The body's content type is not JSON.
    UnsupportedMediaType = "UNSUPPORTEDMEDIATYPE", UNSUPPORTED_MEDIA_TYPE,
        "The content type must be application/json.";
    /// The body lacks a field, or one has another type.
    InvalidFields = "INVALIDFIELDS", UNPROCESSABLE_ENTITY,
        "The body lacks a field, or a field has another type.";
    /// A parameter of the query is not what it can be.
    InvalidParameters = "INVALIDPARAMETERS", BAD_REQUEST,
        "A parameter of the query is not what it can be.";
    /// The body is too large.
    BodyTooLarge = "BODYTOOLARGE", PAYLOAD_TOO_LARGE, "The body is too large.";
    /// The body broke off.
    BodyBrokeOff = "BODYBROKEOFF", BAD_REQUEST, "The body could not be read to its end.";
    /// The request took too long.
    Timeout = "TIMEOUT", REQUEST_TIMEOUT, "The request took too long.";
    /// Something in the enclave broke.
    InternalError = "INTERNALERROR", INTERNAL_SERVER_ERROR, "The enclave failed.";
}

/// Why a request was not granted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Failure {
    status: Status,
    may_change: bool,
    /// After how many seconds the request may be sent again.
    retry_after: Option<u64>,
}

impl Failure {
    /// A refusal that a later block may lift.
    pub fn for_now(status: Status) -> Self {
        Self { may_change: true, ..status.into() }
    }

    /// The request may be sent again after this time.
    pub(super) fn retry_after(self, wait: Duration) -> Self {
        // A client that waits a moment less would be refused again.
        let seconds = wait.as_secs().saturating_add(1);
        Self { retry_after: Some(seconds), ..self }
    }

    /// Which.
    pub fn status(self) -> Status {
        self.status
    }

    /// The answer's body. `call` names what was asked for.
    pub fn body(self, context: &Context, call: Option<&str>, nft_id: NftId) -> KeyshareResponse {
        let text = self.status.text();
        let description = match call {
            Some(call) => format!("TEE Key-share {call}: {text}"),
            None => text.into(),
        };
        KeyshareResponse {
            status: self.status.name().into(),
            nft_id,
            enclave_account: context.account.address().into(),
            keyshare_data: None,
            description,
        }
    }

    /// The answer. `call` names what was asked for.
    pub fn answer(self, context: &Context, call: Option<&str>, nft_id: NftId) -> Response {
        self.respond(Json(self.body(context, call, nft_id)))
    }

    /// The answer with this body, which says what [`body`](Self::body) does.
    pub(super) fn respond(self, body: impl IntoResponse) -> Response {
        let mut response = (self.status.code(), body).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        // For those who count refusals.
        response.extensions_mut().insert(self.status);
        response
    }
}

impl MayChange for Failure {
    fn may_change(&self) -> bool {
        self.may_change
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        let retry_after = match status.code() {
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                Some(RETRY_AFTER_SECONDS)
            }
            _ => None,
        };
        Self { status, may_change: false, retry_after }
    }
}

impl From<Full> for Failure {
    fn from(_: Full) -> Self {
        Status::Busy.into()
    }
}

impl From<ChainError> for Failure {
    fn from(error: ChainError) -> Self {
        tracing::debug!(%error, "a request could not be decided");
        Status::ChainUnavailable.into()
    }
}

impl From<QuoteError> for Failure {
    fn from(error: QuoteError) -> Self {
        match error {
            QuoteError::Busy => Status::Busy,
            QuoteError::BrokeOff | QuoteError::Stopping => Status::InternalError,
            QuoteError::Platform(_) | QuoteError::Unfit(_) | QuoteError::TooSlow => {
                Status::QuoteFailure
            }
        }
        .into()
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::Unavailable) {
            return Status::StoreUnavailable.into();
        }
        tracing::error!(%error, "the store failed");
        Status::DatabaseFailure.into()
    }
}

impl From<StoreRefusal> for Failure {
    fn from(refusal: StoreRefusal) -> Self {
        match refusal {
            StoreRefusal::AnotherShare
            | StoreRefusal::Synced
            | StoreRefusal::NewerSplit
            | StoreRefusal::TooManySplits => Status::NftIdExists.into(),
            StoreRefusal::HandingOver => Status::NotInService.into(),
        }
    }
}

impl From<PacketError> for Failure {
    fn from(error: PacketError) -> Self {
        match error {
            PacketError::Format => Status::InvalidDataFormat,
            PacketError::NftId => Status::InvalidNftId,
            PacketError::EmptyShare => Status::InvalidKeyshare,
            PacketError::ShareTooShort => Status::KeyshareIsTooShort,
            PacketError::ShareTooLong => Status::KeyshareIsTooLong,
            PacketError::Token => Status::InvalidAuthToken,
        }
        .into()
    }
}

/// What the chain's rules refuse of this kind. `not_authorised` is what a requester without the right
/// is told.
pub fn of_refusal(kind: KeyshareKind, refusal: Refusal, not_authorised: Status) -> Failure {
    Failure::for_now(match refusal {
        Refusal::NoSuchNft => Status::InvalidNftId,
        Refusal::NotOfThisKind => match kind {
            KeyshareKind::Secret => Status::IdIsNotASecretNft,
            KeyshareKind::Capsule => Status::IdIsNotACapsule,
        },
        Refusal::NotSyncing => Status::NotSyncing,
        Refusal::NotSynced => Status::NotSynced,
        Refusal::NotAuthorised => not_authorised,
    })
}

/// Answers requests for routes that do not exist.
pub(super) async fn not_found(State(context): State<Arc<Context>>) -> Response {
    Failure::from(Status::NotFound).answer(&context, None, 0)
}

/// Answers requests with a method that the route does not take.
pub(super) async fn method_not_allowed(State(context): State<Arc<Context>>) -> Response {
    Failure::from(Status::MethodNotAllowed).answer(&context, None, 0)
}

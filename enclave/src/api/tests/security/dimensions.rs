// SPDX-License-Identifier: Apache-2.0
//! The dimensions of the security table: what a cell can differ in.

use std::fmt;

use tee_primitives::keyshare::KeyshareKind;

/// Makes an enum whose values have names in the table.
macro_rules! dimension {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub(super) enum $name {
            $($(#[$of])* $variant,)*
        }

        impl $name {
            // Not of every dimension is a full product made.
            #[allow(dead_code)]
            pub(super) const ALL: &'static [Self] = &[$(Self::$variant,)*];
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $text,)* })
            }
        }
    };
}

dimension! {
    /// What is asked for, at which route.
    Operation {
        StoreSecret = "store-secret",
        /// At the route that TIP-500 names.
        StoreCapsule = "store-capsule",
        /// At the route that published clients use.
        SetCapsule = "set-capsule",
        RetrieveSecret = "retrieve-secret",
        RetrieveCapsule = "retrieve-capsule",
        /// With TIP-500's body, which is not signed.
        RemoveSecret = "remove-secret",
        RemoveCapsule = "remove-capsule",
        /// With the body of the existing clients.
        RemoveSecretSigned = "remove-secret-signed",
        RemoveCapsuleSigned = "remove-capsule-signed",
    }
}

dimension! {
    /// How the signed strings are written.
    Form {
        Bare = "bare",
        /// In `<Bytes>…</Bytes>`, as browsers' wallets do it.
        Wrapped = "wrapped",
        /// With the wrapper's beginning, but not its end.
        Half = "half",
        /// Of the bound form, and so in all that follow.
        Bound = "bound",
        BoundWrapped = "bound-wrapped",
        BoundHalf = "bound-half",
    }
}

impl Form {
    /// What is tried of requests that only have the plain form.
    pub(super) const PLAIN: [Self; 3] = [Self::Bare, Self::Wrapped, Self::Half];

    /// Whether it is of the bound form. What lacks half its wrapper is of none.
    pub(super) fn is_bound(self) -> bool {
        matches!(self, Self::Bound | Self::BoundWrapped)
    }

    /// Whether the wrapper, if there is one, is whole.
    pub(super) fn is_whole(self) -> bool {
        !matches!(self, Self::Half | Self::BoundHalf)
    }
}

dimension! {
    /// What a bound request says that it is for, and how it is made.
    Binding {
        Good = "good",
        OtherChain = "other-chain",
        OtherEnclave = "other-enclave",
        /// Not the kind of the route.
        OtherKind = "other-kind",
        /// A request to store with a retrieval's data, or the reverse.
        OtherPurpose = "other-purpose",
        /// Not the role in the request's field.
        OtherRole = "other-role",
        /// A version that does not wait for shares.
        OtherVersion = "other-version",
        /// The owner approves the signer for another NFT.
        OtherNft = "other-nft",
        /// The owner approves the signer for another splitting.
        OtherSplit = "other-split",
        /// The owner approves the signer in the plain form.
        PlainApproval = "plain-approval",
        /// The data is of the plain form.
        PlainData = "plain-data",
        /// The genesis hash has capital letters.
        UpperHex = "upper-hex",
        /// The NFT's number begins with a zero.
        LeadingZero = "leading-zero",
        /// The share is sealed to another enclave's key.
        OtherKey = "other-key",
        /// The share is sealed for another owner's request.
        OtherInfo = "other-info",
        /// The share is not sealed.
        Unsealed = "unsealed",
        ShortShare = "short-share",
        LongShare = "long-share",
        /// Nothing can be sealed to the one-time key.
        ZeroKey = "zero-key",
    }
}

impl Binding {
    pub(super) fn is_of(self, verb: Verb) -> bool {
        match self {
            Self::Good
            | Self::OtherChain
            | Self::OtherEnclave
            | Self::OtherKind
            | Self::OtherPurpose
            | Self::UpperHex
            | Self::LeadingZero => true,
            Self::OtherRole | Self::ZeroKey => verb == Verb::Retrieve,
            Self::OtherVersion
            | Self::OtherNft
            | Self::OtherSplit
            | Self::PlainApproval
            | Self::PlainData
            | Self::OtherKey
            | Self::OtherInfo
            | Self::Unsealed
            | Self::ShortShare
            | Self::LongShare => verb == Verb::Store,
        }
    }
}

dimension! {
    /// In which form the share was stored that is held.
    Stored {
        Plain = "plain",
        Bound = "bound",
    }
}

dimension! {
    /// Whose key signs, and whose address is named with it.
    Caller {
        Owner = "owner",
        /// Who stored what is held, and sold the NFT then.
        FormerOwner = "former-owner",
        /// Whom delegated NFTs are delegated to.
        Delegatee = "delegatee",
        /// Who rents rented NFTs.
        Rentee = "rentee",
        Creator = "creator",
        Stranger = "stranger",
        /// The enclave's operator.
        Operator = "operator",
        /// Another enclave of the cluster, by its account.
        Enclave = "enclave",
        /// Whom owners let sign for them.
        Signer = "signer",
    }
}

dimension! {
    /// In which role a share is asked for.
    Claim {
        Owner = "OWNER",
        Delegatee = "DELEGATEE",
        Rentee = "RENTEE",
    }
}

dimension! {
    /// What the finalized chain says of the NFT, and the enclave holds of it. Where a version is
    /// synced, its share is held.
    State {
        /// It was never minted.
        Absent = "absent",
        /// Its shares are still held.
        Burnt = "burnt",
        /// It carries no content.
        Plain = "plain",
        SecretSyncing = "secret-syncing",
        SecretSynced = "secret-synced",
        CapsuleSyncing = "capsule-syncing",
        CapsuleSynced = "capsule-synced",
        /// Both kinds wait for shares.
        HybridSyncing = "hybrid-syncing",
        /// Both kinds are synced, here and in all that follow.
        HybridSynced = "hybrid-synced",
        /// To a synced capsule a secret was added, which waits for shares.
        SecretAdded = "secret-added",
        /// To a synced secret a capsule was added, which waits for shares.
        CapsuleAdded = "capsule-added",
        /// Of both kinds the next version waits for shares.
        Updating = "updating",
        Listed = "listed",
        Delegated = "delegated",
        Rented = "rented",
        /// A rental contract waits for a rentee.
        RentOffered = "rent-offered",
        /// The contract has run to its end, and nobody has cleared it away.
        RentOver = "rent-over",
        /// Synced by another cluster. The shares of this slot are not held.
        Elsewhere = "elsewhere",
    }
}

dimension! {
    /// A signature.
    Seal {
        Good = "good",
        /// Another of those who sign in such a request has signed.
        WrongKey = "wrong-key",
        /// The text was changed after it was signed.
        Altered = "altered",
        /// The signature was changed.
        Flipped = "flipped",
        /// It is of another good request of the same signer's.
        OfAnother = "of-another",
        /// Without `0x`.
        Unprefixed = "unprefixed",
        /// With `0X`.
        Capital = "capital",
        Short = "short",
        /// With a byte for the signature's type in front, as in extrinsics.
        Typed = "typed",
        NotHex = "not-hex",
        Empty = "empty",
        Zeros = "zeros",
    }
}

dimension! {
    /// An authentication token, against the finalized block.
    Token {
        /// Of this block, for 15.
        Good = "good",
        /// Two blocks ahead: the most that is valid.
        Soonest = "soonest",
        /// Three blocks ahead: worth waiting for.
        Waiting = "waiting",
        /// Six blocks ahead: not worth waiting for.
        Ahead = "ahead",
        /// Valid in this block for the last time.
        Oldest = "oldest",
        /// Valid in the block before for the last time.
        Expired = "expired",
        /// For 21 blocks.
        TooLong = "too-long",
        /// The block is no number.
        Malformed = "malformed",
        /// For 20 blocks: the most that is valid.
        Longest = "longest",
        /// For this block alone.
        NoTime = "no-time",
        /// The block is the largest number of 32 bits.
        Farthest = "farthest",
        /// For the largest number of blocks.
        Endless = "endless",
        /// The block is the number after the largest.
        Overflow = "overflow",
        /// The block has a sign.
        Plus = "plus",
    }
}

impl Token {
    /// Those whose products with other dimensions are full: of each kind of answer one.
    pub(super) const MAIN: [Self; 8] = [
        Self::Good,
        Self::Soonest,
        Self::Waiting,
        Self::Ahead,
        Self::Oldest,
        Self::Expired,
        Self::TooLong,
        Self::Malformed,
    ];

    /// Whether it is two numbers.
    pub(super) fn is_readable(self) -> bool {
        !matches!(self, Self::Malformed | Self::Overflow | Self::Plus)
    }
}

dimension! {
    /// What came before. All but the first are granted requests that somebody repeats.
    Replay {
        First = "first",
        Again = "again",
        /// The share that was sent is synced.
        AfterSync = "after-sync",
        /// Another share is synced.
        AfterOtherSync = "after-other-sync",
        /// The owner has begun the synchronisation anew.
        AfterRestart = "after-restart",
        /// A newer version is synced.
        AfterUpdate = "after-update",
        /// The caller has the role no longer: it has sold, or is no delegatee or rentee any more.
        AfterLoss = "after-loss",
        AfterBurn = "after-burn",
        /// In the last block of the tokens.
        LastBlock = "last-block",
        /// In the block after it.
        AfterExpiry = "after-expiry",
        /// To the other kind's route.
        OtherKind = "other-kind",
        /// The owner's approval of the signer, with data for another NFT of the owner's.
        OtherNft = "other-nft",
        /// To another enclave, for which all is the same.
        OtherEnclave = "other-enclave",
        /// What was signed to retrieve, as a request to remove.
        AsRemoval = "as-removal",
        /// What was signed to remove, as a request to retrieve.
        AsRetrieval = "as-retrieval",
    }
}

dimension! {
    /// What the enclave is, by the finalized chain.
    Service {
        Public = "public",
        Private = "private",
        Admin = "admin",
        Disabled = "disabled",
        Unassigned = "unassigned",
        /// Assigned, but as another operator's.
        OtherOperator = "other-operator",
        Unattested = "unattested",
        /// Its attestation has expired.
        Expired = "expired",
        /// Its machine is banned.
        Banned = "banned",
        /// Its measurement is revoked.
        Revoked = "revoked",
        /// Another start of it has attested.
        Superseded = "superseded",
        /// Its slot is not filled yet.
        Unfilled = "unfilled",
        /// The runtime is another than it knows.
        AnotherAbi = "another-abi",
        /// The chain trusts another root of attestation.
        AnotherRoot = "another-root",
        /// No block is known since the start.
        Unknown = "unknown",
        /// The last block is known, but no state of it can be read.
        Unreachable = "unreachable",
    }
}

dimension! {
    /// Parts of the table.
    Section {
        Callers = "callers",
        Signatures = "signatures",
        Services = "services",
        Replays = "replays",
        Bound = "bound",
    }
}

/// What an operation does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verb {
    Store,
    Retrieve,
    Remove,
    RemoveSigned,
}

impl Operation {
    pub(super) fn verb(self) -> Verb {
        match self {
            Self::StoreSecret | Self::StoreCapsule | Self::SetCapsule => Verb::Store,
            Self::RetrieveSecret | Self::RetrieveCapsule => Verb::Retrieve,
            Self::RemoveSecret | Self::RemoveCapsule => Verb::Remove,
            Self::RemoveSecretSigned | Self::RemoveCapsuleSigned => Verb::RemoveSigned,
        }
    }

    pub(super) fn kind(self) -> KeyshareKind {
        match self {
            Self::StoreSecret
            | Self::RetrieveSecret
            | Self::RemoveSecret
            | Self::RemoveSecretSigned => KeyshareKind::Secret,
            Self::StoreCapsule
            | Self::SetCapsule
            | Self::RetrieveCapsule
            | Self::RemoveCapsule
            | Self::RemoveCapsuleSigned => KeyshareKind::Capsule,
        }
    }

    /// A state of an NFT with which the operation is granted to its owner.
    pub(super) fn granted(self) -> State {
        match self.verb() {
            Verb::Store => State::HybridSyncing,
            Verb::Retrieve => State::HybridSynced,
            Verb::Remove | Verb::RemoveSigned => State::Burnt,
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
//! The dimensions of the security table, and which products of them are its sections.

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
    const MAIN: [Self; 8] = [
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
    fn granted(self) -> State {
        match self.verb() {
            Verb::Store => State::HybridSyncing,
            Verb::Retrieve => State::HybridSynced,
            Verb::Remove | Verb::RemoveSigned => State::Burnt,
        }
    }
}

/// One request, and the world that it comes into.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Cell {
    pub(super) operation: Operation,
    pub(super) form: Form,
    pub(super) caller: Caller,
    /// Of requests to retrieve.
    pub(super) claim: Option<Claim>,
    pub(super) state: State,
    /// The owner's signature, of requests to store.
    pub(super) approval: Seal,
    /// The signature over the data.
    pub(super) seal: Seal,
    /// The token in what the owner signs, of requests to store.
    pub(super) approval_token: Token,
    /// The token in the data.
    pub(super) token: Token,
    pub(super) replay: Replay,
    pub(super) service: Service,
}

impl Cell {
    /// What the owner sends, without a fault, in a state that it is granted in.
    fn good(operation: Operation) -> Self {
        Self {
            operation,
            form: Form::Wrapped,
            caller: Caller::Owner,
            claim: (operation.verb() == Verb::Retrieve).then_some(Claim::Owner),
            state: operation.granted(),
            approval: Seal::Good,
            seal: Seal::Good,
            approval_token: Token::Good,
            token: Token::Good,
            replay: Replay::First,
            service: Service::Public,
        }
    }
}

/// What is as in a good first request to an enclave in service is not written.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, form, caller, state, seal, token, replay, service, .. } = self;
        write!(f, "{operation} by {caller}")?;
        if let Some(claim) = self.claim {
            write!(f, " as {claim}")?;
        }
        write!(f, " of {state}")?;
        if *form != Form::Wrapped {
            write!(f, " form={form}")?;
        }
        if self.approval != Seal::Good {
            write!(f, " approval={}", self.approval)?;
        }
        if *seal != Seal::Good {
            write!(f, " signature={seal}")?;
        }
        if self.approval_token != Token::Good {
            write!(f, " approval-token={}", self.approval_token)?;
        }
        if *token != Token::Good {
            write!(f, " token={token}")?;
        }
        if *replay != Replay::First {
            write!(f, " replay={replay}")?;
        }
        if *service != Service::Public {
            write!(f, " service={service}")?;
        }
        Ok(())
    }
}

/// The cells of a section, in the order in which they are tried.
pub(super) fn cells(section: Section) -> Vec<Cell> {
    let mut cells = Vec::new();
    match section {
        Section::Callers => callers(&mut cells),
        Section::Signatures => signatures(&mut cells),
        Section::Services => services(&mut cells),
        Section::Replays => replays(&mut cells),
    }
    // The products of the stars share their centres.
    let mut unique: Vec<Cell> = Vec::with_capacity(cells.len());
    let mut seen = std::collections::HashSet::new();
    unique.extend(cells.into_iter().filter(|cell| seen.insert(cell.to_string())));
    unique
}

/// Operation × caller × claimed role × state.
fn callers(cells: &mut Vec<Cell>) {
    for &operation in Operation::ALL {
        let callers: &[Caller] = match operation.verb() {
            Verb::Store if operation == Operation::SetCapsule => &[Caller::Owner],
            Verb::Store | Verb::Retrieve => Caller::ALL,
            Verb::Remove => &[Caller::Owner, Caller::Stranger, Caller::Operator, Caller::Enclave],
            Verb::RemoveSigned => &[Caller::Stranger],
        };
        let claims: Vec<Option<Claim>> = match operation.verb() {
            Verb::Retrieve => Claim::ALL.iter().copied().map(Some).collect(),
            Verb::Store | Verb::Remove | Verb::RemoveSigned => vec![None],
        };
        for &caller in callers {
            for &claim in &claims {
                for &state in State::ALL {
                    cells.push(Cell { caller, claim, state, ..Cell::good(operation) });
                }
            }
        }
    }
}

/// Signature × token × form.
fn signatures(cells: &mut Vec<Cell>) {
    for &operation in Operation::ALL {
        let good = Cell::good(operation);
        let verb = operation.verb();
        if verb == Verb::Remove {
            continue;
        }
        // Of one operation of each kind everything with everything, of the others each for itself.
        let is_full = operation.kind() == KeyshareKind::Secret;
        for &form in Form::ALL {
            cells.push(Cell { form, ..good });
        }
        for &token in Token::ALL {
            cells.push(Cell { token, ..good });
            if verb == Verb::Store {
                cells.push(Cell { approval_token: token, ..good });
            }
        }
        for &seal in Seal::ALL {
            cells.push(Cell { seal, ..good });
            if verb == Verb::Store {
                cells.push(Cell { approval: seal, ..good });
            }
        }
        if is_full && verb == Verb::Store {
            for token in Token::MAIN {
                for approval_token in Token::MAIN {
                    cells.push(Cell { approval_token, token, ..good });
                }
            }
            let mut seals: Vec<_> = Seal::ALL.iter().map(|&seal| (seal, Seal::Good)).collect();
            seals.extend(Seal::ALL.iter().map(|&seal| (Seal::Good, seal)));
            let tokens = [
                (Token::Good, Token::Good),
                (Token::Expired, Token::Good),
                (Token::Good, Token::Expired),
                (Token::Waiting, Token::Good),
                (Token::Good, Token::Waiting),
            ];
            for (approval, seal) in seals {
                for (approval_token, token) in tokens {
                    for form in [Form::Bare, Form::Wrapped] {
                        let faults = Cell { approval, seal, approval_token, token, ..good };
                        cells.push(Cell { form, ..faults });
                    }
                }
            }
        }
        if is_full && verb != Verb::Store {
            for &seal in Seal::ALL {
                for token in Token::MAIN {
                    for form in [Form::Bare, Form::Wrapped] {
                        cells.push(Cell { seal, token, form, ..good });
                    }
                }
            }
        }
    }
}

/// Service × operation × whether the state lets it be granted.
fn services(cells: &mut Vec<Cell>) {
    for &service in Service::ALL {
        for &operation in Operation::ALL {
            let good = Cell { service, ..Cell::good(operation) };
            cells.push(good);
            let refused = match operation.verb() {
                Verb::Store | Verb::Remove | Verb::RemoveSigned => State::HybridSynced,
                Verb::Retrieve => State::HybridSyncing,
            };
            cells.push(Cell { state: refused, ..good });
        }
    }
}

/// Replay × operation × form × role.
fn replays(cells: &mut Vec<Cell>) {
    use Replay::*;
    for &operation in Operation::ALL {
        let replays: &[Replay] = match operation.verb() {
            Verb::Store => &[
                Again,
                AfterSync,
                AfterOtherSync,
                AfterRestart,
                AfterLoss,
                AfterBurn,
                LastBlock,
                AfterExpiry,
                OtherKind,
                OtherNft,
            ],
            Verb::Retrieve => &[
                Again,
                AfterUpdate,
                AfterLoss,
                AfterBurn,
                LastBlock,
                AfterExpiry,
                OtherKind,
                AsRemoval,
            ],
            Verb::Remove => &[Again],
            Verb::RemoveSigned => &[Again, LastBlock, AfterExpiry, OtherKind, AsRetrieval],
        };
        let good = Cell::good(operation);
        let holders = match operation.verb() {
            Verb::Retrieve => vec![
                good,
                Cell {
                    caller: Caller::Delegatee,
                    claim: Some(Claim::Delegatee),
                    state: State::Delegated,
                    ..good
                },
                Cell {
                    caller: Caller::Rentee,
                    claim: Some(Claim::Rentee),
                    state: State::Rented,
                    ..good
                },
            ],
            Verb::Store | Verb::Remove | Verb::RemoveSigned => vec![good],
        };
        let forms: &[Form] = match operation.verb() {
            Verb::Remove => &[Form::Wrapped],
            Verb::Store | Verb::Retrieve | Verb::RemoveSigned => &[Form::Bare, Form::Wrapped],
        };
        for &replay in replays {
            for &holder in &holders {
                for &form in forms {
                    let state = match replay {
                        AsRetrieval => State::HybridSynced,
                        _ => holder.state,
                    };
                    cells.push(Cell { replay, form, state, ..holder });
                }
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
//! The requests of the security table's cells: who signs what. The strings are written here as the
//! specifications write them, and not by the code that reads them.

use std::{str::FromStr, sync::LazyLock};

use base64::{engine::general_purpose::STANDARD, Engine};
use codec::Encode;
use sp_crypto_hashing::blake2_256;
use subxt_signer::SecretUri;
use tee_primitives::packet;

use super::{
    super::*,
    cells::Cell,
    dimensions::{Binding, Caller, Form, Operation, Seal, State, Token, Verb},
};

/// How long a good token is valid, in blocks.
pub(super) const VALID_FOR: BlockNumber = 15;

/// Who signs.
pub(super) struct People {
    callers: Vec<(Caller, Keypair)>,
    /// Whom callers let sign for them.
    signer: Keypair,
    other_signer: Keypair,
    /// Who buys an NFT.
    pub(super) buyer: Keypair,
}

pub(super) static PEOPLE: LazyLock<People> = LazyLock::new(|| {
    let key = |name: &str| {
        Keypair::from_uri(&SecretUri::from_str(&format!("//{name}")).unwrap()).unwrap()
    };
    let caller = |caller: &Caller| {
        let key = match caller {
            Caller::Owner => owner(),
            Caller::Operator => dev::ferdie(),
            other => key(&other.to_string()),
        };
        (*caller, key)
    };
    People {
        callers: Caller::ALL.iter().map(caller).collect(),
        signer: key("signer"),
        other_signer: key("other signer"),
        buyer: key("buyer"),
    }
});

fn key_of_caller(caller: Caller) -> &'static Keypair {
    &PEOPLE.callers.iter().find(|(it, _)| *it == caller).unwrap().1
}

pub(super) fn account_of(caller: Caller) -> RawAccountId {
    key_of_caller(caller).public_key().0
}

/// A request, ready to be sent.
pub(super) struct Sent {
    pub(super) path: String,
    pub(super) body: Value,
}

/// Of the tokens' blocks, whichever way they are written.
fn token_text(token: Token, now: BlockNumber) -> String {
    match token {
        Token::Good => format!("{now}_{VALID_FOR}"),
        Token::Soonest => format!("{}_{VALID_FOR}", now + 2),
        Token::Waiting => format!("{}_{VALID_FOR}", now + 3),
        Token::Ahead => format!("{}_{VALID_FOR}", now + 6),
        Token::Oldest => format!("{}_{VALID_FOR}", now - VALID_FOR),
        Token::Expired => format!("{}_{VALID_FOR}", now - VALID_FOR - 1),
        Token::TooLong => format!("{now}_21"),
        Token::Malformed => format!("x_{VALID_FOR}"),
        Token::Longest => format!("{now}_20"),
        Token::NoTime => format!("{now}_0"),
        Token::Farthest => format!("4294967295_{VALID_FOR}"),
        Token::Endless => format!("{now}_4294967295"),
        Token::Overflow => format!("4294967296_{VALID_FOR}"),
        Token::Plus => format!("+{now}_{VALID_FOR}"),
    }
}

fn written(form: Form, text: &str) -> String {
    match form {
        Form::Bare | Form::Bound => text.into(),
        Form::Wrapped | Form::BoundWrapped => format!("<Bytes>{text}</Bytes>"),
        Form::Half | Form::BoundHalf => format!("<Bytes>{text}"),
    }
}

/// A signature over `text`; `other` is another text that its signer signs.
fn sealed(seal: Seal, key: &Keypair, wrong: &Keypair, text: &str, other: &str) -> String {
    let good = sign(key, text);
    let digits = &good[2..];
    match seal {
        Seal::Good => good,
        Seal::WrongKey => sign(wrong, text),
        Seal::Altered => sign(key, &format!("{text} ")),
        Seal::Flipped => {
            let flipped = if digits.starts_with('0') { '1' } else { '0' };
            format!("0x{flipped}{}", &digits[1..])
        }
        Seal::OfAnother => sign(key, other),
        Seal::Unprefixed => digits.into(),
        Seal::Capital => format!("0X{digits}"),
        Seal::Short => good[..128].into(),
        Seal::Typed => format!("0x01{digits}"),
        Seal::NotHex => format!("{}g", &good[..129]),
        Seal::Empty => String::new(),
        Seal::Zeros => format!("0x{}", "0".repeat(128)),
    }
}

pub(super) fn route(kind: KeyshareKind, what: &str) -> String {
    let prefix = match kind {
        KeyshareKind::Secret => "secret-nft",
        KeyshareKind::Capsule => "capsule-nft",
    };
    format!("/api/{prefix}/{what}")
}

pub(super) fn other_kind(kind: KeyshareKind) -> KeyshareKind {
    match kind {
        KeyshareKind::Secret => KeyshareKind::Capsule,
        KeyshareKind::Capsule => KeyshareKind::Secret,
    }
}

/// The splitting that bound requests are of.
pub(super) const SPLIT: [u8; 16] = [0x5b; 16];

/// Opens what is sealed to the one-time key of bound requests.
pub(super) const ONE_TIME_SECRET: [u8; 32] = [0x77; 32];

/// The share that a cell's request brings.
pub(super) fn sent_share(nft_id: NftId) -> String {
    format!("the share that is sent for {nft_id}")
}

/// The version that waits for shares in a state, or would.
pub(super) fn pending_version(state: State) -> u32 {
    if state == State::Updating {
        2
    } else {
        1
    }
}

fn name_of(kind: KeyshareKind) -> &'static str {
    match kind {
        KeyshareKind::Secret => "SECRET",
        KeyshareKind::Capsule => "CAPSULE",
    }
}

/// A cell, at an enclave, at a block.
pub(super) struct Asking<'a> {
    pub(super) enclave: &'a Enclave,
    pub(super) now: BlockNumber,
    pub(super) cell: &'a Cell,
}

impl Asking<'_> {
    fn is_bound(&self) -> bool {
        matches!(self.cell.form, Form::Bound | Form::BoundWrapped | Form::BoundHalf)
    }

    fn token(&self) -> String {
        token_text(self.cell.token, self.now)
    }

    /// `<genesis>_<kind>_<NFT id>`, as the data has it or as the owner approves it.
    fn subject(&self, nft_id: NftId, is_data: bool) -> String {
        let Cell { operation, binding, .. } = *self.cell;
        let mut genesis = hex::encode(GENESIS);
        let mut nft_id = nft_id.to_string();
        let mut kind = operation.kind();
        match binding {
            Binding::OtherChain => genesis = "6f".repeat(32),
            Binding::OtherKind => kind = other_kind(kind),
            Binding::UpperHex if is_data => genesis = genesis.to_uppercase(),
            Binding::LeadingZero if is_data => nft_id.insert(0, '0'),
            _ => (),
        }
        format!("{genesis}_{}_{nft_id}", name_of(kind))
    }

    fn target(&self, nft_id: NftId, is_data: bool) -> String {
        let Cell { state, binding, .. } = *self.cell;
        let (nft_id, split) = match binding {
            Binding::OtherNft if !is_data => (nft_id + 1, SPLIT),
            Binding::OtherSplit if !is_data => (nft_id, [0x11; 16]),
            _ => (nft_id, SPLIT),
        };
        let version = pending_version(state) + u32::from(binding == Binding::OtherVersion);
        format!("{}_{version}_{}", self.subject(nft_id, is_data), hex::encode(split))
    }

    fn address(&self) -> String {
        match self.cell.binding {
            Binding::OtherEnclave => account::address(&account_of(Caller::Enclave)),
            _ => self.enclave.context.account.address().to_owned(),
        }
    }

    /// What the owner signs, without a wrapper.
    fn approval(&self, nft_id: NftId, signer: &Keypair) -> String {
        let token = token_text(self.cell.approval_token, self.now);
        let signer = address_of(signer);
        match self.is_bound() && self.cell.binding != Binding::PlainApproval {
            true => format!("BOUND1_{}_{signer}_{token}", self.target(nft_id, false)),
            false => format!("{signer}_{token}"),
        }
    }

    fn sealed_share(&self, nft_id: NftId, approval: &str) -> String {
        let Cell { caller, binding, .. } = *self.cell;
        let owner = match binding {
            Binding::OtherInfo => PEOPLE.buyer.public_key().0,
            _ => account_of(caller),
        };
        let key = match binding {
            Binding::OtherKey => packet::sealed::public_key(&[9; 32]).unwrap(),
            _ => self.enclave.own.encryption_key,
        };
        let share = match binding {
            Binding::ShortShare => "s".repeat(15),
            Binding::LongShare => "s".repeat(3001),
            _ => sent_share(nft_id),
        };
        let info = (b"TIP500-STORE/1", owner, approval, self.stored(nft_id, "")).encode();
        let sealed = packet::sealed::seal(&key, &info, share.as_bytes(), &blake2_256(&info));
        STANDARD.encode(sealed.unwrap())
    }

    /// The data of a bound request to store.
    fn stored(&self, nft_id: NftId, sealed: &str) -> String {
        let (target, token) = (self.target(nft_id, true), self.token());
        format!("STORE1_{target}_{}_{sealed}_{token}", self.address())
    }

    /// The data of a bound request to retrieve.
    fn retrieved(&self, nft_id: NftId) -> String {
        let Cell { claim, binding, .. } = *self.cell;
        let key = match binding {
            Binding::ZeroKey => [0; 32],
            _ => packet::sealed::public_key(&ONE_TIME_SECRET).unwrap(),
        };
        let role = match (claim, binding) {
            (_, Binding::OtherRole) => "RENTEE".to_owned(),
            (Some(claim), _) => claim.to_string(),
            (None, _) => "OWNER".to_owned(),
        };
        let (subject, enclave) = (self.subject(nft_id, true), self.address());
        format!("RETRIEVE1_{subject}_{enclave}_{role}_{}_{}", hex::encode(key), self.token())
    }

    /// What the signer or the requester signs, without a wrapper. `approval` is what the owner signs.
    fn data(&self, nft_id: NftId, approval: &str) -> String {
        let Cell { operation, binding, .. } = *self.cell;
        let is_store = operation.verb() == Verb::Store;
        let is_meant = binding != Binding::OtherPurpose;
        match (self.is_bound() && binding != Binding::PlainData, is_store) {
            (true, _) if is_store == is_meant => {
                let sealed = match binding {
                    Binding::Unsealed => sent_share(nft_id),
                    _ => self.sealed_share(nft_id, approval),
                };
                self.stored(nft_id, &sealed)
            }
            (true, _) => self.retrieved(nft_id),
            (false, true) => format!("{nft_id}_{}_{}", sent_share(nft_id), self.token()),
            (false, false) => format!("{nft_id}_{}", self.token()),
        }
    }

    pub(super) fn request(&self, nft_id: NftId) -> Sent {
        let Cell { operation, form, seal, .. } = *self.cell;
        let kind = operation.kind();
        let caller = key_of_caller(self.cell.caller);
        let address = address_of(caller);
        match operation.verb() {
            Verb::Store => {
                let what = match operation {
                    Operation::SetCapsule => "set-keyshare",
                    _ => "store-keyshare",
                };
                let People { signer, other_signer, .. } = &*PEOPLE;
                let approval = self.approval(nft_id, signer);
                let data = written(form, &self.data(nft_id, &approval));
                let other_data = written(form, &self.data(nft_id + 1, &approval));
                let approval = written(form, &approval);
                let other_approval = written(form, &self.approval(nft_id, other_signer));
                let body = json!({
                    "owner_address": address,
                    // The signer approves itself; the owner signs for the signer.
                    "signersig":
                        sealed(self.cell.approval, caller, signer, &approval, &other_approval),
                    "signer_address": approval,
                    "signature": sealed(seal, signer, caller, &data, &other_data),
                    "data": data,
                });
                Sent { path: route(kind, what), body }
            }
            Verb::Retrieve | Verb::RemoveSigned => {
                let stranger = key_of_caller(match self.cell.caller {
                    Caller::Stranger => Caller::Owner,
                    _ => Caller::Stranger,
                });
                let data = written(form, &self.data(nft_id, ""));
                let other_data = written(form, &self.data(nft_id + 1, ""));
                let mut body = json!({
                    "requester_address": address,
                    "signature": sealed(seal, caller, stranger, &data, &other_data),
                    "data": data,
                });
                let what = match self.cell.claim {
                    Some(claim) => {
                        body["requester_type"] = json!(claim.to_string());
                        "retrieve-keyshare"
                    }
                    None => "remove-keyshare",
                };
                Sent { path: route(kind, what), body }
            }
            Verb::Remove => {
                let body = json!({"requester_address": address, "nft_id": nft_id});
                Sent { path: route(kind, "remove-keyshare"), body }
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
//! The strings that make a request a *bound* one (`docs/protocols/requests.md`).
//!
//! Each names its purpose, the chain, what it is about, and whom it is for, so that it is worth
//! nothing anywhere else. There is one way to write what it says, and no other is read: numbers
//! without leading zeros, hexadecimal digits in lower case.

use alloc::{string::ToString, vec::Vec};
use core::fmt;

use codec::Encode;

use super::{number_of, parts, unwrap_bytes, AuthToken, PacketError, RequesterType, REDACTED};
use crate::{
    keyshare::{KeyshareKind, Split, Version, MAX_SHARE_LEN},
    nft::NftId,
    Hash, RawAccountId,
};

/// What an owner's approval of a signer begins with.
pub const APPROVAL: &str = "BOUND1";

/// What `data` of a store request begins with.
pub const STORE: &str = "STORE1";

/// What `data` of a retrieve request begins with.
pub const RETRIEVE: &str = "RETRIEVE1";

/// So many bytes longer than what is sealed is what it is sealed into: an X25519 key and a tag.
pub const SEALED_OVERHEAD: usize = 48;

/// Longest sealed share, in characters of base64.
pub const MAX_SEALED_LEN: usize = (MAX_SHARE_LEN + SEALED_OVERHEAD).div_ceil(3) * 4;

/// Whether `data` of a request makes it a bound one, whatever else is wrong with it.
pub fn is_bound(data: &str) -> bool {
    let first = unwrap_bytes(data).split_once('_').map(|(first, _)| first);
    matches!(first, Some(STORE | RETRIEVE))
}

/// Which splitting of which key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Target {
    /// Hash of the chain's first block.
    pub genesis_hash: Hash,
    /// What of the NFT.
    pub kind: KeyshareKind,
    /// The NFT.
    pub nft_id: NftId,
    /// The version of its keyshares.
    pub version: Version,
    /// The splitting: random, new for each.
    pub split: Split,
}

impl Target {
    fn parse([genesis_hash, kind, nft_id, version, split]: [&str; 5]) -> Result<Self, PacketError> {
        Ok(Self {
            genesis_hash: bytes_of(genesis_hash)?,
            kind: kind_of(kind)?,
            nft_id: canonical(nft_id).ok_or(PacketError::NftId)?,
            version: canonical(version).ok_or(PacketError::Format)?,
            split: bytes_of(split)?,
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { genesis_hash, kind, nft_id, version, split } = self;
        let (genesis, kind, split) = (Hex(genesis_hash), kind_name(*kind), Hex(split));
        write!(f, "{genesis}_{kind}_{nft_id}_{version}_{split}")
    }
}

/// `signer_address` of a bound store request:
/// `BOUND1_<genesis>_<kind>_<NFT id>_<version>_<split>_<signer>_<block>_<validity>`.
///
/// The signer it approves can store shares of this splitting and nothing else.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Approval<'a> {
    /// What the signer may store shares of.
    pub target: Target,
    /// The account that signs the request's `data`, SS58.
    pub signer: &'a str,
    /// How long the owner's consent holds.
    pub token: AuthToken,
}

impl<'a> Approval<'a> {
    /// Reads the string as sent.
    pub fn parse(field: &'a str) -> Result<Self, PacketError> {
        let [domain, genesis, kind, nft_id, version, split, signer, block, validity] =
            parts(field)?;
        if domain != APPROVAL {
            return Err(PacketError::Format);
        }
        let target = Target::parse([genesis, kind, nft_id, version, split])?;
        Ok(Self { target, signer, token: token_of(block, validity)? })
    }
}

impl fmt::Display for Approval<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, signer, token } = self;
        write!(f, "{APPROVAL}_{target}_{signer}_{token}")
    }
}

/// `data` of a bound store request:
/// `STORE1_<genesis>_<kind>_<NFT id>_<version>_<split>_<enclave>_<sealed share>_<block>_<validity>`.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct BoundStore<'a> {
    /// What the share is of.
    pub target: Target,
    /// The enclave that is to store it, SS58 with prefix 42.
    pub enclave: &'a str,
    /// The share, sealed to that enclave's attested key, in base64 of at most [`MAX_SEALED_LEN`]
    /// characters.
    pub sealed: &'a str,
    /// How long the request holds.
    pub token: AuthToken,
}

impl fmt::Debug for BoundStore<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundStore")
            .field("target", &self.target)
            .field("enclave", &self.enclave)
            .field("sealed", &REDACTED)
            .field("token", &self.token)
            .finish()
    }
}

impl<'a> BoundStore<'a> {
    /// Reads the string as sent.
    pub fn parse(field: &'a str) -> Result<Self, PacketError> {
        let [domain, genesis, kind, nft_id, version, split, enclave, sealed, block, validity] =
            parts(field)?;
        if domain != STORE {
            return Err(PacketError::Format);
        }
        let target = Target::parse([genesis, kind, nft_id, version, split])?;
        match sealed.len() {
            0 => return Err(PacketError::EmptyShare),
            1..=MAX_SEALED_LEN => (),
            _ => return Err(PacketError::ShareTooLong),
        }
        Ok(Self { target, enclave, sealed, token: token_of(block, validity)? })
    }

    /// What the share is sealed for: by whom it is stored, and both signed strings without their
    /// wrappers, the second without the sealed share. It opens in no other request.
    ///
    /// `approval` is the request's `signer_address` as sent.
    pub fn info(&self, owner: &RawAccountId, approval: &str) -> Vec<u8> {
        const DOMAIN: &[u8; 14] = b"TIP500-STORE/1";
        let without_share = Self { sealed: "", ..*self }.to_string();
        (DOMAIN, owner, unwrap_bytes(approval), without_share).encode()
    }
}

impl fmt::Display for BoundStore<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, enclave, sealed, token } = self;
        write!(f, "{STORE}_{target}_{enclave}_{sealed}_{token}")
    }
}

/// `data` of a bound retrieve request:
/// `RETRIEVE1_<genesis>_<kind>_<NFT id>_<enclave>_<role>_<one-time key>_<block>_<validity>`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BoundRetrieve<'a> {
    /// Hash of the chain's first block.
    pub genesis_hash: Hash,
    /// What of the NFT.
    pub kind: KeyshareKind,
    /// The NFT.
    pub nft_id: NftId,
    /// The enclave that is asked, SS58 with prefix 42.
    pub enclave: &'a str,
    /// In which role.
    pub role: RequesterType,
    /// The X25519 key to which the answer is sealed. It is made for this request alone.
    pub one_time_key: [u8; 32],
    /// How long the request holds.
    pub token: AuthToken,
}

impl<'a> BoundRetrieve<'a> {
    /// Reads the string as sent.
    pub fn parse(field: &'a str) -> Result<Self, PacketError> {
        let [domain, genesis, kind, nft_id, enclave, role, key, block, validity] = parts(field)?;
        if domain != RETRIEVE {
            return Err(PacketError::Format);
        }
        Ok(Self {
            genesis_hash: bytes_of(genesis)?,
            kind: kind_of(kind)?,
            nft_id: canonical(nft_id).ok_or(PacketError::NftId)?,
            enclave,
            role: RequesterType::ALL
                .into_iter()
                .find(|known| known.name() == role)
                .ok_or(PacketError::Format)?,
            one_time_key: bytes_of(key)?,
            token: token_of(block, validity)?,
        })
    }
}

impl fmt::Display for BoundRetrieve<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { genesis_hash, kind, nft_id, enclave, role, one_time_key, token } = self;
        let (genesis, kind, role) = (Hex(genesis_hash), kind_name(*kind), role.name());
        let key = Hex(one_time_key);
        write!(f, "{RETRIEVE}_{genesis}_{kind}_{nft_id}_{enclave}_{role}_{key}_{token}")
    }
}

fn kind_name(kind: KeyshareKind) -> &'static str {
    match kind {
        KeyshareKind::Secret => "SECRET",
        KeyshareKind::Capsule => "CAPSULE",
    }
}

fn kind_of(part: &str) -> Result<KeyshareKind, PacketError> {
    let kinds = [KeyshareKind::Secret, KeyshareKind::Capsule];
    kinds.into_iter().find(|kind| kind_name(*kind) == part).ok_or(PacketError::Format)
}

/// A number as it is written: without leading zeros.
fn canonical(part: &str) -> Option<u32> {
    let is_canonical = part == "0" || !part.starts_with('0');
    number_of(part).filter(|_| is_canonical)
}

fn token_of(block: &str, validity: &str) -> Result<AuthToken, PacketError> {
    let block_number = canonical(block).ok_or(PacketError::Token)?;
    let validity = canonical(validity).ok_or(PacketError::Token)?;
    Ok(AuthToken { block_number, validity })
}

/// Bytes as hexadecimal digits in lower case.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn bytes_of<const N: usize>(part: &str) -> Result<[u8; N], PacketError> {
    let (pairs, rest) = part.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return Err(PacketError::Format);
    }
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(PacketError::Format),
    };
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = (digit(*high)? << 4) | digit(*low)?;
    }
    Ok(bytes)
}

/// The kind and the NFT that `data` of a bound request names; `None` if it cannot be read.
pub fn named(data: &str) -> Option<(KeyshareKind, NftId)> {
    let stored = BoundStore::parse(data).map(|data| (data.target.kind, data.target.nft_id));
    stored.or_else(|_| BoundRetrieve::parse(data).map(|data| (data.kind, data.nft_id))).ok()
}

#[cfg(test)]
mod tests;

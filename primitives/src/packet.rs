// SPDX-License-Identifier: Apache-2.0
//! The messages between a client and an enclave (TIP-500 "Secret-NFT API").
//!
//! Fields that are signed are strings with parts separated by `_`. The signature is over the exact
//! bytes of the string as sent; browser wallets wrap what they sign in `<Bytes>…</Bytes>`, so the
//! wrapper belongs to the signed bytes but not to the meaning.
//!
//! Every such string ends in an authentication token `<block>_<validity>`: it is valid from that
//! block on, for so many blocks.
//!
//! A request has one of two forms, with the same fields: the *plain* one, as published clients send
//! it, here, and the *bound* one (`docs/protocols/requests.md`) in [`bound`], with its answers in
//! [`answer`] and what is sealed in them in [`sealed`].

use alloc::{format, string::String};
use core::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use crate::{
    authorisation::Role,
    keyshare::{MAX_SHARE_LEN, MIN_SHARE_LEN},
    nft::NftId,
    BlockNumber,
};

/// Longest validity of an [`AuthToken`], in blocks.
pub const MAX_VALIDITY: u32 = 20;

/// How many blocks an [`AuthToken`] may be ahead of the enclave's finalized block.
pub const MAX_FUTURE_BLOCKS: u32 = 2;

const REDACTED: &str = "[redacted]";

pub mod answer;
pub mod bound;
#[cfg(feature = "hpke")]
pub mod sealed;

/// Body of a store request.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct StoreKeysharePacket {
    /// The NFT's owner, SS58.
    pub owner_address: String,
    /// The account that signs `data`, see [`SignerAddress`].
    pub signer_address: String,
    /// The owner's signature over `signer_address`: `0x` and 128 hexadecimal digits.
    pub signersig: String,
    /// What to store, see [`StoreData`].
    pub data: String,
    /// The signer's signature over `data`: `0x` and 128 hexadecimal digits.
    pub signature: String,
}

impl fmt::Debug for StoreKeysharePacket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreKeysharePacket")
            .field("owner_address", &self.owner_address)
            .field("signer_address", &self.signer_address)
            .field("signersig", &self.signersig)
            .field("data", &REDACTED)
            .field("signature", &self.signature)
            .finish()
    }
}

impl Drop for StoreKeysharePacket {
    fn drop(&mut self) {
        self.data.zeroize();
    }
}

/// In which role a share is asked for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RequesterType {
    /// The NFT's owner.
    Owner,
    /// Whom the NFT is delegated to.
    Delegatee,
    /// Who rents the NFT.
    Rentee,
}

impl RequesterType {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Owner, Self::Delegatee, Self::Rentee];

    /// Its name in requests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "OWNER",
            Self::Delegatee => "DELEGATEE",
            Self::Rentee => "RENTEE",
        }
    }
}

impl From<RequesterType> for Role {
    fn from(requester_type: RequesterType) -> Self {
        match requester_type {
            RequesterType::Owner => Self::Owner,
            RequesterType::Delegatee => Self::Delegatee,
            RequesterType::Rentee => Self::Rentee,
        }
    }
}

/// Body of a retrieve request.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct RetrieveKeysharePacket {
    /// Who asks, SS58.
    pub requester_address: String,
    /// In which role.
    pub requester_type: RequesterType,
    /// What is asked for, see [`RetrieveData`].
    pub data: String,
    /// The requester's signature over `data`: `0x` and 128 hexadecimal digits.
    pub signature: String,
}

/// Body of the answer to a store or retrieve request, also of a refusal.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct KeyshareResponse {
    /// What happened, as a stable name in capitals.
    pub status: String,
    /// The NFT that the request named; 0 if it named none.
    pub nft_id: NftId,
    /// Account of the enclave that answers, SS58.
    pub enclave_account: String,
    /// The share, see [`keyshare_data`]. Only in the answer to a successful retrieve request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keyshare_data: Option<String>,
    /// What happened, for people.
    pub description: String,
}

impl fmt::Debug for KeyshareResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyshareResponse")
            .field("status", &self.status)
            .field("nft_id", &self.nft_id)
            .field("enclave_account", &self.enclave_account)
            .field("keyshare_data", &self.keyshare_data.as_ref().map(|_| REDACTED))
            .field("description", &self.description)
            .finish()
    }
}

impl Drop for KeyshareResponse {
    fn drop(&mut self) {
        self.keyshare_data.zeroize();
    }
}

/// Limits the time in which a signed string can be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AuthToken {
    /// The block from which on it is valid.
    pub block_number: BlockNumber,
    /// For how many blocks, at most [`MAX_VALIDITY`].
    pub validity: u32,
}

impl AuthToken {
    /// Whether the token is valid when `finalized` is the newest finalized block.
    pub fn check(self, finalized: BlockNumber) -> Result<(), TokenError> {
        if self.block_number > finalized.saturating_add(MAX_FUTURE_BLOCKS) {
            return Err(TokenError::InFuture);
        }
        if self.validity > MAX_VALIDITY {
            return Err(TokenError::TooLong);
        }
        if self.block_number.saturating_add(self.validity) < finalized {
            return Err(TokenError::Expired);
        }
        Ok(())
    }

    fn parse(block_number: &str, validity: &str) -> Result<Self, PacketError> {
        let block_number = number_of(block_number).ok_or(PacketError::Token)?;
        let validity = number_of(validity).ok_or(PacketError::Token)?;
        Ok(Self { block_number, validity })
    }
}

impl core::str::FromStr for AuthToken {
    type Err = PacketError;

    /// Reads `<block>_<validity>`.
    fn from_str(text: &str) -> Result<Self, PacketError> {
        let (block_number, validity) = text.split_once('_').ok_or(PacketError::Token)?;
        Self::parse(block_number, validity)
    }
}

impl fmt::Display for AuthToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.block_number, self.validity)
    }
}

/// Why an [`AuthToken`] is not valid now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TokenError {
    /// Its block is more than [`MAX_FUTURE_BLOCKS`] ahead.
    InFuture,
    /// Its validity is longer than [`MAX_VALIDITY`].
    TooLong,
    /// Its time is over.
    Expired,
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InFuture => "the authentication token's block is too far ahead",
            Self::TooLong => "the authentication token's validity is too long",
            Self::Expired => "the authentication token has expired",
        })
    }
}

impl core::error::Error for TokenError {}

/// Why a signed string cannot be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PacketError {
    /// It does not have the right number of parts.
    Format,
    /// The NFT id is not a number of 32 bits.
    NftId,
    /// The share is empty.
    EmptyShare,
    /// The share is shorter than [`MIN_SHARE_LEN`].
    ShareTooShort,
    /// The share is longer than [`MAX_SHARE_LEN`].
    ShareTooLong,
    /// The authentication token is not two numbers of 32 bits.
    Token,
}

impl fmt::Display for PacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format => f.write_str("the field does not have the right number of parts"),
            Self::NftId => f.write_str("the NFT id is not a number of 32 bits"),
            Self::EmptyShare => f.write_str("the share is empty"),
            Self::ShareTooShort => write!(f, "the share is shorter than {MIN_SHARE_LEN} bytes"),
            Self::ShareTooLong => write!(f, "the share is longer than {MAX_SHARE_LEN} bytes"),
            Self::Token => f.write_str("the authentication token is not two numbers of 32 bits"),
        }
    }
}

impl core::error::Error for PacketError {}

/// `signer_address` of a store request: `<signer SS58>_<block>_<validity>`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SignerAddress<'a> {
    /// The account that signs the request's `data`, SS58.
    pub signer_ss58: &'a str,
    /// How long the owner's consent to that account holds.
    pub token: AuthToken,
}

impl<'a> SignerAddress<'a> {
    /// Reads the string as sent.
    pub fn parse(field: &'a str) -> Result<Self, PacketError> {
        let [signer_ss58, block_number, validity] = parts(field)?;
        Ok(Self { signer_ss58, token: AuthToken::parse(block_number, validity)? })
    }
}

/// `data` of a store request, and `keyshare_data` of the answer to a retrieve request:
/// `<NFT id>_<share>_<block>_<validity>`. A share contains no `_`.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct StoreData<'a> {
    /// The NFT.
    pub nft_id: NftId,
    /// The share, of [`MIN_SHARE_LEN`] to [`MAX_SHARE_LEN`] bytes.
    pub share: &'a str,
    /// How long the request holds.
    pub token: AuthToken,
}

impl fmt::Debug for StoreData<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreData")
            .field("nft_id", &self.nft_id)
            .field("share", &REDACTED)
            .field("token", &self.token)
            .finish()
    }
}

impl<'a> StoreData<'a> {
    /// Reads the string as sent.
    pub fn parse(field: &'a str) -> Result<Self, PacketError> {
        let [nft_id, share, block_number, validity] = parts(field)?;
        let nft_id = number_of(nft_id).ok_or(PacketError::NftId)?;
        check_share_len(share.len())?;
        Ok(Self { nft_id, share, token: AuthToken::parse(block_number, validity)? })
    }
}

/// `data` of a retrieve request: `<NFT id>_<block>_<validity>`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RetrieveData {
    /// The NFT.
    pub nft_id: NftId,
    /// How long the request holds.
    pub token: AuthToken,
}

impl RetrieveData {
    /// Reads the string as sent.
    pub fn parse(field: &str) -> Result<Self, PacketError> {
        let [nft_id, block_number, validity] = parts(field)?;
        let nft_id = number_of(nft_id).ok_or(PacketError::NftId)?;
        Ok(Self { nft_id, token: AuthToken::parse(block_number, validity)? })
    }
}

/// The string that [`SignerAddress`] reads.
pub fn signer_address(signer_ss58: &str, token: AuthToken) -> String {
    format!("{signer_ss58}_{token}")
}

/// The string that [`StoreData`] reads, for a store request. It contains the share.
pub fn store_data(nft_id: NftId, share: &str, token: AuthToken) -> String {
    format!("{nft_id}_{share}_{token}")
}

/// The string that [`RetrieveData`] reads.
pub fn retrieve_data(nft_id: NftId, token: AuthToken) -> String {
    format!("{nft_id}_{token}")
}

/// The string that [`StoreData`] reads, for the answer to a retrieve request. It contains the
/// share.
pub fn keyshare_data(nft_id: NftId, share: &str, token: AuthToken) -> String {
    store_data(nft_id, share, token)
}

/// Whether a share of so many bytes is taken.
pub fn check_share_len(length: usize) -> Result<(), PacketError> {
    match length {
        0 => Err(PacketError::EmptyShare),
        1..MIN_SHARE_LEN => Err(PacketError::ShareTooShort),
        MIN_SHARE_LEN..=MAX_SHARE_LEN => Ok(()),
        _ => Err(PacketError::ShareTooLong),
    }
}

/// Strips `<Bytes>` and `</Bytes>` if both are there.
pub fn unwrap_bytes(field: &str) -> &str {
    field.strip_prefix("<Bytes>").and_then(|inner| inner.strip_suffix("</Bytes>")).unwrap_or(field)
}

fn parts<const N: usize>(field: &str) -> Result<[&str; N], PacketError> {
    let mut parts = [""; N];
    let mut found = unwrap_bytes(field).split('_');
    for part in &mut parts {
        *part = found.next().ok_or(PacketError::Format)?;
    }
    match found.next() {
        None => Ok(parts),
        Some(_) => Err(PacketError::Format),
    }
}

/// Digits only: `u32::from_str` would also take a leading `+`.
fn number_of(part: &str) -> Option<u32> {
    part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: AuthToken = AuthToken { block_number: 16018, validity: 15 };

    #[test]
    fn published_packets_are_read() {
        assert_eq!(
            SignerAddress::parse("5HHBpZJk8ye19pWjA6as4TqKHf8hUKfX7srZ5Vwt4rJekEFm_16018_15"),
            Ok(SignerAddress {
                signer_ss58: "5HHBpZJk8ye19pWjA6as4TqKHf8hUKfX7srZ5Vwt4rJekEFm",
                token: TOKEN
            })
        );
        assert_eq!(
            StoreData::parse("3_This-is-a-Sample-Secret!@#$%^&*()1234567890_16018_15"),
            Ok(StoreData {
                nft_id: 3,
                share: "This-is-a-Sample-Secret!@#$%^&*()1234567890",
                token: TOKEN
            })
        );
        assert_eq!(
            RetrieveData::parse("110_163844_10"),
            Ok(RetrieveData {
                nft_id: 110,
                token: AuthToken { block_number: 163_844, validity: 10 }
            })
        );
    }

    #[test]
    fn what_is_written_is_read_wrapped_or_bare() {
        let share = "s".repeat(MIN_SHARE_LEN);
        for wrap in [false, true] {
            let sent = |field: String| if wrap { format!("<Bytes>{field}</Bytes>") } else { field };
            assert_eq!(
                SignerAddress::parse(&sent(signer_address("5abc", TOKEN))),
                Ok(SignerAddress { signer_ss58: "5abc", token: TOKEN })
            );
            for data in [store_data(7, &share, TOKEN), keyshare_data(7, &share, TOKEN)] {
                assert_eq!(
                    StoreData::parse(&sent(data)),
                    Ok(StoreData { nft_id: 7, share: &share, token: TOKEN })
                );
            }
            assert_eq!(
                RetrieveData::parse(&sent(retrieve_data(7, TOKEN))),
                Ok(RetrieveData { nft_id: 7, token: TOKEN })
            );
        }
    }

    #[test]
    fn the_wrapper_is_stripped_only_whole() {
        assert_eq!(unwrap_bytes("<Bytes>x</Bytes>"), "x");
        assert_eq!(unwrap_bytes("<Bytes>x"), "<Bytes>x");
        assert_eq!(unwrap_bytes("x</Bytes>"), "x</Bytes>");
        assert_eq!(unwrap_bytes("<bytes>x</bytes>"), "<bytes>x</bytes>");
        assert_eq!(unwrap_bytes("<Bytes></Bytes>"), "");
        assert_eq!(unwrap_bytes("<Bytes>"), "<Bytes>");
    }

    #[test]
    fn each_malformed_part_has_its_error() {
        let share = |length| "s".repeat(length);
        let data = |share: &str| StoreData::parse(&format!("1_{share}_2_3")).map(|_| ());
        assert_eq!(data(&share(0)), Err(PacketError::EmptyShare));
        assert_eq!(data(&share(MIN_SHARE_LEN - 1)), Err(PacketError::ShareTooShort));
        assert_eq!(data(&share(MIN_SHARE_LEN)), Ok(()));
        assert_eq!(data(&share(MAX_SHARE_LEN)), Ok(()));
        assert_eq!(data(&share(MAX_SHARE_LEN + 1)), Err(PacketError::ShareTooLong));
        assert_eq!(RetrieveData::parse(""), Err(PacketError::Format));
        assert_eq!(RetrieveData::parse("1_2"), Err(PacketError::Format));
        assert_eq!(RetrieveData::parse("1_2_3_4"), Err(PacketError::Format));
        for id in ["", "x", "-1", "+1", " 1", "4294967296", "１"] {
            assert_eq!(RetrieveData::parse(&format!("{id}_2_3")), Err(PacketError::NftId));
            assert_eq!(RetrieveData::parse(&format!("1_{id}_3")), Err(PacketError::Token));
            assert_eq!(RetrieveData::parse(&format!("1_2_{id}")), Err(PacketError::Token));
            assert_eq!(SignerAddress::parse(&format!("a_{id}_3")), Err(PacketError::Token));
        }
    }

    #[test]
    fn a_token_is_valid_from_two_blocks_before_to_the_end_of_its_validity() {
        let token = AuthToken { block_number: 100, validity: 20 };
        assert_eq!(token.check(97), Err(TokenError::InFuture));
        assert_eq!(token.check(98), Ok(()));
        assert_eq!(token.check(120), Ok(()));
        assert_eq!(token.check(121), Err(TokenError::Expired));
        assert_eq!(AuthToken { validity: 21, ..token }.check(100), Err(TokenError::TooLong));
        let last = AuthToken { block_number: u32::MAX, validity: 20 };
        assert_eq!(last.check(u32::MAX), Ok(()));
        assert_eq!(last.check(0), Err(TokenError::InFuture));
    }

    #[test]
    fn debug_output_does_not_show_shares() {
        let share = "very-secret-share";
        let packet = StoreKeysharePacket {
            owner_address: String::new(),
            signer_address: String::new(),
            signersig: String::new(),
            data: store_data(1, share, TOKEN),
            signature: String::new(),
        };
        let response = KeyshareResponse {
            status: String::new(),
            nft_id: 1,
            enclave_account: String::new(),
            keyshare_data: Some(keyshare_data(1, share, TOKEN)),
            description: String::new(),
        };
        let parsed = StoreData::parse(&packet.data);
        assert!(parsed.is_ok());
        for shown in [format!("{packet:?}"), format!("{response:?}"), format!("{parsed:?}")] {
            assert!(!shown.contains(share));
            assert!(shown.contains(REDACTED));
        }
    }
}

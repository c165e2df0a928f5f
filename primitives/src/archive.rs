// SPDX-License-Identifier: Apache-2.0
//! Cold backups: the head of an archive, and what operators and enclaves say to each other about
//! one (`docs/protocols/backup.md`).
//!
//! Nothing here is secret: what is sealed or wrapped passes as bytes that only enclaves can open.

use alloc::{string::String, vec::Vec};
use core::fmt;

use codec::{Decode, DecodeAll, Encode};
use serde::{Deserialize, Serialize};

use crate::{
    cluster::SlotId,
    packet::{AuthToken, PacketError},
    BlockNumber, Hash, RawAccountId,
};

/// What an archive's file begins with.
pub const MAGIC: &[u8; 16] = b"TIP500-ARCHIVE/1";

/// Longest head of an archive, in bytes.
pub const MAX_HEADER_LEN: usize = 2_048;

/// For how many enclaves an archive's key is wrapped, at most.
pub const MAX_RECIPIENTS: usize = 16;

/// Longest chunk of an archive, sealed, in bytes. With head and ticket it fits into the largest body
/// that an enclave reads, and holds the longest share.
pub const MAX_CHUNK_LEN: usize = 8_192;

/// Most chunks in one answer.
pub const MAX_CHUNKS: usize = 4;

/// Length of a wrapped key, in bytes: a Noise message with a key of 32 bytes.
pub const WRAPPED_LEN: usize = 80;

/// Whose archive it is.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, PartialEq)]
pub struct Origin {
    /// Hash of the chain's first block.
    pub genesis_hash: Hash,
    /// The slot whose shares it holds.
    pub slot_id: SlotId,
    /// The account of the enclave that made it.
    pub account: RawAccountId,
    /// Whether enclaves of other clusters may open it: whether it was made in a public cluster.
    pub is_shared: bool,
    /// The finalized block at which it was begun.
    pub begun_at: BlockNumber,
    /// Hash of its key: no other key is taken for it.
    pub key_hash: Hash,
}

/// An enclave that can open an archive.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, PartialEq)]
pub struct Recipient {
    /// Its account.
    pub account: RawAccountId,
    /// The archive's key, wrapped for it.
    pub wrapped: [u8; WRAPPED_LEN],
}

/// The head of an archive.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq)]
pub struct Header {
    /// Whose it is.
    pub origin: Origin,
    /// Who can open it, the enclave that made it first.
    pub recipients: Vec<Recipient>,
}

impl Header {
    /// Reads a head of at most [`MAX_HEADER_LEN`] bytes and [`MAX_RECIPIENTS`] recipients, all of it.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > MAX_HEADER_LEN {
            return None;
        }
        let header = Self::decode_all(&mut &*bytes).ok()?;
        (header.recipients.len() <= MAX_RECIPIENTS).then_some(header)
    }

    /// What is wrapped for this account.
    pub fn wrapped_for(&self, account: &RawAccountId) -> Option<&[u8; WRAPPED_LEN]> {
        let found = self.recipients.iter().find(|recipient| recipient.account == *account);
        found.map(|recipient| &recipient.wrapped)
    }
}

/// A chunk of an archive.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq)]
pub struct Chunk {
    /// Its place, from 0.
    pub index: u32,
    /// Whether it is the last one.
    pub is_last: bool,
    /// Its content, sealed for this place in this archive.
    pub sealed: Vec<u8>,
}

/// What an enclave gives for having opened or begun an archive, and takes back with each chunk: it
/// keeps nothing in between. Worth nothing after its next start.
pub type Ticket = Vec<u8>;

/// What an operator asks for to have a backup.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq)]
pub enum BackupAsk {
    /// A new archive.
    #[codec(index = 0)]
    Begin,
    /// The next chunks of one.
    #[codec(index = 1)]
    Page {
        /// Its head.
        header: Vec<u8>,
        /// What came with the head.
        ticket: Ticket,
        /// How many chunks there are already.
        index: u32,
        /// Where to go on, as the answer before says.
        after: Option<Vec<u8>>,
    },
}

/// What an enclave answers to that.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq)]
pub enum BackupAnswer {
    /// An archive was begun.
    #[codec(index = 0)]
    Begun {
        /// Its head.
        header: Vec<u8>,
        /// To be given back with each page.
        ticket: Ticket,
        /// How many shares the enclave lacks, which will not be in it.
        missing: u64,
    },
    /// The next chunks.
    #[codec(index = 1)]
    Page {
        /// Sealed, in their order; none, one or some, at most [`MAX_CHUNKS`].
        chunks: Vec<Vec<u8>>,
        /// How many shares are in them.
        shares: u32,
        /// Where to go on; `None` after the last chunk.
        next: Option<Vec<u8>>,
    },
}

/// What an operator asks for to have an archive restored.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq)]
pub enum RestoreAsk {
    /// That the enclave opens an archive, or has it opened.
    #[codec(index = 0)]
    Open {
        /// Its head.
        header: Vec<u8>,
    },
    /// That it keeps what it lacks of a chunk.
    #[codec(index = 1)]
    Chunk {
        /// The archive's head.
        header: Vec<u8>,
        /// What came when it was opened.
        ticket: Ticket,
        /// The chunk.
        chunk: Chunk,
    },
}

/// What an enclave answers to that.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq)]
pub enum RestoreAnswer {
    /// It can read the archive.
    #[codec(index = 0)]
    Opened {
        /// To be given back with each chunk.
        ticket: Ticket,
        /// The enclave that has opened it: this one, or one that it has asked.
        by: RawAccountId,
    },
    /// It has looked at all shares of a chunk.
    #[codec(index = 1)]
    Restored(Restored),
}

/// What became of shares.
#[derive(Clone, Copy, Debug, Decode, Default, Encode, Eq, PartialEq)]
pub struct Restored {
    /// They were missing, and are held now.
    pub kept: u32,
    /// They are held already, or the chain no longer has them for this slot.
    pub skipped: u32,
    /// They are not what the chain's commitment says.
    pub refused: u32,
}

impl Restored {
    /// Adds what became of others.
    pub fn add(&mut self, other: Self) {
        self.kept = self.kept.saturating_add(other.kept);
        self.skipped = self.skipped.saturating_add(other.skipped);
        self.refused = self.refused.saturating_add(other.refused);
    }
}

/// What an operator wants of its enclave.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Purpose {
    /// A backup.
    Backup,
    /// That a backup is restored.
    Restore,
}

impl Purpose {
    /// Its name in signed data.
    pub fn name(self) -> &'static str {
        match self {
            Self::Backup => "BACKUP",
            Self::Restore => "RESTORE",
        }
    }
}

/// Body of an operator's request.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct OperatorPacket {
    /// The operator, SS58.
    pub operator_address: String,
    /// What is asked for, see [`OperatorData`].
    pub data: String,
    /// The operator's signature over `data`: `0x` and 128 hexadecimal digits.
    pub signature: String,
}

/// What an operator signs: `<purpose>_<genesis hash>_<enclave>_<message>_<block>_<validity>`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OperatorData<'a> {
    /// Name of the [`Purpose`].
    pub purpose: &'a str,
    /// Hash of the chain's first block, 64 hexadecimal digits.
    pub genesis: &'a str,
    /// The enclave that is asked, SS58.
    pub enclave: &'a str,
    /// What is asked for: a [`BackupAsk`] or a [`RestoreAsk`], in base64.
    pub message: &'a str,
    /// When the request is valid.
    pub token: AuthToken,
}

impl<'a> OperatorData<'a> {
    /// Takes the signed string apart.
    pub fn parse(field: &'a str) -> Result<Self, PacketError> {
        let mut parts = field.splitn(5, '_');
        let mut next = || parts.next().ok_or(PacketError::Format);
        let (purpose, genesis, enclave, message) = (next()?, next()?, next()?, next()?);
        Ok(Self { purpose, genesis, enclave, message, token: next()?.parse()? })
    }
}

impl fmt::Display for OperatorData<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { purpose, genesis, enclave, message, token } = self;
        write!(f, "{purpose}_{genesis}_{enclave}_{message}_{token}")
    }
}

#[cfg(test)]
mod tests {
    use alloc::{string::ToString, vec};

    use super::*;

    fn header(recipients: usize) -> Header {
        let origin = Origin {
            genesis_hash: [1; 32],
            slot_id: 2,
            account: [3; 32],
            is_shared: true,
            begun_at: 4,
            key_hash: [5; 32],
        };
        let recipient = |index: usize| Recipient {
            account: [index as u8; 32],
            wrapped: [index as u8; WRAPPED_LEN],
        };
        Header { origin, recipients: (0..recipients).map(recipient).collect() }
    }

    #[test]
    fn the_largest_head_is_read_and_a_larger_one_is_not() {
        let largest = header(MAX_RECIPIENTS);
        let bytes = largest.encode();
        assert!(bytes.len() <= MAX_HEADER_LEN);
        assert_eq!(Header::read(&bytes), Some(largest.clone()));
        assert_eq!(largest.wrapped_for(&[7; 32]), Some(&[7; WRAPPED_LEN]));
        assert_eq!(largest.wrapped_for(&[99; 32]), None);
        assert_eq!(Header::read(&header(MAX_RECIPIENTS + 1).encode()), None);
        for length in 0..bytes.len() {
            assert_eq!(Header::read(&bytes[..length]), None);
        }
        assert_eq!(Header::read(&[bytes, vec![0]].concat()), None);
    }

    #[test]
    fn signed_data_is_put_together_and_taken_apart() {
        let token = AuthToken { block_number: 7, validity: 15 };
        let (genesis, enclave, message) = ("ab", "5x", "AAA=");
        let purpose = Purpose::Backup.name();
        let data = OperatorData { purpose, genesis, enclave, message, token };
        let text = data.to_string();
        assert_eq!(text, "BACKUP_ab_5x_AAA=_7_15");
        assert_eq!(OperatorData::parse(&text), Ok(data));
        for text in ["", "BACKUP", "BACKUP_ab_5x_AAA="] {
            assert_eq!(OperatorData::parse(text), Err(PacketError::Format));
        }
        for text in ["BACKUP_ab_5x_AAA=_7", "BACKUP_ab_5x_AAA=_7_x", "BACKUP_ab_5x_AAA=_7_15_1"] {
            assert_eq!(OperatorData::parse(text), Err(PacketError::Token));
        }
    }
}

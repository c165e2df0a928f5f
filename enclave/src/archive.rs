// SPDX-License-Identifier: Apache-2.0
//! Archives of cold backups: shares under a random key, which is wrapped for the enclaves that may
//! open it. Bytes and rules: `docs/protocols/backup.md`.
//!
//! An archive's key never leaves an enclave but wrapped, or within the proven channel to another
//! one. The enclave keeps nothing between requests: whoever it makes an archive for, or restores one
//! for, brings the key back, sealed as a *ticket*. A ticket for making one is not good for restoring
//! one and the reverse: anybody can wrap a key of his own for an enclave, and what is sealed under
//! such a key is not secret.

use std::{fmt, sync::Arc};

use codec::{Decode, DecodeAll, Encode};
use snow::Builder;
use sp_crypto_hashing::blake2_256;
use tee_primitives::{
    archive::{Chunk, Header, Origin, Purpose, Recipient, Ticket, WRAPPED_LEN},
    Hash, RawAccountId,
};
use tokio::sync::{Semaphore, SemaphorePermit};
use zeroize::{Zeroize, Zeroizing};

use crate::{
    account::Account,
    chain::Chain,
    seal::{self, SealError, Sealer},
    sync::{
        message::{self, SharedRecord},
        pull::Dialer,
    },
};

/// Longest list of shares in a chunk, in bytes. Sealing adds 40.
pub const MAX_SHARES_LEN: usize = 8_000;

const PATTERN: &str = "Noise_N_25519_ChaChaPoly_BLAKE2s";
const KEY_DOMAIN: &[u8; 20] = b"TIP500-ARCHIVE-KEY/1";
const WRAP_DOMAIN: &[u8; 21] = b"TIP500-ARCHIVE-WRAP/1";
const HEADER_DOMAIN: &[u8; 23] = b"TIP500-ARCHIVE-HEADER/1";
const CHUNK_DOMAIN: &[u8; 22] = b"TIP500-ARCHIVE-CHUNK/1";
const TICKET_DOMAIN: &[u8; 23] = b"TIP500-ARCHIVE-TICKET/1";

/// Requests about archives that are worked on at the same time.
const AT_ONCE: usize = 2;

/// The key of an archive.
#[derive(Clone, Decode, Encode, Eq, PartialEq)]
pub struct ArchiveKey([u8; 32]);

impl ArchiveKey {
    /// Fails if the machine gives no randomness.
    pub fn random() -> Result<Self, SealError> {
        Ok(Self(*seal::random()?))
    }

    /// Names the key without telling anything about it.
    pub fn hash(&self) -> Hash {
        let preimage = message::encode(&(KEY_DOMAIN, &self.0));
        blake2_256(&preimage)
    }
}

impl fmt::Debug for ArchiveKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ArchiveKey([redacted])")
    }
}

impl Drop for ArchiveKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// What a key is wrapped for: this archive, whose origin names it, and this enclave.
fn prologue(origin: &Origin, recipient: &RawAccountId) -> Vec<u8> {
    (WRAP_DOMAIN, origin, recipient).encode()
}

/// Wraps a key for an enclave with this X25519 key.
fn wrap(
    key: &ArchiveKey,
    origin: &Origin,
    recipient: &RawAccountId,
    encryption_key: &[u8; 32],
) -> Result<[u8; WRAPPED_LEN], SealError> {
    let wrap = || {
        let prologue = prologue(origin, recipient);
        let builder = Builder::new(PATTERN.parse()?).prologue(&prologue);
        let mut handshake = builder.remote_public_key(encryption_key).build_initiator()?;
        let mut wrapped = [0; WRAPPED_LEN];
        let length = handshake.write_message(&key.0, &mut wrapped)?;
        Ok::<_, snow::Error>((wrapped, length))
    };
    match wrap() {
        Ok((wrapped, WRAPPED_LEN)) => Ok(wrapped),
        Ok(_) | Err(_) => Err(SealError::DoesNotOpen),
    }
}

/// The key of an archive, if it is wrapped for this enclave and the head is as it was made.
pub fn unwrap(account: &Account, header: &Header) -> Option<ArchiveKey> {
    let own = account.id();
    let wrapped = header.wrapped_for(&own)?;
    let secret = account.encryption_secret();
    let prologue = prologue(&header.origin, &own);
    let builder = Builder::new(PATTERN.parse().ok()?).prologue(&prologue);
    let mut handshake = builder.local_private_key(&*secret).build_responder().ok()?;
    let mut key = Zeroizing::new([0; WRAPPED_LEN]);
    let length = handshake.read_message(wrapped, &mut *key).ok()?;
    let key = ArchiveKey(key.get(..length)?.try_into().ok()?);
    (key.hash() == header.origin.key_hash).then_some(key)
}

/// An archive whose key is known.
pub struct Archive {
    /// Its head.
    pub header: Header,
    hash: Hash,
    key: ArchiveKey,
}

impl Archive {
    /// A new archive under this key, which is wrapped for each of these accounts with its X25519
    /// key.
    pub fn new(
        key: ArchiveKey,
        origin: Origin,
        recipients: &[(RawAccountId, [u8; 32])],
    ) -> Result<Self, SealError> {
        let wrapped = recipients.iter().map(|(account, encryption_key)| {
            let wrapped = wrap(&key, &origin, account, encryption_key)?;
            Ok(Recipient { account: *account, wrapped })
        });
        let header = Header { origin, recipients: wrapped.collect::<Result<_, _>>()? };
        Self::with_key(header, key).ok_or(SealError::DoesNotOpen)
    }

    /// The archive with this head; `None` if the key is not its key.
    pub fn with_key(header: Header, key: ArchiveKey) -> Option<Self> {
        let hash = header_hash(&header);
        (key.hash() == header.origin.key_hash).then_some(Self { header, hash, key })
    }

    /// Brings the key to the next request.
    pub fn ticket(&self, account: &Account, purpose: Purpose) -> Result<Ticket, SealError> {
        tickets(account).seal(&ticket_context(&self.hash, purpose), &self.key.0)
    }

    /// The archive with this head, if this start of the enclave gave the ticket for it and for this
    /// purpose.
    pub fn redeem(
        header: Header,
        ticket: &[u8],
        account: &Account,
        purpose: Purpose,
    ) -> Option<Self> {
        let hash = header_hash(&header);
        let key = tickets(account).open(&ticket_context(&hash, purpose), ticket).ok()?;
        Self::with_key(header, ArchiveKey(key.as_slice().try_into().ok()?))
    }

    fn chunk_context(&self, index: u32, is_last: bool) -> Vec<u8> {
        (CHUNK_DOMAIN, self.hash, index, is_last).encode()
    }

    /// Seals shares for their place.
    pub fn seal(
        &self,
        index: u32,
        is_last: bool,
        shares: &Vec<SharedRecord>,
    ) -> Result<Vec<u8>, SealError> {
        let context = self.chunk_context(index, is_last);
        Sealer::new(&self.key.0).seal(&context, &message::encode(shares))
    }

    /// The shares of a chunk; `None` if it was changed, or belongs to another place or archive.
    pub fn open(&self, chunk: &Chunk) -> Option<Vec<SharedRecord>> {
        let context = self.chunk_context(chunk.index, chunk.is_last);
        let shares = Sealer::new(&self.key.0).open(&context, &chunk.sealed).ok()?;
        Vec::decode_all(&mut shares.as_slice()).ok()
    }
}

fn header_hash(header: &Header) -> Hash {
    blake2_256(&(HEADER_DOMAIN, header).encode())
}

fn tickets(account: &Account) -> Sealer {
    Sealer::new(&account.secret_of_start(TICKET_DOMAIN))
}

fn ticket_context(header: &Hash, purpose: Purpose) -> Vec<u8> {
    (TICKET_DOMAIN, purpose.name(), header).encode()
}

/// What requests about archives work with.
pub struct Archives {
    /// The chain, without what others have read lately: all of the store is compared with it.
    pub chain: Arc<dyn Chain>,
    /// Asks other enclaves for keys.
    pub dialer: Dialer,
    permits: Semaphore,
}

impl Archives {
    /// With its bound of requests at the same time.
    pub fn new(chain: Arc<dyn Chain>, dialer: Dialer) -> Self {
        Self { chain, dialer, permits: Semaphore::new(AT_ONCE) }
    }

    /// Lets a request be worked on; `None` if there are as many as there can be.
    pub fn permit(&self) -> Option<SemaphorePermit<'_>> {
        self.permits.try_acquire().ok()
    }
}

#[cfg(test)]
mod tests;

// SPDX-License-Identifier: Apache-2.0
//! The first block of the store's file: whose it is, and the key to the rest.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `TEESTOR1` |
//! | 32 | the enclave's account |
//! | 32 | the chain's genesis hash |
//! | 72 | the store's data key, random, sealed under the platform's seal key for this account and chain |
//!
//! It is written once, before the file gets its name. Account and chain stand in it so that a mistake
//! of whoever starts the enclave can be told from a loss; what decides is whether the key opens.

use redb::StorageBackend;
use tee_primitives::{Hash, RawAccountId};
use zeroize::Zeroizing;

use super::{pages::BLOCK, StoreError};
use crate::seal::{self, Sealer};

const MAGIC: &[u8; 8] = b"TEESTOR1";
const DATA_KEY_CONTEXT: &[u8] = b"TIP500-DATA-KEY/2";

/// A data key with the nonce and the tag of its seal.
const SEALED_LEN: usize = 24 + 32 + 16;

/// Whose store it is.
pub(super) struct Owner<'a> {
    /// The machine's key, which wraps the data key.
    pub(super) seal_key: &'a Sealer,
    /// The enclave's account.
    pub(super) account: &'a RawAccountId,
    /// Hash of the chain's first block.
    pub(super) genesis: &'a Hash,
}

impl Owner<'_> {
    /// The key opens for nobody else, whatever else the header says.
    fn context(&self) -> Vec<u8> {
        [DATA_KEY_CONTEXT, self.account, self.genesis].concat()
    }
}

/// Writes the header of a new store, with a new data key.
pub(super) fn create(
    file: &dyn StorageBackend,
    owner: &Owner<'_>,
) -> Result<Zeroizing<[u8; 32]>, StoreError> {
    let data_key = seal::random::<32>().map_err(StoreError::DataKey)?;
    let sealed = owner.seal_key.seal(&owner.context(), &*data_key).map_err(StoreError::DataKey)?;
    let mut header = [MAGIC.as_slice(), owner.account, owner.genesis, &sealed].concat();
    header.resize(BLOCK, 0);
    let written = file.set_len(BLOCK as u64).and_then(|()| file.write(0, &header));
    written.map_err(redb::StorageError::Io)?;
    Ok(data_key)
}

/// Reads a header: the data key.
pub(super) fn read(
    file: &dyn StorageBackend,
    owner: &Owner<'_>,
) -> Result<Zeroizing<[u8; 32]>, StoreError> {
    let mut header = [0; BLOCK];
    file.read(0, &mut header).map_err(redb::StorageError::Io)?;
    let no_store = StoreError::Corrupt("it does not begin as a store does");
    let Some((magic, rest)) = header.split_first_chunk::<8>() else { return Err(no_store) };
    let Some((account, rest)) = rest.split_first_chunk::<32>() else { return Err(no_store) };
    let Some((genesis, rest)) = rest.split_first_chunk::<32>() else { return Err(no_store) };
    let Some((sealed, _)) = rest.split_first_chunk::<SEALED_LEN>() else { return Err(no_store) };
    if magic != MAGIC {
        return Err(no_store);
    }
    match owner.seal_key.open(&owner.context(), sealed) {
        Ok(data_key) => match data_key.as_slice().try_into() {
            Ok(data_key) => Ok(Zeroizing::new(data_key)),
            Err(_) => Err(StoreError::Corrupt("a data key of another length")),
        },
        Err(_) if account != owner.account => Err(StoreError::AnotherAccount),
        Err(_) if genesis != owner.genesis => Err(StoreError::AnotherChain),
        Err(error) => Err(StoreError::DataKey(error)),
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Who confirmed a keyshare, from the finalized blocks themselves.

use std::ops::RangeInclusive;

use codec::Decode;
use subxt::events::Phase;
use tee_primitives::{
    cluster::{ClusterId, SlotId},
    keyshare::{Commitment, KeyshareKind, Split, Version},
    nft::NftId,
    BlockNumber, RawAccountId,
};

use super::{bounded, Chain, ChainBlock, ChainError};

/// Most blocks that are looked through at once.
pub const MAX_BLOCKS: u32 = 10_000;

/// `TEE.KeyshareConfirmed`, in the order of its fields.
#[derive(Clone, Debug, Decode, Eq, PartialEq)]
pub struct KeyshareConfirmed {
    /// The NFT.
    pub nft_id: NftId,
    /// What of the NFT.
    pub kind: KeyshareKind,
    /// The version.
    pub version: Version,
    /// The enclave's cluster.
    pub cluster_id: ClusterId,
    /// The enclave's slot.
    pub slot_id: SlotId,
    /// The enclave's account.
    pub enclave: RawAccountId,
    /// The splitting its share belongs to.
    pub split: Split,
    /// Its share's commitment.
    pub commitment: Commitment,
}

/// `TEE.KeyshareSynced`, in the order of its fields.
#[derive(Clone, Debug, Decode, Eq, PartialEq)]
pub struct KeyshareSynced {
    /// The NFT.
    pub nft_id: NftId,
    /// What of the NFT.
    pub kind: KeyshareKind,
    /// The version.
    pub version: Version,
    /// The cluster that confirmed it.
    pub cluster_id: ClusterId,
}

/// A confirmation and where it stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Confirmation {
    /// The block it stands in.
    pub block_number: BlockNumber,
    /// Who signed the transaction.
    pub signer: RawAccountId,
    /// What it says.
    pub event: KeyshareConfirmed,
}

/// How an NFT's keyshare became synced.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SyncHistory {
    /// The confirmations, in order.
    pub confirmations: Vec<Confirmation>,
    /// The block of `KeyshareSynced` and what it says, if it is there.
    pub synced: Option<(BlockNumber, KeyshareSynced)>,
}

/// Looks through finalized `blocks`, at most [`MAX_BLOCKS`], for the confirmations of an NFT's
/// keyshare.
pub async fn sync_history(
    chain: &Chain,
    nft_id: NftId,
    kind: KeyshareKind,
    blocks: RangeInclusive<BlockNumber>,
) -> Result<SyncHistory, ChainError> {
    let mut history = SyncHistory::default();
    check_length(&blocks)?;
    for number in blocks {
        let block = chain.finalized_block(number).await?;
        read_block(&block, nft_id, kind, &mut history).await?;
    }
    Ok(history)
}

fn check_length(blocks: &RangeInclusive<BlockNumber>) -> Result<(), ChainError> {
    // One less than the length, which may not fit.
    if blocks.end().saturating_sub(*blocks.start()) < MAX_BLOCKS {
        return Ok(());
    }
    Err(ChainError::TooManyBlocks { limit: MAX_BLOCKS })
}

async fn read_block(
    block: &ChainBlock,
    nft_id: NftId,
    kind: KeyshareKind,
    history: &mut SyncHistory,
) -> Result<(), ChainError> {
    const WHAT: &str = "the events of a block";
    let block_number = block.number();
    let events = bounded(WHAT, block.client().events().fetch()).await?;
    for event in events.iter() {
        let event = event.map_err(|error| ChainError::node(WHAT, error))?;
        let mut fields = event.field_bytes();
        match (event.pallet_name(), event.event_name()) {
            ("TEE", "KeyshareConfirmed") => {
                let confirmed = KeyshareConfirmed::decode(&mut fields)
                    .map_err(|_| ChainError::Decode("TEE.KeyshareConfirmed"))?;
                if (confirmed.nft_id, confirmed.kind) != (nft_id, kind) {
                    continue;
                }
                let signer = signer_of(block, event.phase()).await?;
                let confirmation = Confirmation { block_number, signer, event: confirmed };
                history.confirmations.push(confirmation);
            }
            ("TEE", "KeyshareSynced") => {
                let synced = KeyshareSynced::decode(&mut fields)
                    .map_err(|_| ChainError::Decode("TEE.KeyshareSynced"))?;
                if (synced.nft_id, synced.kind) == (nft_id, kind) {
                    history.synced = Some((block_number, synced));
                }
            }
            _ => (),
        }
    }
    Ok(())
}

/// The account that signed the transaction in which an event happened.
async fn signer_of(block: &ChainBlock, phase: Phase) -> Result<RawAccountId, ChainError> {
    const WHAT: &str = "the transactions of a block";
    /// `MultiAddress::Id`.
    const ID: u8 = 0;
    let Phase::ApplyExtrinsic(index) = phase else {
        return Err(ChainError::Missing("the transaction of a confirmation"));
    };
    let extrinsics = bounded(WHAT, block.client().extrinsics().fetch()).await?;
    let extrinsic = extrinsics
        .iter()
        .find(|extrinsic| {
            extrinsic.as_ref().is_ok_and(|extrinsic| extrinsic.index() == index as usize)
        })
        .ok_or(ChainError::Missing("the transaction of a confirmation"))?
        .map_err(|error| ChainError::node(WHAT, error))?;
    match extrinsic.address_bytes() {
        Some([ID, account @ ..]) => {
            account.try_into().map_err(|_| ChainError::Decode("a transaction's signer"))
        }
        _ => Err(ChainError::Decode("a transaction's signer")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_that_is_too_long_is_refused_not_cut() {
        assert!(check_length(&(5..=MAX_BLOCKS + 4)).is_ok());
        for blocks in [5..=MAX_BLOCKS + 5, 0..=BlockNumber::MAX] {
            assert!(matches!(check_length(&blocks), Err(ChainError::TooManyBlocks { .. })));
        }
    }
}

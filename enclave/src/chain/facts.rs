// SPDX-License-Identifier: Apache-2.0
//! What the chain stores, decoded. Keys and types are compiled in: a node cannot redefine them.

use codec::{Decode, DecodeAll};
use tee_primitives::{
    abi::storage,
    cluster::{Cluster, ClusterId, ClusterType, SlotId},
    keyshare::{KeyshareKind, KeyshareStatus},
    nft::{NftData, NftId},
    RawAccountId,
};

use super::{At, Chain, ChainError, Values};

/// An NFT as the chain stores it.
pub type Nft = NftData<RawAccountId, Vec<u8>>;

/// What decides about storing and retrieving, of one NFT at one block.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NftFacts {
    /// The NFT, if there is one.
    pub nft: Option<Nft>,
    /// Its keyshares.
    pub keyshares: KeyshareStatus,
}

/// Where the enclave serves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Assignment {
    /// Its cluster.
    pub cluster_id: ClusterId,
    /// Its slot there.
    pub slot_id: SlotId,
    /// Whom the cluster serves.
    pub cluster_type: ClusterType,
}

/// Takes one value out of an answer.
pub fn decode<T: Decode>(value: Option<Vec<u8>>) -> Result<Option<T>, ChainError> {
    value
        .map(|bytes| {
            T::decode_all(&mut bytes.as_slice())
                .map_err(|_| ChainError::Malformed("a stored value is not of the expected type"))
        })
        .transpose()
}

/// Reads `N` values at one block.
pub async fn read<const N: usize>(
    chain: &dyn Chain,
    at: At,
    keys: [Vec<u8>; N],
) -> Result<[Option<Vec<u8>>; N], ChainError> {
    let values: Values = chain.read(at, keys.into()).await?;
    values.try_into().map_err(|_| ChainError::Malformed("another number of values than asked for"))
}

/// What decides about storing and retrieving.
pub async fn nft(
    chain: &dyn Chain,
    at: At,
    nft_id: NftId,
    kind: KeyshareKind,
) -> Result<NftFacts, ChainError> {
    let [nft, keyshares] =
        read(chain, at, [storage::nft(nft_id), storage::keyshares(nft_id, kind)]).await?;
    Ok(NftFacts { nft: decode(nft)?, keyshares: decode(keyshares)?.unwrap_or_default() })
}

/// Where the enclave is assigned as `operator`'s; `None` if it is not.
pub async fn assignment(
    chain: &dyn Chain,
    at: At,
    enclave: &RawAccountId,
    operator: &RawAccountId,
) -> Result<Option<Assignment>, ChainError> {
    let [chain_operator, cluster_id] = read(
        chain,
        at,
        [storage::enclave_account_operator(enclave), storage::enclave_cluster_id(operator)],
    )
    .await?;
    let chain_operator: Option<RawAccountId> = decode(chain_operator)?;
    let (true, Some(cluster_id)) =
        (chain_operator.as_ref() == Some(operator), decode::<ClusterId>(cluster_id)?)
    else {
        return Ok(None);
    };
    let [cluster] = read(chain, at, [storage::cluster_data(cluster_id)]).await?;
    let cluster: Option<Cluster<Vec<(RawAccountId, SlotId)>>> = decode(cluster)?;
    Ok(cluster.and_then(|cluster| {
        let (_, slot_id) = cluster.enclaves.iter().find(|(member, _)| member == operator)?;
        Some(Assignment { cluster_id, slot_id: *slot_id, cluster_type: cluster.cluster_type })
    }))
}

// SPDX-License-Identifier: Apache-2.0
//! What the chain stores, decoded. Keys and types are compiled in: a node cannot redefine them.

use std::collections::{BTreeMap, BTreeSet};

use codec::{Decode, DecodeAll};
use tee_primitives::{
    abi::storage,
    attestation::{
        collateral::{CollateralId, PckCa},
        record::{AllowedMeasurement, AttestationRecord, Fmspc},
        tcb::TcbPolicy,
        PlatformId,
    },
    authorisation::Role,
    cluster::{Cluster, ClusterId, ClusterType, Enclave, MetricsServer, SlotId},
    keyshare::{KeyshareKind, KeyshareStatus, SyncLogEntry},
    nft::{NftData, NftId},
    rent::RentContractData,
    BlockNumber, RawAccountId,
};

use super::{At, Chain, ChainError, Values};
use crate::identity::Identity;

/// An NFT as the chain stores it.
pub type Nft = NftData<RawAccountId, Vec<u8>>;

/// A rental contract as the chain stores it.
pub type Contract = RentContractData<RawAccountId, u128, Vec<RawAccountId>>;

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

/// An attestation as the chain keeps it.
pub type Record = AttestationRecord<RawAccountId>;

/// What decides about the own attestation, at one block.
#[derive(Clone, Debug)]
pub struct OwnAttestation {
    /// What the runtime's storage and calls are like; `None` if it does not say.
    pub abi: Option<u32>,
    /// DER of the certificate that the chain trusts.
    pub root: Option<Vec<u8>>,
    /// The chain's time, in seconds since the Unix epoch.
    pub now: u64,
    /// The newest attestation of the own account, whatever it says.
    pub record: Option<Record>,
    /// What governance has decided about the own measurement.
    pub measurement: Option<AllowedMeasurement>,
    /// Whether governance has banned the record's machine.
    pub is_platform_banned: bool,
    /// Which platforms are accepted.
    pub policy: TcbPolicy,
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

/// Reads values at one block: as many as there are keys.
pub async fn values(chain: &dyn Chain, at: At, keys: Vec<Vec<u8>>) -> Result<Values, ChainError> {
    let asked = keys.len();
    if asked == 0 {
        return Ok(Vec::new());
    }
    let values = chain.read(at, keys).await?;
    if values.len() != asked {
        return Err(ChainError::Malformed("another number of values than asked for"));
    }
    Ok(values)
}

/// Reads `N` values at one block.
pub async fn read<const N: usize>(
    chain: &dyn Chain,
    at: At,
    keys: [Vec<u8>; N],
) -> Result<[Option<Vec<u8>>; N], ChainError> {
    let values = values(chain, at, keys.into()).await?;
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

/// What decides about viewing, of one NFT at one block.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ViewFacts {
    /// The NFT and its keyshares.
    pub nft: NftFacts,
    /// Who has the role that was asked for, besides the owner.
    pub holder: Option<RawAccountId>,
}

/// What decides about viewing in a role, all of it at one block. `block` is that block's number: it
/// decides whether a rental contract runs.
pub async fn viewed(
    chain: &dyn Chain,
    at: At,
    block: BlockNumber,
    nft_id: NftId,
    kind: KeyshareKind,
    role: Role,
) -> Result<ViewFacts, ChainError> {
    let mut keys = vec![storage::nft(nft_id), storage::keyshares(nft_id, kind)];
    keys.extend(match role {
        Role::Owner => None,
        Role::Delegatee => Some(storage::delegated_nft(nft_id)),
        Role::Rentee => Some(storage::rent_contract(nft_id)),
    });
    let mut values = values(chain, at, keys).await?.into_iter();
    let mut next = || values.next().flatten();
    let nft = NftFacts { nft: decode(next())?, keyshares: decode(next())?.unwrap_or_default() };
    let holder = match role {
        Role::Owner => None,
        Role::Delegatee => decode(next())?,
        Role::Rentee => {
            let contract: Option<Contract> = decode(next())?;
            contract.and_then(|contract| contract.active_rentee(block).copied())
        }
    };
    Ok(ViewFacts { nft, holder })
}

/// What the chain has of something that is held here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Standing {
    /// Its keyshares.
    pub keyshares: KeyshareStatus,
    /// Whether there is no such NFT any more, or it no longer carries content of this kind. An NFT
    /// that was not minted yet is not gone.
    pub is_gone: bool,
}

/// What the chain has of these, all of it at one block. Each may be named more than once.
pub async fn standings(
    chain: &dyn Chain,
    at: At,
    of: impl Iterator<Item = (NftId, KeyshareKind)>,
) -> Result<BTreeMap<(NftId, KeyshareKind), Standing>, ChainError> {
    let of: BTreeSet<_> = of.collect();
    if of.is_empty() {
        return Ok(BTreeMap::new());
    }
    let keys = of
        .iter()
        .flat_map(|(nft_id, kind)| [storage::nft(*nft_id), storage::keyshares(*nft_id, *kind)]);
    let keys = [storage::next_nft_id()].into_iter().chain(keys).collect();
    let mut values = values(chain, at, keys).await?.into_iter();
    let next_nft_id: NftId = decode(values.next().flatten())?.unwrap_or_default();
    of.into_iter()
        .map(|(nft_id, kind)| {
            let nft: Option<Nft> = decode(values.next().flatten())?;
            let keyshares = decode(values.next().flatten())?.unwrap_or_default();
            let is_gone = match nft {
                Some(nft) => !nft.state.carries(kind),
                None => nft_id < next_nft_id,
            };
            Ok(((nft_id, kind), Standing { keyshares, is_gone }))
        })
        .collect()
}

/// Entries of the chain's sync log. One that is not there is an error: the chain has counted it.
pub async fn sync_log(
    chain: &dyn Chain,
    at: At,
    entries: impl Iterator<Item = u64>,
) -> Result<Vec<SyncLogEntry>, ChainError> {
    let values = values(chain, at, entries.map(storage::sync_log).collect()).await?;
    let missing = ChainError::Malformed("an entry of the sync log is missing");
    values.into_iter().map(|value| decode(value)?.ok_or(missing.clone())).collect()
}

/// Whether an account is one of the chain's metrics servers, and how many syncs the chain has logged.
pub async fn metrics_server(
    chain: &dyn Chain,
    at: At,
    account: &RawAccountId,
) -> Result<(bool, u64), ChainError> {
    let [servers, count] =
        read(chain, at, [storage::metrics_servers(), storage::sync_count()]).await?;
    let servers: Vec<MetricsServer<RawAccountId>> = decode(servers)?.unwrap_or_default();
    let is_named = servers.iter().any(|server| server.metrics_server_address == *account);
    Ok((is_named, decode(count)?.unwrap_or_default()))
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

/// What decides about the own attestation. `machine` is the record's machine, as far as it is known
/// from an earlier block: all is read at once then.
pub async fn attestation(
    chain: &dyn Chain,
    at: At,
    own: &Identity,
    machine: Option<PlatformId>,
) -> Result<OwnAttestation, ChainError> {
    let keys = [
        storage::enclave_abi(),
        storage::attestation_root(),
        storage::now(),
        storage::attestation(&own.account),
        storage::allowed_measurement(&own.measurement),
        storage::tcb_policy(),
        storage::banned_platform(&machine.unwrap_or_default()),
    ];
    let [abi, root, now, record, measurement, policy, ban] = read(chain, at, keys).await?;
    let record: Option<Record> = decode(record)?;
    let is_platform_banned = match record.as_ref().map(|record| record.facts.platform) {
        None => false,
        Some(platform) if Some(platform) == machine => ban.is_some(),
        Some(platform) => {
            let [ban] = read(chain, at, [storage::banned_platform(&platform)]).await?;
            ban.is_some()
        }
    };
    let milliseconds: u64 = decode(now)?.unwrap_or_default();
    Ok(OwnAttestation {
        abi: decode(abi)?,
        root: decode(root)?,
        now: milliseconds / 1000,
        record,
        measurement: decode(measurement)?,
        is_platform_banned,
        policy: decode(policy)?.unwrap_or_default(),
    })
}

/// Whether the operator has named the enclave: the chain refuses the attestation of one that it has
/// not. An approved successor is not seen here.
pub async fn is_named(chain: &dyn Chain, at: At, own: &Identity) -> Result<bool, ChainError> {
    let keys = [
        storage::enclave_account_operator(&own.account),
        storage::enclave_data(&own.operator),
        storage::enclave_registration(&own.operator),
        storage::enclave_update(&own.operator),
    ];
    let [serves, seat, registration, update] = read(chain, at, keys).await?;
    // Whose account serves one operator works for no other.
    if let Some(operator) = decode::<RawAccountId>(serves)? {
        return Ok(operator == own.operator);
    }
    for enclave in [seat, registration, update] {
        let enclave: Option<Enclave<RawAccountId, Vec<u8>>> = decode(enclave)?;
        if enclave.is_some_and(|enclave| enclave.enclave_address == own.account) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Which of the documents that judge a machine's quotes the chain lacks, in the order in which it
/// takes them.
pub async fn missing_collateral(
    chain: &dyn Chain,
    at: At,
    ca: PckCa,
    fmspc: Fmspc,
) -> Result<Vec<CollateralId>, ChainError> {
    let documents = [
        (CollateralId::RootCrl, storage::root_crl()),
        (CollateralId::PckCrl(ca), storage::pck_crl(ca)),
        (CollateralId::TcbInfo(fmspc), storage::tcb_info(&fmspc)),
        (CollateralId::QeIdentity, storage::qe_identity()),
    ];
    let values = read(chain, at, documents.clone().map(|(_, key)| key)).await?;
    let missing = documents.into_iter().zip(values).filter(|(_, value)| value.is_none());
    Ok(missing.map(|((id, _), _)| id).collect())
}

// SPDX-License-Identifier: Apache-2.0
//! Reads at one block.

use codec::{Decode, DecodeAll};
use subxt::{
    client::OnlineClientAtBlock,
    dynamic,
    error::StorageError,
    ext::{
        scale_decode::DecodeAsType,
        scale_value::{scale::decode_as_type, Value},
    },
    storage::StorageValue,
    SubstrateConfig,
};
use tee_primitives::{
    abi::storage,
    cluster::{Cluster, ClusterId, Enclave, SlotId, CLUSTER_SIZE},
    keyshare::{KeyshareKind, KeyshareStatus},
    nft::{NftData, NftId},
    traits::AttestationFacts,
    BlockNumber, Hash, RawAccountId,
};

use super::{
    bounded,
    calls::{self, Call},
    ChainError,
};
use crate::cluster::{Member, Members};

/// An NFT as the chain stores it.
pub type Nft = NftData<RawAccountId, Vec<u8>>;

/// `TEE.Migrations`, in the order of its fields.
type Migration = (Enclave<RawAccountId, Vec<u8>>, AttestationFacts, BlockNumber);

/// The chain's state at one block. Every read of one value sees the same state.
#[derive(Clone, Debug)]
pub struct ChainBlock {
    at: OnlineClientAtBlock<SubstrateConfig>,
    number: BlockNumber,
}

impl ChainBlock {
    pub(super) fn new(at: OnlineClientAtBlock<SubstrateConfig>) -> Result<Self, ChainError> {
        let number = BlockNumber::try_from(at.block_number())
            .map_err(|_| ChainError::Decode("a block number"))?;
        Ok(Self { at, number })
    }

    /// Its number.
    pub fn number(&self) -> BlockNumber {
        self.number
    }

    /// Its hash.
    pub fn hash(&self) -> Hash {
        self.at.block_hash().0
    }

    /// subxt's client at this block, for what this type does not read.
    pub fn client(&self) -> &OnlineClientAtBlock<SubstrateConfig> {
        &self.at
    }

    /// The NFT, if it exists.
    pub async fn nft(&self, nft_id: NftId) -> Result<Option<Nft>, ChainError> {
        self.read("the NFT", storage::nft(nft_id)).await
    }

    /// The id that the next NFT will have.
    pub async fn next_nft_id(&self) -> Result<NftId, ChainError> {
        Ok(self.read("the next NFT id", storage::next_nft_id()).await?.unwrap_or_default())
    }

    /// What the chain knows of an NFT's keyshares.
    pub async fn keyshares(
        &self,
        nft_id: NftId,
        kind: KeyshareKind,
    ) -> Result<KeyshareStatus, ChainError> {
        let status = self.read("the NFT's keyshares", storage::keyshares(nft_id, kind)).await?;
        Ok(status.unwrap_or_default())
    }

    /// The cluster, if it exists.
    pub async fn cluster(
        &self,
        cluster_id: ClusterId,
    ) -> Result<Option<Cluster<Vec<(RawAccountId, SlotId)>>>, ChainError> {
        self.read("the cluster", storage::cluster_data(cluster_id)).await
    }

    /// The enclave of an assigned operator.
    pub async fn enclave(
        &self,
        operator: &RawAccountId,
    ) -> Result<Option<Enclave<RawAccountId, Vec<u8>>>, ChainError> {
        self.read("the enclave", storage::enclave_data(operator)).await
    }

    /// The enclave that an operator has registered and that waits for the committee.
    pub async fn registration(
        &self,
        operator: &RawAccountId,
    ) -> Result<Option<Enclave<RawAccountId, Vec<u8>>>, ChainError> {
        self.read("the registration", storage::enclave_registration(operator)).await
    }

    /// The enclave that an operator has named as successor.
    pub async fn update(
        &self,
        operator: &RawAccountId,
    ) -> Result<Option<Enclave<RawAccountId, Vec<u8>>>, ChainError> {
        self.read("the operator's update", storage::enclave_update(operator)).await
    }

    /// The successor that the committee has approved, and the last block in which it can take the
    /// slot over.
    pub async fn migration(
        &self,
        operator: &RawAccountId,
    ) -> Result<Option<(Enclave<RawAccountId, Vec<u8>>, BlockNumber)>, ChainError> {
        const WHAT: &str = "the approved successor";
        let key = [Value::from_bytes(operator)];
        let Some(bytes) = self.entry(WHAT, "TEE", "Migrations", key).await? else {
            return Ok(None);
        };
        let migration: Migration =
            DecodeAll::decode_all(&mut bytes.as_slice()).map_err(|_| ChainError::Decode(WHAT))?;
        let (enclave, _facts, until) = migration;
        Ok(Some((enclave, until)))
    }

    /// The cluster of an assigned operator.
    pub async fn cluster_of(
        &self,
        operator: &RawAccountId,
    ) -> Result<Option<ClusterId>, ChainError> {
        self.read("the operator's cluster", storage::enclave_cluster_id(operator)).await
    }

    /// The enclaves of a cluster with their addresses and attested keys, ordered by slot.
    pub async fn members(&self, cluster_id: ClusterId) -> Result<Members, ChainError> {
        let cluster = self.cluster(cluster_id).await?;
        let cluster = cluster.ok_or(ChainError::Missing("this cluster"))?;
        let cluster_type = cluster.cluster_type;
        let mut enclaves = Vec::with_capacity(cluster.enclaves.len().min(CLUSTER_SIZE as usize));
        for (operator, slot_id) in cluster.enclaves.into_iter().take(CLUSTER_SIZE as usize) {
            let enclave = self.enclave(&operator).await?;
            let enclave =
                enclave.ok_or(ChainError::Missing("the enclave of a cluster's member"))?;
            let url = String::from_utf8(enclave.api_uri)
                .map_err(|_| ChainError::Decode("an enclave's address"))?;
            let enclave_account = enclave.enclave_address;
            let attested = self.attested(&enclave_account, &operator).await?;
            let encryption_key = attested.live().map(|record| record.encryption_key);
            let tls_spki_hash = attested.record.map(|record| record.tls_spki_hash);
            enclaves.push(Member {
                slot_id,
                operator,
                enclave_account,
                url,
                tls_spki_hash: tls_spki_hash.unwrap_or_default(),
                encryption_key,
            });
        }
        enclaves.sort_by_key(|enclave| enclave.slot_id);
        Ok(Members { cluster_id, cluster_type, enclaves })
    }

    /// The id that the next cluster will have.
    pub async fn next_cluster_id(&self) -> Result<ClusterId, ChainError> {
        self.value("TEE", "NextClusterId").await
    }

    /// How many times keyshares became synced.
    pub async fn sync_count(&self) -> Result<u64, ChainError> {
        self.value("TEE", "SyncCount").await
    }

    /// What an operator must bond, in the smallest unit.
    pub async fn staking_amount(&self) -> Result<u128, ChainError> {
        self.value("TEE", "StakingAmount").await
    }

    /// What an account can spend or bond, in the smallest unit.
    pub async fn free_balance(&self, account: &RawAccountId) -> Result<u128, ChainError> {
        /// `frame_system::AccountInfo` up to the free balance.
        #[derive(Decode)]
        struct AccountInfo {
            _nonce: u32,
            _consumers: u32,
            _providers: u32,
            _sufficients: u32,
            free: u128,
        }
        const WHAT: &str = "the account's balance";
        let key = [Value::from_bytes(account)];
        let Some(info) = self.entry(WHAT, "System", "Account", key).await? else { return Ok(0) };
        let info = AccountInfo::decode(&mut info.as_slice());
        Ok(info.map_err(|_| ChainError::Decode(WHAT))?.free)
    }

    /// The SCALE-encoded value of an entry in any pallet's map; `what` names it in errors.
    pub async fn entry(
        &self,
        what: &'static str,
        pallet: &str,
        map: &str,
        keys: impl IntoIterator<Item = Value>,
    ) -> Result<Option<Vec<u8>>, ChainError> {
        let address = dynamic::storage::<Vec<Value>, Value>(pallet, map);
        let storage = self.at.storage();
        let value = bounded(what, storage.try_fetch(address, keys.into_iter().collect())).await?;
        Ok(value.map(StorageValue::into_bytes))
    }

    /// The answer of a runtime API to SCALE-encoded arguments; `what` names it in errors.
    pub async fn runtime_api(
        &self,
        what: &'static str,
        function: &str,
        arguments: &[u8],
    ) -> Result<Vec<u8>, ChainError> {
        let apis = self.at.runtime_apis();
        bounded(what, apis.call_raw(function, Some(arguments))).await
    }

    /// A call as the runtime encodes it.
    pub fn encode_call(&self, call: &Call) -> Result<Vec<u8>, ChainError> {
        let encoded = self.at.tx().call_data(call);
        encoded.map_err(|error| ChainError::node("the encoding of a call", error))
    }

    /// A call from its encoding.
    pub fn decode_call(&self, mut encoded: &[u8]) -> Result<Call, ChainError> {
        let metadata = self.at.metadata();
        let call_type = metadata.outer_enums().call_enum_ty();
        let call = decode_as_type(&mut encoded, call_type, metadata.types());
        let call = call.map_err(|_| ChainError::Decode("a call"))?;
        calls::from_value(call.remove_context()).ok_or(ChainError::Decode("a call"))
    }

    /// A pallet's constant.
    pub fn constant<T: DecodeAsType>(&self, pallet: &str, name: &str) -> Result<T, ChainError> {
        let value = self.at.constants().entry(dynamic::constant::<T>(pallet, name));
        value.map_err(|error| ChainError::node("a constant", error))
    }

    /// A pallet's plain storage value, or its default.
    pub async fn value<T: DecodeAsType>(&self, pallet: &str, name: &str) -> Result<T, ChainError> {
        const WHAT: &str = "a storage value";
        let address = dynamic::storage::<(), T>(pallet, name);
        let storage = self.at.storage();
        let value = bounded(WHAT, storage.fetch(address, ())).await?;
        value.decode().map_err(|error| ChainError::node(WHAT, error))
    }

    /// The value at a raw storage key.
    pub(super) async fn read<T: Decode>(
        &self,
        what: &'static str,
        key: Vec<u8>,
    ) -> Result<Option<T>, ChainError> {
        let storage = self.at.storage();
        let fetched = async {
            match storage.fetch_raw(key).await {
                Ok(bytes) => Ok(Some(bytes)),
                Err(StorageError::NoValueFound) => Ok(None),
                Err(error) => Err(error),
            }
        };
        let bytes = bounded(what, fetched).await?;
        let value = bytes.map(|bytes| T::decode_all(&mut bytes.as_slice())).transpose();
        value.map_err(|_| ChainError::Decode(what))
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Storage keys and call encodings that are compiled into enclaves.
//!
//! An enclave does not take these from metadata: a lying node's metadata could make it read
//! another value or sign another call. The runtime's tests compare every one of them with the
//! runtime itself.

use alloc::vec::Vec;

use codec::Encode;
use sp_crypto_hashing::{blake2_128, twox_128};

use crate::{
    attestation::{
        collateral::{CollateralItem, PckCa},
        record::Fmspc,
        AttestationPayload, Measurement, PlatformId,
    },
    cluster::ClusterId,
    keyshare::{KeyshareConfirmation, KeyshareKind, Version},
    nft::NftId,
    RawAccountId,
};

/// Counts the versions of what enclaves have compiled in: every storage key, value type and call
/// of this module. The runtime stores the number it keeps to ([`storage::enclave_abi`]). Who has
/// another number compiled in may read other values and sign other calls than it means: comparing
/// the two tells whether a program fits the runtime. Raised with every change, which the runtime's
/// tests enforce.
pub const ENCLAVE_ABI: u32 = 5 + cfg!(feature = "next-abi") as u32;

pub mod extrinsic;

/// Where values are in the chain's storage. Each function's value type stands in its
/// documentation; `A` is an account of 32 bytes.
pub mod storage {
    use super::*;

    const ATTESTATION: &str = "Attestation";
    const GRANDPA: &str = "Grandpa";
    const NFT: &str = "NFT";
    const RENT: &str = "Rent";
    const SYSTEM: &str = "System";
    const TEE: &str = "TEE";
    const TIMESTAMP: &str = "Timestamp";

    fn value(pallet: &str, item: &str) -> Vec<u8> {
        [twox_128(pallet.as_bytes()), twox_128(item.as_bytes())].concat()
    }

    fn map(pallet: &str, item: &str, keys: &[Vec<u8>]) -> Vec<u8> {
        let mut storage_key = value(pallet, item);
        for key in keys {
            storage_key.extend(blake2_128(key));
            storage_key.extend(key);
        }
        storage_key
    }

    /// `System.Account`: begins with the account's nonce, [`Nonce`](super::extrinsic::Nonce); the
    /// rest is not for enclaves.
    pub fn account(account: &RawAccountId) -> Vec<u8> {
        map(SYSTEM, "Account", &[account.encode()])
    }

    /// `System.LastRuntimeUpgrade`: begins with the runtime's version, `Compact<u32>`; the rest is not
    /// for enclaves.
    pub fn last_runtime_upgrade() -> Vec<u8> {
        value(SYSTEM, "LastRuntimeUpgrade")
    }

    /// `Grandpa.Authorities`: who finalizes blocks, a list of pairs of an Ed25519 key and a weight,
    /// `Vec<([u8; 32], u64)>`. At genesis; later ones are announced in blocks' digests.
    pub fn grandpa_authorities() -> Vec<u8> {
        value(GRANDPA, "Authorities")
    }

    /// `Timestamp.Now`: time of the block in milliseconds since the Unix epoch, `u64`.
    pub fn now() -> Vec<u8> {
        value(TIMESTAMP, "Now")
    }

    /// `Attestation.Root`: DER of the certificate that quotes and collateral must lead to,
    /// `Vec<u8>`.
    pub fn attestation_root() -> Vec<u8> {
        value(ATTESTATION, "Root")
    }

    /// `Attestation.Attestations`: [`AttestationRecord<A>`](crate::attestation::record::AttestationRecord).
    pub fn attestation(enclave: &RawAccountId) -> Vec<u8> {
        map(ATTESTATION, "Attestations", &[enclave.encode()])
    }

    /// `Attestation.AllowedMeasurements`:
    /// [`AllowedMeasurement`](crate::attestation::record::AllowedMeasurement).
    pub fn allowed_measurement(measurement: &Measurement) -> Vec<u8> {
        map(ATTESTATION, "AllowedMeasurements", &[measurement.encode()])
    }

    /// `Attestation.BannedPlatforms`: present, and empty, for a machine that is banned.
    pub fn banned_platform(platform: &PlatformId) -> Vec<u8> {
        map(ATTESTATION, "BannedPlatforms", &[platform.encode()])
    }

    /// `Attestation.Policy`: [`TcbPolicy`](crate::attestation::tcb::TcbPolicy), its default if
    /// absent.
    pub fn tcb_policy() -> Vec<u8> {
        value(ATTESTATION, "Policy")
    }

    /// `Attestation.RootCrl`: the certificates of authorities that the root has revoked,
    /// `tee_dcap::Crl`.
    pub fn root_crl() -> Vec<u8> {
        value(ATTESTATION, "RootCrl")
    }

    /// `Attestation.PckCrls`: the certificates of platforms that an authority has revoked,
    /// `tee_dcap::Crl`.
    pub fn pck_crl(ca: PckCa) -> Vec<u8> {
        map(ATTESTATION, "PckCrls", &[ca.encode()])
    }

    /// `Attestation.TcbInfos`: the TCB levels of a type of platform,
    /// `tee_dcap::Evaluated<tee_dcap::TcbInfo>`.
    pub fn tcb_info(fmspc: &Fmspc) -> Vec<u8> {
        map(ATTESTATION, "TcbInfos", &[fmspc.encode()])
    }

    /// `Attestation.QeIdentity`: what Intel's quoting enclave must show,
    /// `tee_dcap::Evaluated<tee_dcap::QeIdentity>`.
    pub fn qe_identity() -> Vec<u8> {
        value(ATTESTATION, "QeIdentity")
    }

    /// `NFT.NextNFTId`: [`NftId`], 0 if absent.
    pub fn next_nft_id() -> Vec<u8> {
        value(NFT, "NextNFTId")
    }

    /// `NFT.Nfts`: [`NftData<A, Vec<u8>>`](crate::nft::NftData).
    pub fn nft(nft_id: NftId) -> Vec<u8> {
        map(NFT, "Nfts", &[nft_id.encode()])
    }

    /// `NFT.DelegatedNFTs`: whom an NFT is delegated to, `A`.
    pub fn delegated_nft(nft_id: NftId) -> Vec<u8> {
        map(NFT, "DelegatedNFTs", &[nft_id.encode()])
    }

    /// `Rent.Contracts`: [`RentContractData<A, u128, Vec<A>>`](crate::rent::RentContractData).
    pub fn rent_contract(nft_id: NftId) -> Vec<u8> {
        map(RENT, "Contracts", &[nft_id.encode()])
    }

    /// `TEE.Keyshares`: [`KeyshareStatus`](crate::keyshare::KeyshareStatus).
    pub fn keyshares(nft_id: NftId, kind: KeyshareKind) -> Vec<u8> {
        map(TEE, "Keyshares", &[nft_id.encode(), kind.encode()])
    }

    /// `TEE.Confirmations`: [`SlotConfirmations<A>`](crate::keyshare::SlotConfirmations).
    pub fn confirmations(
        nft_id: NftId,
        kind: KeyshareKind,
        version: Version,
        cluster_id: ClusterId,
    ) -> Vec<u8> {
        map(TEE, "Confirmations", &[(nft_id, kind, version).encode(), cluster_id.encode()])
    }

    /// `TEE.SyncCount`: number of entries in the sync log, `u64`, 0 if absent.
    pub fn sync_count() -> Vec<u8> {
        value(TEE, "SyncCount")
    }

    /// `TEE.SyncLog`: [`SyncLogEntry`](crate::keyshare::SyncLogEntry).
    pub fn sync_log(index: u64) -> Vec<u8> {
        map(TEE, "SyncLog", &[index.encode()])
    }

    /// `TEE.MetricsServers`: who may ask which keyshares are held,
    /// `Vec<MetricsServer<A>>` of [`MetricsServer`](crate::cluster::MetricsServer), empty if absent.
    pub fn metrics_servers() -> Vec<u8> {
        value(TEE, "MetricsServers")
    }

    /// `TEE.EnclaveAbi`: [`ENCLAVE_ABI`], `u32`.
    pub fn enclave_abi() -> Vec<u8> {
        value(TEE, "EnclaveAbi")
    }

    /// `TEE.EnclaveAccountOperator`: the operator of an assigned enclave, `A`.
    pub fn enclave_account_operator(enclave: &RawAccountId) -> Vec<u8> {
        map(TEE, "EnclaveAccountOperator", &[enclave.encode()])
    }

    /// `TEE.EnclaveRegistrations`: the enclave of an operator that waits for governance,
    /// [`Enclave<A, Vec<u8>>`](crate::cluster::Enclave).
    pub fn enclave_registration(operator: &RawAccountId) -> Vec<u8> {
        map(TEE, "EnclaveRegistrations", &[operator.encode()])
    }

    /// `TEE.EnclaveUpdates`: the enclave that an operator has named as successor,
    /// [`Enclave<A, Vec<u8>>`](crate::cluster::Enclave).
    pub fn enclave_update(operator: &RawAccountId) -> Vec<u8> {
        map(TEE, "EnclaveUpdates", &[operator.encode()])
    }

    /// `TEE.Migrations`: the successor of an assigned operator's enclave that governance has approved,
    /// [`Migration<A, Vec<u8>, BlockNumber>`](crate::cluster::Migration).
    pub fn migration(operator: &RawAccountId) -> Vec<u8> {
        map(TEE, "Migrations", &[operator.encode()])
    }

    /// `TEE.DisabledClusters`: what a disabled cluster was, and is again when it is enabled,
    /// [`ClusterType`](crate::cluster::ClusterType).
    pub fn disabled_cluster(cluster_id: ClusterId) -> Vec<u8> {
        map(TEE, "DisabledClusters", &[cluster_id.encode()])
    }

    /// `TEE.NextClusterId`: how many clusters have been made, [`ClusterId`], 0 if absent.
    pub fn next_cluster_id() -> Vec<u8> {
        value(TEE, "NextClusterId")
    }

    /// `TEE.EnclaveClusterId`: the cluster of an assigned operator, [`ClusterId`].
    pub fn enclave_cluster_id(operator: &RawAccountId) -> Vec<u8> {
        map(TEE, "EnclaveClusterId", &[operator.encode()])
    }

    /// `TEE.EnclaveData`: the enclave of an assigned operator,
    /// [`Enclave<A, Vec<u8>>`](crate::cluster::Enclave).
    pub fn enclave_data(operator: &RawAccountId) -> Vec<u8> {
        map(TEE, "EnclaveData", &[operator.encode()])
    }

    /// `TEE.ClusterData`: [`Cluster<Vec<(A, SlotId)>>`](crate::cluster::Cluster).
    pub fn cluster_data(cluster_id: ClusterId) -> Vec<u8> {
        map(TEE, "ClusterData", &[cluster_id.encode()])
    }
}

/// Calls that enclaves sign.
pub mod calls {
    use super::*;

    /// Index of pallet TEE in the runtime.
    pub const TEE_PALLET: u8 = 34;

    /// Index of pallet Attestation in the runtime.
    pub const ATTESTATION_PALLET: u8 = 35;

    /// Index of `attest` in pallet Attestation.
    pub const ATTEST: u8 = 0;

    /// Index of `submit_collateral` in pallet Attestation.
    pub const SUBMIT_COLLATERAL: u8 = 1;

    /// `Attestation.attest(payload, quote)`.
    pub fn attest(payload: &AttestationPayload, quote: &[u8]) -> Vec<u8> {
        let mut call = Vec::from([ATTESTATION_PALLET, ATTEST]);
        (payload, quote).encode_to(&mut call);
        call
    }

    /// `Attestation.submit_collateral(item)`.
    pub fn submit_collateral(item: &CollateralItem) -> Vec<u8> {
        let mut call = Vec::from([ATTESTATION_PALLET, SUBMIT_COLLATERAL]);
        item.encode_to(&mut call);
        call
    }

    /// Index of `confirm_keyshares` in pallet TEE.
    pub const CONFIRM_KEYSHARES: u8 = 26;

    /// Index of `complete_update` in pallet TEE.
    pub const COMPLETE_UPDATE: u8 = 27;

    /// `TEE.complete_update(operator, cursor)`.
    pub fn complete_update(operator: &RawAccountId, cursor: u64) -> Vec<u8> {
        let mut call = Vec::from([TEE_PALLET, COMPLETE_UPDATE]);
        (operator, cursor).encode_to(&mut call);
        call
    }

    /// `TEE.confirm_keyshares(batch)`.
    pub fn confirm_keyshares(batch: &[KeyshareConfirmation]) -> Vec<u8> {
        let mut call = Vec::from([TEE_PALLET, CONFIRM_KEYSHARES]);
        batch.encode_to(&mut call);
        call
    }
}

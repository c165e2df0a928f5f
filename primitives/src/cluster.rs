// SPDX-License-Identifier: Apache-2.0
//! Clusters, their slots and the enclaves in them (TIP-500 "Cluster Network").

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::traits::AttestationFacts;

/// Index of a cluster. Cluster 0 is the one that published clients use by default.
pub type ClusterId = u32;

/// Index of an enclave's place in its cluster: `0..CLUSTER_SIZE`. Enclaves with the same slot in
/// different public clusters hold the same shares.
pub type SlotId = u32;

/// Enclaves in a cluster, which is also the number of shares a key is split into.
pub const CLUSTER_SIZE: u32 = 5;

/// Shares that rebuild a key.
pub const THRESHOLD: u8 = 3;

/// Longest URI, in bytes, at which an enclave can be reached.
pub const MAX_URI_LEN: u32 = 150;

/// Whom a cluster serves.
#[derive(
    Clone,
    Copy,
    Debug,
    Decode,
    DecodeWithMemTracking,
    Deserialize,
    Encode,
    Eq,
    MaxEncodedLen,
    PartialEq,
    Serialize,
    TypeInfo,
)]
pub enum ClusterType {
    /// Takes no new keyshares; what it holds is still served.
    Disabled,
    /// Holds no keyshares.
    Admin,
    /// Open to every NFT, and replicated between clusters.
    Public,
    /// TIP-500's enterprise cluster: never replicated to others.
    Private,
}

impl ClusterType {
    /// Whether confirmations by enclaves of such a cluster count.
    pub fn takes_keyshares(self) -> bool {
        matches!(self, Self::Public | Self::Private)
    }
}

/// A cluster. `Members` is a list of `(operator, slot)`, ordered by slot: published clients send
/// the n-th share to the n-th member.
#[derive(
    Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
pub struct Cluster<Members> {
    /// Operators and the slots of their enclaves, ordered by slot.
    pub enclaves: Members,
    /// Whom the cluster serves.
    pub cluster_type: ClusterType,
}

/// An enclave as its operator registered it.
#[derive(
    Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
pub struct Enclave<AccountId, Uri> {
    /// The account whose key was made inside the enclave.
    pub enclave_address: AccountId,
    /// Where its HTTP API is, for example `https://enclave.example:8000`.
    pub api_uri: Uri,
}

/// A successor that governance approved, which may copy the shares of a slot.
#[derive(
    Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
pub struct Migration<AccountId, Uri, BlockNumber> {
    /// The successor.
    pub enclave: Enclave<AccountId, Uri>,
    /// What it had proven when it was approved.
    pub facts: AttestationFacts,
    /// The last block in which it can take the slot over.
    pub until: BlockNumber,
}

/// Who reports on the service of the operators of one type of cluster.
#[derive(
    Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
pub struct MetricsServer<AccountId> {
    /// The server's account.
    pub metrics_server_address: AccountId,
    /// On which type of clusters it reports.
    pub supported_cluster_type: ClusterType,
}

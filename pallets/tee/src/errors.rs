// SPDX-License-Identifier: Apache-2.0
//! Why a call fails, each as a sentence for its user.

use frame_support::pallet_macros::pallet_section;

/// The errors.
#[pallet_section]
mod errors {
    #[pallet::error]
    pub enum Error<T> {
        /// The URI of the enclave's API must not be empty.
        ApiUriIsEmpty,
        /// The URI of the enclave's API must begin with http:// or https://, name a host and hold
        /// visible ASCII characters only.
        ApiUriIsInvalid,
        /// The operator and the enclave must be different accounts.
        OperatorAndEnclaveAreSame,
        /// The operator already has a registration that waits for governance.
        RegistrationAlreadyExists,
        /// The operator already runs an assigned enclave.
        OperatorAlreadyExists,
        /// The enclave's account is already that of an assigned enclave.
        EnclaveAddressAlreadyExists,
        /// The operator's earlier stake is not withdrawn yet.
        UnbondingPeriod,
        /// The operator's free balance does not cover the stake.
        InsufficientBalanceToBond,
        /// The operator has no registration that waits for governance.
        RegistrationNotFound,
        /// The operator has no enclave in a slot.
        EnclaveNotFound,
        /// The operator has already asked to leave.
        UnregistrationAlreadyExists,
        /// The operator has not asked to leave.
        UnregistrationNotFound,
        /// Only an enclave in a slot can be updated.
        UpdateProhibitedForUnassignedEnclave,
        /// The operator already has an update that is not finished.
        UpdateRequestAlreadyExists,
        /// The operator has no update that waits for governance.
        UpdateRequestNotFound,
        /// Governance has not approved an update of the operator's enclave.
        MigrationNotFound,
        /// The time in which the successor could take the slot over has passed.
        MigrationLapsed,
        /// The slot can be taken over only by the successor that governance approved.
        NotTheSuccessor,
        /// There are not that many entries in the log of syncs.
        CursorPastLog,
        /// The successor does not hold all shares of the slot yet.
        SuccessorIsBehind,
        /// The successor no longer runs the code on the machine that governance approved.
        AttestationChanged,
        /// The successor's code has a lower security version than that of the assigned enclave.
        SecurityVersionTooLow,
        /// Another enclave of the cluster runs on the same machine.
        PlatformAlreadyInCluster,
        /// The machine serves, or has served, another slot number in public clusters.
        PlatformServesAnotherSlot,
        /// The machine has no slot number in public clusters that could be forgotten.
        PlatformNotFound,
        /// A machine that serves in a public cluster cannot be forgotten.
        PlatformIsServing,
        /// The operator has meanwhile named another enclave, or none.
        AnotherEnclave,
        /// Neither a new enclave nor a new URI was given.
        NoUpdatesProvided,
        /// There is no cluster with this id.
        ClusterNotFound,
        /// A cluster with enclaves cannot be removed.
        ClusterIsNotEmpty,
        /// The cluster has confirmed keyshares: it can be disabled, but not turned into a cluster
        /// of another type, nor removed while it holds any.
        ClusterHoldsKeyshares,
        /// All slots of the cluster are taken.
        ClusterIsFull,
        /// A slot with this number does not exist in a cluster.
        SlotIdOutOfRange,
        /// The slot is taken by another enclave.
        SlotIsTaken,
        /// All cluster ids are used up.
        ClusterIdsExhausted,
        /// The operator has no stake.
        StakingNotFound,
        /// The operator has not asked to leave, so its stake stays bonded.
        UnbondingNotStarted,
        /// The stake stays bonded while the operator's enclave is in a slot.
        StillAssigned,
        /// The bonding period is not over yet.
        WithdrawProhibited,
        /// The operator's stake is not below what is asked, or is on its way out.
        BondExtraNotAllowed,
        /// The operator's stake is not above what is asked, or is on its way out.
        RefundExcessNotAllowed,
        /// There is already a metrics server with this account.
        MetricsServerAlreadyExists,
        /// There are as many metrics servers as the chain allows.
        MetricsServerLimitReached,
        /// There is no metrics server with this account.
        MetricsServerNotFound,
        /// The enclave has no live attestation, or proves other code or another machine than when
        /// it got its slot.
        NotAttested,
        /// The account is not that of an enclave assigned to a cluster that takes keyshares.
        NotAssigned,
        /// The batch must contain at least one confirmation.
        EmptyBatch,
    }
}

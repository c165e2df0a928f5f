// SPDX-License-Identifier: Apache-2.0
//! # Attestation
//!
//! Verifies what enclaves prove about themselves: SGX quotes (Intel DCAP, quote version 3), and the
//! documents by which quotes are judged. TIP-500 names Intel's attestation service (IAS), which has
//! ended; DCAP takes its place, and the chain itself is the verifier.
//!
//! ## Terminology
//!
//! - `quote`: a statement about an enclave, signed by Intel's quoting enclave on the same machine,
//!   whose key Intel has certified (SGX ECDSA quote, Intel DCAP).
//! - `measurement`: SHA-256 of an enclave's code and initial data (MRENCLAVE).
//! - `platform`: a machine, named by a hash of its provisioning id (PPID).
//! - `FMSPC`: names a type of platform.
//! - `collateral`: lists of revoked certificates, the TCB levels of a type of platform (TCB Info),
//!   and what the quoting enclave must show (QE identity). All of it signed, and for a time only.
//! - `TCB`: microcode and platform software; its level tells which patches are in.
//! - `evaluation number`: counts Intel's evaluations of TCBs. A higher one knows of more weaknesses.
//! - `live`: of an attestation that counts now.
//! - `governance`: whom [`Config::GovernanceOrigin`] accepts, usually two thirds of a committee.
//!
//! ## Scenario: an enclave attests
//!
//! 1. Governance calls `allow_measurement` with the measurement of a reviewed build. It acts
//!    [`Config::MeasurementDelay`] blocks later, so that everybody can look at it before.
//! 2. Anybody brings the collateral of the enclave's type of platform with `submit_collateral`: the
//!    root's list of revoked certificates first. Who brings it does not matter: all of it is signed
//!    under [`Root`].
//! 3. The operator registers the enclave. The enclave makes a payload that names this chain, a
//!    recent block, its operator and its keys, signs it with its account, and has the machine make
//!    a quote whose 64 bytes of report data are that signature. So the account's key, and all the
//!    payload says, is known to be inside the enclave.
//! 4. Anybody brings payload and quote with `attest`. The attestation is live until
//!    [`Config::Validity`] has passed, or the collateral that judged it expires, whichever is first.
//!    Then the enclave attests anew: it does so by itself, or this pallet's off-chain worker asks
//!    it.
//!
//! ## Scenario: somebody cheats
//!
//! - A quote of another chain, an old one, or one that was shown before: the payload says so, and a
//!   newer attestation is never replaced by an older one.
//! - Mallory registers Alice's enclave as hers: the enclave's payload names Alice.
//! - Mallory shows her own machine's quote for Alice's account: the report data is no signature by
//!   it.
//! - Mallory brings collateral from last month, under which her unpatched machine still was up to
//!   date: newer collateral is never replaced by older.
//! - Mallory brings tomorrow's collateral (Intel publishes evaluations early for testing), under
//!   which nobody is up to date: a higher evaluation number acts only [`Config::EvaluationGrace`]
//!   later, or when governance says so.
//!
//! ## Scenario: governance loses trust
//!
//! In a measurement: `revoke_measurement`. In a machine: `ban_platform`. In old patches:
//! `set_policy`. Each acts at once, because whether an attestation is live is computed when it is
//! asked for. There is no switch that turns a check off, and no call that changes [`Root`].
//!
//! ## Fees
//!
//! `attest` and `submit_collateral` are paid up front, and refunded when what they bring was due:
//! new, or less than half of its time left to what it replaces, and more to itself.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod attest;
mod collateral;
mod errors;
mod events;
mod governance;
pub mod offchain;
mod records;
mod rejections;
mod try_state;
pub mod types;
mod views;
pub mod weights;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
#[cfg(any(test, feature = "runtime-benchmarks"))]
mod fixtures;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

use frame_support::pallet_macros::import_section;

/// The pallet.
#[import_section(errors::errors)]
#[import_section(events::events)]
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use alloc::{boxed::Box, vec::Vec};
    use frame_support::{
        dispatch::DispatchResultWithPostInfo, ensure, pallet_prelude::*, traits::UnixTime,
    };
    use frame_system::{
        offchain::{AppCrypto, CreateSignedTransaction},
        pallet_prelude::*,
    };
    use sp_core::H256;
    use sp_runtime::{traits::SaturatedConversion, AccountId32};
    use tee_dcap::{Crl, QeIdentity as Identity, TcbInfo};
    use tee_primitives::{
        attestation::{
            collateral::{CollateralId, CollateralItem, PckCa},
            record::{AllowedMeasurement, AttestationRecord, Fmspc},
            tcb::{TcbPolicy, TcbStatus, MAX_PATCH_AGE},
            AttestationPayload, Measurement, PlatformId,
        },
        traits::{AttestationFacts, Enclaves},
    };

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: CreateSignedTransaction<Call<Self>>
        + frame_system::Config<AccountId = AccountId32, Hash = H256, RuntimeEvent: From<Event<Self>>>
    {
        /// Signs what the off-chain worker submits.
        type AuthorityId: AppCrypto<Self::Public, Self::Signature>;

        /// Who allows measurements and sets the policy: root or two thirds of a committee.
        type GovernanceOrigin: EnsureOrigin<Self::RuntimeOrigin>;

        /// Which enclaves operators have named.
        type Enclaves: Enclaves<Self::AccountId>;

        /// The chain's clock.
        type Time: UnixTime;

        /// Blocks from when governance allows a measurement until it counts.
        #[pallet::constant]
        type MeasurementDelay: Get<BlockNumberFor<Self>>;

        /// Time from when collateral of a higher evaluation number is brought until it counts, in
        /// seconds.
        #[pallet::constant]
        type EvaluationGrace: Get<u64>;

        /// How long an attestation counts at most, in seconds.
        #[pallet::constant]
        type Validity: Get<u64>;

        /// How many blocks old the block that a quote names may be.
        #[pallet::constant]
        type MaxQuoteAge: Get<BlockNumberFor<Self>>;

        /// What the calls weigh.
        type WeightInfo: WeightInfo;
    }

    /// DER of the certificate to which quotes and collateral must lead. Written once, at genesis.
    #[pallet::storage]
    pub type Root<T: Config> = StorageValue<_, RootCertificate>;

    /// The certificates that the root has revoked.
    #[pallet::storage]
    pub type RootCrl<T: Config> = StorageValue<_, Crl>;

    /// The certificates of platforms that each authority has revoked.
    #[pallet::storage]
    pub type PckCrls<T: Config> = StorageMap<_, Blake2_128Concat, PckCa, Crl>;

    /// The TCB levels of each type of platform.
    #[pallet::storage]
    pub type TcbInfos<T: Config> = StorageMap<_, Blake2_128Concat, Fmspc, Evaluated<TcbInfo>>;

    /// What Intel's quoting enclave must show.
    #[pallet::storage]
    pub type QeIdentity<T: Config> = StorageValue<_, Evaluated<Identity>>;

    /// The measurements that governance allows.
    #[pallet::storage]
    pub type AllowedMeasurements<T: Config> =
        StorageMap<_, Blake2_128Concat, Measurement, AllowedMeasurement>;

    /// Which TCB levels are accepted.
    #[pallet::storage]
    pub type Policy<T: Config> = StorageValue<_, TcbPolicy, ValueQuery>;

    /// Machines on which nothing counts.
    #[pallet::storage]
    pub type BannedPlatforms<T: Config> = StorageMap<_, Blake2_128Concat, PlatformId, ()>;

    /// The newest attestation of each enclave's account, live or not.
    #[pallet::storage]
    pub type Attestations<T: Config> =
        StorageMap<_, Blake2_128Concat, T::AccountId, AttestationRecord<T::AccountId>>;

    #[pallet::genesis_config]
    pub struct GenesisConfig<T: Config> {
        /// DER of the certificate to which quotes and collateral must lead; Intel's if not given.
        #[serde(with = "sp_core::bytes")]
        pub root: Vec<u8>,
        /// The measurements that count from the first block on.
        pub measurements: Vec<GenesisMeasurement>,
        /// The runtime.
        #[serde(skip)]
        pub _runtime: PhantomData<T>,
    }

    impl<T: Config> Default for GenesisConfig<T> {
        fn default() -> Self {
            Self {
                root: tee_dcap::INTEL_ROOT_CA.to_vec(),
                measurements: Vec::new(),
                _runtime: PhantomData,
            }
        }
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            tee_dcap::check_root(&self.root).expect("the root is a certificate of an authority");
            let root = RootCertificate::try_from(self.root.clone());
            Root::<T>::put(root.expect("the root's certificate is not too long"));
            for measurement in &self.measurements {
                AllowedMeasurements::<T>::insert(
                    measurement.mr_enclave.0,
                    AllowedMeasurement {
                        mr_signer: measurement.mr_signer.0,
                        isv_prod_id: measurement.isv_prod_id,
                        min_isv_svn: measurement.min_isv_svn,
                        acts_from: 0,
                    },
                );
            }
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn offchain_worker(now: BlockNumberFor<T>) {
            Self::work_offchain(now);
        }

        fn integrity_test() {
            let hashes: u64 = T::BlockHashCount::get().saturated_into();
            let age: u64 = T::MaxQuoteAge::get().saturated_into();
            assert!(age < hashes, "the chain knows the hashes of the blocks that quotes may name");
            assert!(T::Validity::get() > 0, "an attestation counts for a time");
            let blocks = T::BlockWeights::get();
            let fits = |weight: Weight| {
                let most = blocks.get(DispatchClass::Operational).max_extrinsic;
                most.is_none_or(|most| weight.all_lte(most))
            };
            assert!(fits(T::WeightInfo::attest()), "an attestation fits into a block");
            assert!(fits(T::WeightInfo::submit_tcb_info()), "collateral fits into a block");
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Bring an enclave's attestation.
        ///
        /// Origin: signed by anybody: payload and quote prove themselves. The fee is paid back if
        /// the attestation was due: the first one; one that replaces what has less than half of its
        /// time left, and lasts longer by a quarter; or one of another start or with another key,
        /// unless the last one was brought just before (a twenty-fourth of [`Config::Validity`]).
        ///
        /// - `payload`: what the enclave says. The report data of the quote is its signature over
        ///   it.
        /// - `quote`: version 3, ECDSA P-256, with the platform's chain of certificates.
        ///
        /// Checks what is cheap first, signatures last. Fails with one of this pallet's errors about
        /// payloads, quotes, certificates and TCBs, each of which says what is wrong.
        #[pallet::call_index(0)]
        #[pallet::weight((T::WeightInfo::attest(), DispatchClass::Operational))]
        pub fn attest(
            origin: OriginFor<T>,
            payload: Box<AttestationPayload>,
            quote: QuoteBytes,
        ) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            Self::do_attest(*payload, &quote)
        }

        /// Bring collateral.
        ///
        /// Origin: signed by anybody: it is signed under [`Root`]. The fee is paid back if it was
        /// due: the first of its kind, one of a higher evaluation number, or one that has more than
        /// half of its time left and replaces what has less.
        ///
        /// A document replaces only an older one of the same evaluation number, by the date of its
        /// issue. One of a higher number waits for [`Config::EvaluationGrace`], or until what counts
        /// expires. No number is taken that is lower than what governance demands, or, for TCB
        /// levels, than that of what is known of the quoting enclave.
        ///
        /// Fails with [`Error::CollateralNotNewer`], [`Error::EvaluationTooLow`],
        /// [`Error::AnotherEvaluationIsWaiting`], [`Error::RootCrlMissing`], or an error that says
        /// what is wrong with the document.
        #[pallet::call_index(1)]
        #[pallet::weight((Pallet::<T>::weight_of(item), DispatchClass::Operational))]
        pub fn submit_collateral(
            origin: OriginFor<T>,
            item: CollateralItem,
        ) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            Self::do_submit_collateral(item)
        }

        /// Let collateral of a higher evaluation number count at once.
        ///
        /// Origin: [`Config::GovernanceOrigin`].
        ///
        /// Fails with [`Error::NothingIsWaiting`].
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::enact_evaluation())]
        pub fn enact_evaluation(origin: OriginFor<T>, id: CollateralId) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_enact_evaluation(id)
        }

        /// Allow a measurement. It counts [`Config::MeasurementDelay`] blocks later.
        ///
        /// Origin: [`Config::GovernanceOrigin`].
        ///
        /// - `mr_enclave`: the measurement.
        /// - `mr_signer`: SHA-256 of the key that signed the enclave.
        /// - `isv_prod_id`: the product.
        /// - `min_isv_svn`: the lowest security version that counts.
        ///
        /// Fails with [`Error::MeasurementAlreadyAllowed`].
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::allow_measurement())]
        pub fn allow_measurement(
            origin: OriginFor<T>,
            mr_enclave: Measurement,
            mr_signer: Measurement,
            isv_prod_id: u16,
            min_isv_svn: u16,
        ) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_allow_measurement(mr_enclave, mr_signer, isv_prod_id, min_isv_svn)
        }

        /// Revoke a measurement. No attestation with it counts from now on.
        ///
        /// Origin: [`Config::GovernanceOrigin`].
        ///
        /// Fails with [`Error::MeasurementNotAllowed`].
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::revoke_measurement())]
        pub fn revoke_measurement(origin: OriginFor<T>, mr_enclave: Measurement) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_revoke_measurement(mr_enclave)
        }

        /// Set which TCB levels are accepted, also of attestations that are live now.
        ///
        /// Origin: [`Config::GovernanceOrigin`].
        ///
        /// Fails with [`Error::PolicyOutOfBounds`].
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::set_policy())]
        pub fn set_policy(origin: OriginFor<T>, policy: TcbPolicy) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            ensure!(policy.max_patch_age <= MAX_PATCH_AGE, Error::<T>::PolicyOutOfBounds);
            Policy::<T>::put(&policy);
            Self::deposit_event(Event::PolicySet { policy });
            Ok(())
        }

        /// Ban a machine. Nothing on it counts from now on.
        ///
        /// Origin: [`Config::GovernanceOrigin`].
        ///
        /// Fails with [`Error::PlatformAlreadyBanned`].
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::ban_platform())]
        pub fn ban_platform(origin: OriginFor<T>, platform: PlatformId) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            ensure!(
                !BannedPlatforms::<T>::contains_key(platform),
                Error::<T>::PlatformAlreadyBanned
            );
            BannedPlatforms::<T>::insert(platform, ());
            Self::deposit_event(Event::PlatformBanned { platform });
            Ok(())
        }

        /// Take the ban of a machine back.
        ///
        /// Origin: [`Config::GovernanceOrigin`].
        ///
        /// Fails with [`Error::PlatformNotBanned`].
        #[pallet::call_index(7)]
        #[pallet::weight(T::WeightInfo::unban_platform())]
        pub fn unban_platform(origin: OriginFor<T>, platform: PlatformId) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            ensure!(BannedPlatforms::<T>::take(platform).is_some(), Error::<T>::PlatformNotBanned);
            Self::deposit_event(Event::PlatformUnbanned { platform });
            Ok(())
        }

        /// Remove an attestation whose operator no longer names its enclave.
        ///
        /// Origin: signed by anybody. The fee is paid back when it succeeds.
        ///
        /// Fails with [`Error::AttestationNotFound`] or [`Error::AttestationStillNeeded`].
        #[pallet::call_index(8)]
        #[pallet::weight(T::WeightInfo::forget_attestation())]
        pub fn forget_attestation(
            origin: OriginFor<T>,
            account: T::AccountId,
        ) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            Self::do_forget_attestation(account)
        }
    }

    #[pallet::view_functions]
    impl<T: Config> Pallet<T> {
        /// The newest attestation of an account, and why it does not count, if it does not.
        pub fn attestation_of(account: T::AccountId) -> Option<AttestationStatus> {
            Self::view_attestation(account)
        }

        /// The collateral that the chain has.
        pub fn collateral() -> Vec<CollateralStatus> {
            Self::view_collateral()
        }

        /// The measurements that governance allows.
        pub fn measurements() -> Vec<(Measurement, AllowedMeasurement)> {
            AllowedMeasurements::<T>::iter().take(MAX_LISTED).collect()
        }

        /// SHA-256 of the root's certificate.
        pub fn root_fingerprint() -> Option<[u8; 32]> {
            Root::<T>::get().map(|root| sp_io::hashing::sha2_256(&root))
        }
    }
}

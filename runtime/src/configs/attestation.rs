// SPDX-License-Identifier: Apache-2.0
//! What enclaves prove about themselves, and the off-chain worker that keeps it fresh.

use codec::Encode;
use frame_support::parameter_types;
use frame_system::offchain::{
    AppCrypto, CreateSignedTransaction, CreateTransactionBase, SigningTypes,
};
use sp_runtime::{
    generic::{Era, SignedPayload},
    traits::{IdentifyAccount, Verify},
    MultiAddress,
};

use super::governance::TwoThirdsOfCommittee;
use crate::{
    timing::{AttestationValidity, EvaluationGrace, MeasurementDelay},
    weights, AccountId, BlockNumber, Nonce, Runtime, RuntimeCall, Signature, System, Timestamp,
    TxExtension, UncheckedExtrinsic, TEE,
};

parameter_types! {
    /// A quote names a block that is not older: ten minutes of 6-second blocks.
    pub const MaxQuoteAge: BlockNumber = 100;
}

impl pallet_attestation::Config for Runtime {
    type AuthorityId = pallet_attestation::offchain::key::Crypto;
    type Enclaves = TEE;
    type EvaluationGrace = EvaluationGrace;
    type GovernanceOrigin = TwoThirdsOfCommittee;
    type MaxQuoteAge = MaxQuoteAge;
    type MeasurementDelay = MeasurementDelay;
    type Time = Timestamp;
    type Validity = AttestationValidity;
    type WeightInfo = weights::pallet_attestation::WeightInfo<Runtime>;
}

impl SigningTypes for Runtime {
    type Public = <Signature as Verify>::Signer;
    type Signature = Signature;
}

impl<Call> CreateTransactionBase<Call> for Runtime
where
    RuntimeCall: From<Call>,
{
    type Extrinsic = UncheckedExtrinsic;
    type RuntimeCall = RuntimeCall;
}

/// Blocks for which a transaction of the off-chain worker can be included. What it brings is of no
/// use for longer.
const WORKER_ERA: u64 = 64;

impl<Call> CreateSignedTransaction<Call> for Runtime
where
    RuntimeCall: From<Call>,
{
    fn create_signed_transaction<C: AppCrypto<Self::Public, Self::Signature>>(
        call: RuntimeCall,
        public: Self::Public,
        account: AccountId,
        nonce: Nonce,
    ) -> Option<UncheckedExtrinsic> {
        // The worker sees the state after the block: the era begins at its parent, whose hash is
        // known.
        let newest = u64::from(System::block_number().saturating_sub(1));
        let era = Era::mortal(WORKER_ERA, newest);
        let extension: TxExtension = (
            frame_system::CheckNonZeroSender::new(),
            frame_system::CheckSpecVersion::new(),
            frame_system::CheckTxVersion::new(),
            frame_system::CheckGenesis::new(),
            frame_system::CheckEra::from(era),
            frame_system::CheckNonce::from(nonce),
            frame_system::CheckWeight::new(),
            pallet_transaction_payment::ChargeTransactionPayment::from(0),
            frame_system::WeightReclaim::new(),
        );
        let payload = SignedPayload::new(call, extension).ok()?;
        let signature = payload.using_encoded(|bytes| C::sign(bytes, public.clone()))?;
        debug_assert_eq!(public.into_account(), account);
        let (call, extension, _) = payload.deconstruct();
        Some(UncheckedExtrinsic::new_signed(call, MultiAddress::Id(account), signature, extension))
    }
}

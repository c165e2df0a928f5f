// SPDX-License-Identifier: Apache-2.0
//! A runtime with only this pallet, simulated machines, and what tests do with them.

use std::collections::BTreeMap;

use frame_support::{
    derive_impl,
    dispatch::{DispatchResultWithPostInfo, Pays},
    parameter_types,
    traits::{ConstU64, Time},
    weights::constants::RocksDbWeight,
};
use frame_system::{
    offchain::{AppCrypto, CreateSignedTransaction, CreateTransactionBase, SigningTypes},
    EnsureRoot,
};
use sp_core::{sr25519, Pair, H256};
use sp_runtime::{
    testing::TestXt,
    traits::{BlakeTwo256, IdentityLookup},
    AccountId32, BuildStorage, MultiSignature, MultiSigner,
};
use tee_primitives::{
    attestation::{
        collateral::{ChainBytes, CollateralItem, CrlBytes, JsonBytes},
        AttestationPayload, LogHead, Purpose, PAYLOAD_VERSION,
    },
    traits::{AttestationFacts, Enclaves, Standing},
};
use tee_simulator::{Authority, Collateral, CollateralOptions, EnclaveIdentity, Machine};

use crate::{self as pallet_attestation, Event, GenesisMeasurement, QuoteBytes};

#[frame_support::runtime]
mod runtime {
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeFreezeReason,
        RuntimeHoldReason,
        RuntimeSlashReason,
        RuntimeLockId,
        RuntimeTask,
        RuntimeViewFunction
    )]
    pub struct Test;

    #[runtime::pallet_index(0)]
    pub type System = frame_system::Pallet<Test>;
    #[runtime::pallet_index(2)]
    pub type Timestamp = pallet_timestamp::Pallet<Test>;
    #[runtime::pallet_index(35)]
    pub type Attestation = pallet_attestation::Pallet<Test>;
}

pub type Extrinsic = TestXt<RuntimeCall, ()>;
type Block = sp_runtime::generic::Block<sp_runtime::generic::Header<u32, BlakeTwo256>, Extrinsic>;

/// When the tests begin, in seconds since the Unix epoch.
pub const START: u64 = 1_800_000_000;
pub const DAY: u64 = 86_400;
pub const VALIDITY: u64 = DAY;
pub const GRACE: u64 = 30 * DAY;
pub const DELAY: u32 = 10;
pub const MAX_AGE: u32 = 100;
/// The block that the tests begin in.
pub const FIRST: u32 = 200;

/// What enclaves run.
pub const CODE: EnclaveIdentity =
    EnclaveIdentity { mr_enclave: [1; 32], mr_signer: [2; 32], isv_prod_id: 7, isv_svn: 3 };
/// What governance has not allowed.
pub const OTHER_CODE: EnclaveIdentity = EnclaveIdentity { mr_enclave: [9; 32], ..CODE };

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type AccountId = AccountId32;
    type Block = Block;
    type BlockHashCount = frame_support::traits::ConstU32<250>;
    type DbWeight = RocksDbWeight;
    type Hash = H256;
    type Lookup = IdentityLookup<AccountId32>;
}

impl pallet_timestamp::Config for Test {
    type MinimumPeriod = ConstU64<1>;
    type Moment = u64;
    type OnTimestampSet = ();
    type WeightInfo = ();
}

parameter_types! {
    /// How accounts stand to operators.
    pub storage Standings: BTreeMap<(AccountId32, AccountId32), Option<AttestationFacts>> =
        BTreeMap::new();
    /// Where enclaves are.
    pub storage Uris: BTreeMap<AccountId32, Vec<u8>> = BTreeMap::new();
    /// Who was told to have attested.
    pub storage Told: Vec<(AccountId32, AccountId32)> = Vec::new();
    pub const MeasurementDelay: u32 = DELAY;
    pub const MaxQuoteAge: u32 = MAX_AGE;
}

/// Enclaves as the tests name them.
pub struct Named;
impl Enclaves<AccountId32> for Named {
    fn standing(account: &AccountId32, operator: &AccountId32) -> Option<Standing> {
        let facts = Standings::get().get(&(account.clone(), operator.clone())).copied()?;
        Some(facts.map_or(Standing::Named, Standing::Assigned))
    }

    fn uri(account: &AccountId32, _: &AccountId32) -> Option<Vec<u8>> {
        Uris::get().get(account).cloned()
    }

    fn attested(account: &AccountId32, operator: &AccountId32) {
        let mut told = Told::get();
        told.push((account.clone(), operator.clone()));
        Told::set(&told);
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn name_successor(account: &AccountId32, operator: &AccountId32, _: AttestationFacts) {
        name(account, operator);
    }
}

impl pallet_attestation::Config for Test {
    type AuthorityId = crate::offchain::key::Crypto;
    type Enclaves = Named;
    type EvaluationGrace = ConstU64<GRACE>;
    type GovernanceOrigin = EnsureRoot<AccountId32>;
    type MaxQuoteAge = MaxQuoteAge;
    type MeasurementDelay = MeasurementDelay;
    type Time = Timestamp;
    type Validity = ConstU64<VALIDITY>;
    type WeightInfo = ();
}

impl SigningTypes for Test {
    type Public = MultiSigner;
    type Signature = MultiSignature;
}

impl CreateTransactionBase<crate::Call<Test>> for Test {
    type Extrinsic = Extrinsic;
    type RuntimeCall = RuntimeCall;
}

impl CreateSignedTransaction<crate::Call<Test>> for Test {
    fn create_signed_transaction<C: AppCrypto<Self::Public, Self::Signature>>(
        call: RuntimeCall,
        _: MultiSigner,
        _: AccountId32,
        nonce: u32,
    ) -> Option<Extrinsic> {
        Some(Extrinsic::new_signed(call, nonce.into(), (), ()))
    }
}

/// An enclave of the tests: an account on a machine, and whom it works for.
pub struct Enclave {
    pub key: sr25519::Pair,
    pub operator: AccountId32,
    pub machine: Machine,
    pub code: EnclaveIdentity,
}

impl Enclave {
    /// Enclave and machine of this number; its operator has named it.
    pub fn new(number: u8) -> Self {
        let enclave = Self {
            key: sr25519::Pair::from_seed(&[number; 32]),
            operator: AccountId32::new([100 + number; 32]),
            machine: authority().machine(number.into()),
            code: CODE,
        };
        name(&enclave.account(), &enclave.operator);
        enclave
    }

    pub fn account(&self) -> AccountId32 {
        self.key.public().into()
    }

    /// What it says about itself at a block.
    pub fn payload_at(&self, block: u32) -> AttestationPayload {
        AttestationPayload {
            version: PAYLOAD_VERSION,
            purpose: Purpose::Chain,
            genesis_hash: System::block_hash(0).0,
            mrenclave: self.code.mr_enclave,
            block_number: block,
            block_hash: System::block_hash(block).0,
            account: self.key.public().0,
            operator: self.operator.clone().into(),
            encryption_key: [3; 32],
            tls_spki_hash: [0; 32],
            session: [4; 32],
            log_head: LogHead::default(),
        }
    }

    /// What it says about itself at the newest block.
    pub fn payload(&self) -> AttestationPayload {
        self.payload_at(System::block_number() - 1)
    }

    /// Its signature over a payload.
    pub fn sign(&self, payload: &AttestationPayload) -> [u8; 64] {
        self.key.sign(&payload.message()).0
    }

    /// A quote for a payload.
    pub fn quote(&self, payload: &AttestationPayload) -> QuoteBytes {
        quote_bytes(self.machine.quote(&self.code, &self.sign(payload)))
    }

    /// Attests with a payload.
    pub fn attest_with(&self, payload: AttestationPayload) -> DispatchResultWithPostInfo {
        let quote = self.quote(&payload);
        Attestation::attest(anybody(), Box::new(payload), quote)
    }

    /// Attests.
    pub fn attest(&self) -> DispatchResultWithPostInfo {
        self.attest_with(self.payload())
    }

    /// What it proves.
    pub fn is_live(&self) -> bool {
        use tee_primitives::traits::Attestations;
        <Attestation as Attestations<AccountId32>>::live(&self.account(), &self.operator).is_some()
    }
}

pub fn quote_bytes(quote: Vec<u8>) -> QuoteBytes {
    QuoteBytes::try_from(quote).unwrap()
}

pub fn anybody() -> RuntimeOrigin {
    RuntimeOrigin::signed(AccountId32::new([42; 32]))
}

/// The operator names an enclave.
pub fn name(account: &AccountId32, operator: &AccountId32) {
    stand(account, operator, None);
}

/// An enclave has the operator's slot.
pub fn stand(account: &AccountId32, operator: &AccountId32, facts: Option<AttestationFacts>) {
    let mut standings = Standings::get();
    standings.insert((account.clone(), operator.clone()), facts);
    Standings::set(&standings);
}

/// The operator takes an enclave's name back.
pub fn unname(account: &AccountId32, operator: &AccountId32) {
    let mut standings = Standings::get();
    standings.remove(&(account.clone(), operator.clone()));
    Standings::set(&standings);
}

/// The development root and what it certifies.
pub fn authority() -> Authority {
    Authority::development()
}

/// Collateral as of a time, all of which lives for 30 days.
pub fn collateral_of(issued: u64) -> Collateral {
    let options = CollateralOptions {
        valid_for: 30 * DAY,
        root_crl_valid_for: 30 * DAY,
        ..CollateralOptions::new(issued)
    };
    authority().collateral(&options)
}

/// Collateral in the form of calls, in the order in which the chain takes it.
pub fn items(collateral: &Collateral) -> [CollateralItem; 4] {
    let crl = |bytes: &[u8]| CrlBytes::try_from(bytes.to_vec()).unwrap();
    let json = |text: &str| JsonBytes::try_from(text.as_bytes().to_vec()).unwrap();
    let chain = |text: &str| ChainBytes::try_from(text.as_bytes().to_vec()).unwrap();
    [
        CollateralItem::RootCrl { crl: crl(&collateral.root_crl) },
        CollateralItem::PckCrl {
            crl: crl(&collateral.pck_crl),
            issuer_chain: chain(&collateral.pck_crl_issuer_chain),
        },
        CollateralItem::TcbInfo {
            json: json(&collateral.tcb_info),
            signature: collateral.tcb_info_signature,
            issuer_chain: chain(&collateral.tcb_info_issuer_chain),
        },
        CollateralItem::QeIdentity {
            json: json(&collateral.qe_identity),
            signature: collateral.qe_identity_signature,
            issuer_chain: chain(&collateral.qe_identity_issuer_chain),
        },
    ]
}

/// Brings one document.
pub fn submit(item: CollateralItem) -> DispatchResultWithPostInfo {
    Attestation::submit_collateral(anybody(), item)
}

/// Brings all four documents.
pub fn submit_all(collateral: &Collateral) {
    for item in items(collateral) {
        submit(item).unwrap();
    }
}

/// Whether the fee is paid back.
pub fn is_free(result: DispatchResultWithPostInfo) -> bool {
    result.unwrap().pays_fee == Pays::No
}

/// The chain's time, in seconds since the Unix epoch.
pub fn now() -> u64 {
    Timestamp::now() / 1_000
}

/// Lets time pass, and a block with it.
pub fn pass(seconds: u64) {
    let block = System::block_number() + 1;
    System::set_block_number(block);
    frame_system::BlockHash::<Test>::insert(block - 1, H256::repeat_byte(block as u8));
    Timestamp::set_timestamp((now() + seconds) * 1_000);
}

/// The pallet's events since the last call of this function.
pub fn events() -> Vec<Event<Test>> {
    let events = System::read_events_for_pallet::<Event<Test>>();
    System::reset_events();
    events
}

/// A chain on which [`CODE`] is allowed and nothing is known.
pub fn new_chain() -> sp_io::TestExternalities {
    let genesis = RuntimeGenesisConfig {
        attestation: crate::GenesisConfig {
            root: authority().root_der().to_vec(),
            measurements: vec![GenesisMeasurement {
                mr_enclave: H256(CODE.mr_enclave),
                mr_signer: H256(CODE.mr_signer),
                isv_prod_id: CODE.isv_prod_id,
                min_isv_svn: CODE.isv_svn,
            }],
            ..Default::default()
        },
        ..Default::default()
    };
    let mut chain = sp_io::TestExternalities::from(genesis.build_storage().unwrap());
    chain.execute_with(|| {
        for block in 0..FIRST {
            frame_system::BlockHash::<Test>::insert(block, H256::repeat_byte(block as u8 + 1));
        }
        System::set_block_number(FIRST);
        Timestamp::set_timestamp(START * 1_000);
    });
    chain
}

/// Runs a test on a chain that knows collateral issued an hour ago, and checks the invariants.
pub fn run(test: impl FnOnce()) {
    new_chain().execute_with(|| {
        submit_all(&collateral_of(START - 3_600));
        events();
        test();
        Attestation::do_try_state().unwrap();
    });
}

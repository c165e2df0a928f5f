// SPDX-License-Identifier: Apache-2.0
//! What each call costs at its worst: the longest documents, a level that is the last of many, and a
//! successor that has its slot at once.

use frame_benchmarking::v2::*;
use frame_support::{
    storage::unhashed,
    traits::{EnsureOrigin, Get},
};
use frame_system::{pallet_prelude::BlockNumberFor, BlockHash, Pallet as System, RawOrigin};
use sp_core::H256;
use sp_runtime::AccountId32;
use tee_primitives::{
    abi,
    attestation::{
        collateral::{CollateralId, CollateralItem},
        record::{AllowedMeasurement, AttestationRecord},
        tcb::{
            Advisories, AdvisoryId, Tcb, TcbPolicy, TcbStatus, MAX_ADVISORIES, MAX_ADVISORY_LEN,
        },
        LogHead, Measurement,
    },
    traits::{AttestationFacts, Enclaves},
};

use crate::{fixtures, *};

/// What runs where no quote says so.
const MR_ENCLAVE: Measurement = [11; 32];

/// The chain's time while the fixtures' collateral is fresh.
const NOW: u64 = fixtures::ISSUED + 60;

/// As many advisories as there can be, as long as they can be.
fn advisories() -> Advisories {
    Advisories::truncate_from(
        (0..MAX_ADVISORIES as u8)
            .map(|number| AdvisoryId::truncate_from([number; MAX_ADVISORY_LEN as usize].into()))
            .collect(),
    )
}

/// Gives an account an attestation that nothing proves.
pub(crate) fn attest_without_quote<T: Config>(account: &T::AccountId, operator: &T::AccountId) {
    let facts = AttestationFacts {
        measurement: MR_ENCLAVE,
        isv_svn: 0,
        platform: sp_io::hashing::blake2_256(account.as_ref()),
    };
    attest_with_facts::<T>(account, operator, facts);
}

/// The same with these facts.
pub(crate) fn attest_with_facts<T: Config>(
    account: &T::AccountId,
    operator: &T::AccountId,
    facts: AttestationFacts,
) {
    allow::<T>(facts.measurement, [0; 32]);
    Attestations::<T>::insert(
        account,
        AttestationRecord {
            operator: operator.clone(),
            facts,
            fmspc: [0; 6],
            tcb: Tcb {
                status: TcbStatus::UpToDate,
                advisories: advisories(),
                date: 0,
                evaluation_number: u32::MAX,
            },
            encryption_key: [0; 32],
            tls_spki_hash: [0; 32],
            session: [0; 32],
            log_head: LogHead::default(),
            quote_block: 0,
            attested_at: 0,
            expires_at: u64::MAX,
        },
    );
}

fn allow<T: Config>(mr_enclave: Measurement, mr_signer: Measurement) {
    let rule = AllowedMeasurement { mr_signer, isv_prod_id: 0, min_isv_svn: 0, acts_from: 0 };
    AllowedMeasurements::<T>::insert(mr_enclave, rule);
}

/// The longest policy.
fn policy() -> TcbPolicy {
    TcbPolicy { reviewed_advisories: advisories(), ..TcbPolicy::default() }
}

fn set_time(seconds: u64) {
    unhashed::put(&abi::storage::now(), &seconds.saturating_mul(1_000));
}

/// The fixtures' root and time, with as many of the documents as said.
fn with_collateral<T: Config>(count: usize) -> Result<(), BenchmarkError> {
    Root::<T>::put(RootCertificate::truncate_from(fixtures::ROOT.to_vec()));
    set_time(NOW);
    for item in fixtures::items().into_iter().take(count) {
        Pallet::<T>::do_submit_collateral(item).map_err(|error| error.error)?;
    }
    Ok(())
}

fn item(index: usize) -> Result<CollateralItem, BenchmarkError> {
    fixtures::items().into_iter().nth(index).ok_or("there are four".into())
}

fn caller() -> RawOrigin<AccountId32> {
    RawOrigin::Signed(whitelisted_caller())
}

fn governance<T: Config>() -> Result<T::RuntimeOrigin, BenchmarkError> {
    T::GovernanceOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)
}

/// Whether the attestation key of a quote has signed it, and nothing else about it.
fn is_quote_signed(quote: &[u8]) -> bool {
    use p256::ecdsa::{signature::Verifier, Signature, VerifyingKey};

    let (Some(signed), Some(signature), Some(key)) =
        (quote.get(..432), quote.get(436..500), quote.get(500..564))
    else {
        return false;
    };
    let uncompressed = [&[4], key].concat();
    let (Ok(key), Ok(signature)) =
        (VerifyingKey::from_sec1_bytes(&uncompressed), Signature::from_slice(signature))
    else {
        return false;
    };
    key.verify(signed, &signature).is_ok()
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn attest() -> Result<(), BenchmarkError> {
        with_collateral::<T>(4)?;
        let payload = fixtures::payload();
        let quote = QuoteBytes::truncate_from(fixtures::QUOTE.to_vec());
        let (account, operator) = (payload.account.into(), payload.operator.into());
        BlockHash::<T>::insert(BlockNumberFor::<T>::from(0u32), H256(fixtures::GENESIS_HASH));
        BlockHash::<T>::insert(
            BlockNumberFor::<T>::from(fixtures::BLOCK),
            H256(fixtures::BLOCK_HASH),
        );
        System::<T>::set_block_number((fixtures::BLOCK + 1).into());
        let report = tee_dcap::Quote::parse(fixtures::QUOTE).map_err(|_| "the quote is whole")?;
        let report = report.report();
        allow::<T>(report.mr_enclave, report.mr_signer);
        Policy::<T>::put(policy());
        // What it will prove is what its predecessor had proven.
        let judged = tee_dcap::Quote::parse(fixtures::QUOTE).map_err(|_| "the quote is whole")?;
        let verdict = Pallet::<T>::judge(&judged, NOW).map_err(|_| "the quote is good")?;
        let facts = AttestationFacts {
            measurement: report.mr_enclave,
            isv_svn: report.isv_svn,
            platform: verdict.platform,
        };
        T::Enclaves::name_successor(&account, &operator, facts);

        #[extrinsic_call]
        _(caller(), alloc::boxed::Box::new(payload), quote);

        assert!(Attestations::<T>::contains_key(account));
        Ok(())
    }

    /// Not a call: four signatures of a kind that a quote needs, for comparison.
    #[benchmark]
    fn four_signatures() -> Result<(), BenchmarkError> {
        let mut verified = 0;
        #[block]
        {
            for _ in 0..4 {
                if is_quote_signed(fixtures::QUOTE) {
                    verified += 1;
                }
            }
        }
        assert_eq!(verified, 4);
        Ok(())
    }

    #[benchmark]
    fn submit_root_crl() -> Result<(), BenchmarkError> {
        with_collateral::<T>(0)?;
        let item = item(0)?;

        #[extrinsic_call]
        submit_collateral(caller(), item);

        assert!(RootCrl::<T>::exists());
        Ok(())
    }

    #[benchmark]
    fn submit_pck_crl() -> Result<(), BenchmarkError> {
        with_collateral::<T>(1)?;
        let item = item(1)?;

        #[extrinsic_call]
        submit_collateral(caller(), item);

        assert_eq!(PckCrls::<T>::iter_keys().count(), 1);
        Ok(())
    }

    /// One that replaces another of the same evaluation.
    #[benchmark]
    fn submit_tcb_info() -> Result<(), BenchmarkError> {
        with_collateral::<T>(3)?;
        let item = item(2)?;
        let fmspc = TcbInfos::<T>::iter_keys().next().ok_or("there is one")?;
        TcbInfos::<T>::mutate_extant(fmspc, |known| {
            known.next =
                Some(Waiting { document: known.current.clone(), acts_from: NOW.saturating_add(1) });
            known.current.issued = 0;
        });

        #[extrinsic_call]
        submit_collateral(caller(), item);

        assert_eq!(TcbInfos::<T>::get(fmspc).map(|it| it.current.issued), Some(fixtures::ISSUED));
        Ok(())
    }

    #[benchmark]
    fn submit_qe_identity() -> Result<(), BenchmarkError> {
        with_collateral::<T>(4)?;
        let item = item(3)?;
        QeIdentity::<T>::mutate(|known| {
            if let Some(known) = known {
                known.next = Some(Waiting {
                    document: known.current.clone(),
                    acts_from: NOW.saturating_add(1),
                });
                known.current.issued = 0;
            }
        });

        #[extrinsic_call]
        submit_collateral(caller(), item);

        let issued = QeIdentity::<T>::get().map(|known| known.current.issued);
        assert_eq!(issued, Some(fixtures::ISSUED));
        Ok(())
    }

    #[benchmark]
    fn enact_evaluation() -> Result<(), BenchmarkError> {
        let origin = governance::<T>()?;
        with_collateral::<T>(3)?;
        let fmspc = TcbInfos::<T>::iter_keys().next().ok_or("there is one")?;
        TcbInfos::<T>::mutate_extant(fmspc, |known| {
            known.next =
                Some(Waiting { document: known.current.clone(), acts_from: NOW.saturating_add(1) });
        });

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, CollateralId::TcbInfo(fmspc));

        assert!(TcbInfos::<T>::get(fmspc).is_some_and(|known| known.next.is_none()));
        Ok(())
    }

    #[benchmark]
    fn allow_measurement() -> Result<(), BenchmarkError> {
        let origin = governance::<T>()?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, MR_ENCLAVE, [0; 32], 0, 0);

        let delay = T::MeasurementDelay::get();
        assert!(AllowedMeasurements::<T>::get(MR_ENCLAVE)
            .is_some_and(|rule| BlockNumberFor::<T>::from(rule.acts_from) >= delay));
        Ok(())
    }

    #[benchmark]
    fn revoke_measurement() -> Result<(), BenchmarkError> {
        let origin = governance::<T>()?;
        allow::<T>(MR_ENCLAVE, [0; 32]);

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, MR_ENCLAVE);

        assert!(!AllowedMeasurements::<T>::contains_key(MR_ENCLAVE));
        Ok(())
    }

    #[benchmark]
    fn set_policy() -> Result<(), BenchmarkError> {
        let origin = governance::<T>()?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, policy());

        assert_eq!(Policy::<T>::get(), policy());
        Ok(())
    }

    #[benchmark]
    fn ban_platform() -> Result<(), BenchmarkError> {
        let origin = governance::<T>()?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, [1; 32]);

        assert!(BannedPlatforms::<T>::contains_key([1; 32]));
        Ok(())
    }

    #[benchmark]
    fn unban_platform() -> Result<(), BenchmarkError> {
        let origin = governance::<T>()?;
        BannedPlatforms::<T>::insert([1; 32], ());

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, [1; 32]);

        assert!(!BannedPlatforms::<T>::contains_key([1; 32]));
        Ok(())
    }

    #[benchmark]
    fn forget_attestation() -> Result<(), BenchmarkError> {
        let (enclave, operator) = (account("enclave", 0, 0), account("operator", 0, 0));
        attest_without_quote::<T>(&enclave, &operator);
        Attestations::<T>::mutate_extant(&enclave, |record| record.expires_at = 0);
        set_time(NOW);

        #[extrinsic_call]
        _(caller(), enclave.clone());

        assert!(!Attestations::<T>::contains_key(enclave));
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::new_chain(), crate::mock::Test);
}

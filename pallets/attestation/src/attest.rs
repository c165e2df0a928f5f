// SPDX-License-Identifier: Apache-2.0
//! Attesting: from a payload and a quote to what the chain keeps.

use frame_support::{
    dispatch::{DispatchResultWithPostInfo, Pays},
    ensure,
    traits::Get,
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::{sr25519, H256};
use sp_runtime::{traits::SaturatedConversion, AccountId32, Saturating};
use tee_dcap::{verify_quote, Collateral, Quote, Verdict};
use tee_primitives::{
    attestation::{record::AttestationRecord, AttestationPayload, Purpose, PAYLOAD_VERSION},
    traits::{AttestationFacts, Enclaves, Standing},
};

use crate::{
    AllowedMeasurements, Attestations, BannedPlatforms, Config, Error, Event, Pallet, PckCrls,
    Policy, QeIdentity, Root, RootCrl, TcbInfos,
};

impl<T: Config> Pallet<T> {
    /// Verifies and keeps an attestation.
    pub(crate) fn do_attest(
        payload: AttestationPayload,
        quote: &[u8],
    ) -> DispatchResultWithPostInfo {
        let account = AccountId32::new(payload.account);
        let operator = AccountId32::new(payload.operator);
        let previous = Attestations::<T>::get(&account);
        Self::check_payload(&payload, previous.as_ref())?;
        let standing =
            T::Enclaves::standing(&account, &operator).ok_or(Error::<T>::EnclaveNotNamed)?;

        let quote = Quote::parse(quote).map_err(Error::<T>::from)?;
        Self::check_report(&payload, &quote)?;
        let now = Self::now();
        let verdict = Self::judge(&quote, now)?;
        let report = quote.report();
        let facts = AttestationFacts {
            measurement: report.mr_enclave,
            isv_svn: report.isv_svn,
            platform: verdict.platform,
        };
        // Another machine or other code has to go through succession.
        ensure!(
            !matches!(standing, Standing::Assigned(assigned) if assigned != facts),
            Error::<T>::NotWhatWasAssigned
        );
        ensure!(!BannedPlatforms::<T>::contains_key(facts.platform), Error::<T>::PlatformIsBanned);
        Policy::<T>::get().check(&verdict.tcb, now).map_err(Error::<T>::from)?;

        let expires_at = now.saturating_add(T::Validity::get()).min(verdict.valid_until);
        let is_due = previous.is_none_or(|previous| {
            let left = |end: u64| end.saturating_sub(now);
            let validity = T::Validity::get();
            // Where new attestations last no longer than old ones, because collateral expires, to
            // repeat them gains nothing.
            let gained = expires_at.saturating_sub(previous.expires_at);
            let is_ageing = left(previous.expires_at).saturating_mul(2) < validity;
            // Two instances could take turns for ever.
            let has_rested = now.saturating_sub(previous.attested_at) >= validity / 24;
            previous.operator != operator
                || (is_ageing && gained.saturating_mul(4) >= validity)
                || (has_rested
                    && (previous.session != payload.session
                        || previous.encryption_key != payload.encryption_key
                        || previous.tls_spki_hash != payload.tls_spki_hash))
        });
        Self::deposit_event(Event::Attested {
            account: account.clone(),
            operator: operator.clone(),
            facts,
            tcb_status: verdict.tcb.status,
            expires_at,
        });
        Attestations::<T>::insert(
            &account,
            AttestationRecord {
                operator: operator.clone(),
                facts,
                fmspc: verdict.fmspc,
                tcb: verdict.tcb,
                encryption_key: payload.encryption_key,
                tls_spki_hash: payload.tls_spki_hash,
                session: payload.session,
                log_head: payload.log_head,
                quote_block: payload.block_number,
                attested_at: now,
                expires_at,
            },
        );
        T::Enclaves::attested(&account, &operator);
        Ok(if is_due { Pays::No } else { Pays::Yes }.into())
    }

    /// Whether the payload is for this chain, now, and newer than what is known.
    fn check_payload(
        payload: &AttestationPayload,
        previous: Option<&AttestationRecord<T::AccountId>>,
    ) -> Result<(), Error<T>> {
        ensure!(payload.version == PAYLOAD_VERSION, Error::<T>::PayloadVersionUnsupported);
        ensure!(payload.purpose == Purpose::Chain, Error::<T>::PurposeIsAnother);
        let hash_of = |number| frame_system::Pallet::<T>::block_hash(number);
        ensure!(
            H256(payload.genesis_hash) == hash_of(BlockNumberFor::<T>::from(0u32)),
            Error::<T>::ChainIsAnother
        );
        let number = BlockNumberFor::<T>::from(payload.block_number);
        let now = frame_system::Pallet::<T>::block_number();
        ensure!(
            number < now && now.saturating_sub(number) <= T::MaxQuoteAge::get(),
            Error::<T>::QuoteNotRecent
        );
        ensure!(H256(payload.block_hash) == hash_of(number), Error::<T>::BlockIsAnother);
        ensure!(
            previous.is_none_or(|previous| previous.quote_block < payload.block_number),
            Error::<T>::AttestationNotNewer
        );
        Ok(())
    }

    /// Whether governance allows what the quote reports, and the quote belongs to the payload.
    fn check_report(payload: &AttestationPayload, quote: &Quote<'_>) -> Result<(), Error<T>> {
        quote.check_attributes().map_err(Error::<T>::from)?;
        let report = quote.report();
        ensure!(report.mr_enclave == payload.mrenclave, Error::<T>::MeasurementIsAnother);
        let allowed = AllowedMeasurements::<T>::get(report.mr_enclave)
            .ok_or(Error::<T>::MeasurementNotAllowed)?;
        let block: u32 = frame_system::Pallet::<T>::block_number().saturated_into();
        ensure!(allowed.acts_from <= block, Error::<T>::MeasurementNotYetAllowed);
        ensure!(report.mr_signer == allowed.mr_signer, Error::<T>::EnclaveSignerIsAnother);
        ensure!(report.isv_prod_id == allowed.isv_prod_id, Error::<T>::ProductIsAnother);
        ensure!(report.isv_svn >= allowed.min_isv_svn, Error::<T>::SecurityVersionTooLow);
        let signature = sr25519::Signature::from_raw(report.report_data);
        let signer = sr25519::Public::from_raw(payload.account);
        ensure!(
            sp_io::crypto::sr25519_verify(&signature, &payload.message(), &signer),
            Error::<T>::ReportDataIsNoSignature
        );
        Ok(())
    }

    /// Verifies the quote against the collateral that counts now.
    pub(crate) fn judge(quote: &Quote<'_>, now: u64) -> Result<Verdict, Error<T>> {
        let hint = quote.pck_hint().map_err(Error::<T>::from)?;
        let root = Root::<T>::get().ok_or(Error::<T>::RootMissing)?;
        let root_crl = RootCrl::<T>::get().ok_or(Error::<T>::RootCrlMissing)?;
        let pck_crl = PckCrls::<T>::get(hint.ca).ok_or(Error::<T>::PckCrlMissing)?;
        let tcb_info = TcbInfos::<T>::get(hint.fmspc).ok_or(Error::<T>::TcbInfoMissing)?.at(now);
        let qe_identity = QeIdentity::<T>::get().ok_or(Error::<T>::QeIdentityMissing)?.at(now);
        let collateral = Collateral {
            root_crl: &root_crl,
            pck_crl: &pck_crl,
            tcb_info: &tcb_info,
            qe_identity: &qe_identity,
        };
        verify_quote(quote, &root, &collateral, now).map_err(Error::<T>::from)
    }
}

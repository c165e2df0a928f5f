// SPDX-License-Identifier: Apache-2.0
//! Attestations from enclaves: those that will expire are asked for a new quote.

use alloc::{boxed::Box, format, string::String, vec::Vec};

use codec::DecodeAll;
use frame_support::dispatch::Pays;
use serde::Deserialize;
use sp_runtime::AccountId32;
use tee_primitives::{
    attestation::{record::AttestationRecord, AttestationPayload},
    traits::Enclaves,
};

use super::{http, http::HttpError, is_moment, sender::Sender, settings::Settings, url, LOG};
use crate::{Attestations, Call, Config, Pallet, QuoteBytes};

/// Longest answer with a quote, in bytes.
const MAX_ANSWER_LEN: usize = 16 * 1024;

/// Most attestations that are looked at in one run.
const MAX_LOOKED_AT: usize = 10_000;

/// Most enclaves that are asked in one run, so that those that do not answer do not keep it long.
const MAX_ASKED: usize = 4;

/// For how long after its attestation has expired an enclave is asked, in seconds: two days.
const MAX_ABSENCE: u64 = 2 * 24 * 60 * 60;

/// Why an enclave's attestation was not renewed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum RenewalError {
    /// Its address is not asked.
    Url(url::UrlRejection),
    /// It did not answer.
    Http(HttpError),
    /// The answer holds no quote and payload.
    Malformed,
    /// The quote is of another enclave.
    AnotherEnclave,
    /// The quote is not newer than the chain's.
    NotNewer,
}

/// `GET /api/quote` (TIP-500).
#[derive(Deserialize)]
struct Answer {
    data: String,
}

/// Brings new attestations for those that will expire.
pub(crate) fn renew<T: Config>(sender: &mut Sender<T>, settings: &Settings) {
    let now = Pallet::<T>::now();
    let due: Vec<_> = Attestations::<T>::iter()
        .take(MAX_LOOKED_AT)
        .filter(|(account, record)| {
            let life = record.expires_at.saturating_sub(record.attested_at);
            let left = record.expires_at.saturating_sub(now);
            // Who has been gone for long has to come back by itself.
            let is_gone = now.saturating_sub(record.expires_at) > MAX_ABSENCE;
            !is_gone && is_moment(life, left, sender.seed(account))
        })
        .filter_map(|(account, record)| {
            let uri = T::Enclaves::uri(&account, &record.operator)?;
            Some((account, record, uri))
        })
        .collect();
    // Each run begins behind where the one before has ended, so that those that do not answer do not
    // keep the others from being asked.
    let turn = usize::try_from(sender.block()).unwrap_or_default().saturating_mul(MAX_ASKED);
    let start = turn.checked_rem(due.len()).unwrap_or_default();
    let (before, after) = due.split_at(start);
    for (account, record, uri) in after.iter().chain(before).take(MAX_ASKED) {
        if sender.is_done() {
            return;
        }
        match ask(account, record, uri, settings) {
            Ok((payload, quote)) => submit(sender, account, payload, quote),
            Err(error) => log::warn!(
                target: LOG,
                "no new attestation of {account:?}, whose expires in {} s: {error:?}",
                record.expires_at.saturating_sub(now)
            ),
        }
    }
}

/// Submits what the chain will take for free.
fn submit<T: Config>(
    sender: &mut Sender<T>,
    account: &AccountId32,
    payload: AttestationPayload,
    quote: QuoteBytes,
) {
    // A worker's changes of the state are not kept.
    match Pallet::<T>::do_attest(payload, &quote) {
        Ok(taken) if taken.pays_fee == Pays::No => {
            log::info!(target: LOG, "bringing a new attestation of {account:?}");
            sender.send(Call::attest { payload: Box::new(payload), quote });
        }
        Ok(_) => {
            log::debug!(target: LOG, "nothing is gained by the new attestation of {account:?}")
        }
        Err(error) => log::warn!(
            target: LOG,
            "the new attestation of {account:?} would be refused: {:?}",
            error.error
        ),
    }
}

fn ask(
    account: &AccountId32,
    record: &AttestationRecord<AccountId32>,
    uri: &[u8],
    settings: &Settings,
) -> Result<(AttestationPayload, QuoteBytes), RenewalError> {
    let uri = core::str::from_utf8(uri).map_err(|_| RenewalError::Malformed)?;
    url::check(uri, settings.allow_private).map_err(RenewalError::Url)?;
    let url = format!("{}/api/quote", uri.trim_end_matches('/'));
    let answer = http::get(&url, MAX_ANSWER_LEN).map_err(RenewalError::Http)?;
    let (payload, quote) = read(&answer.body).ok_or(RenewalError::Malformed)?;
    if payload.account != *AsRef::<[u8; 32]>::as_ref(account) {
        return Err(RenewalError::AnotherEnclave);
    }
    if payload.block_number <= record.quote_block {
        return Err(RenewalError::NotNewer);
    }
    Ok((payload, quote))
}

/// Takes an answer apart: the quote says how long it is, the payload follows.
fn read(body: &[u8]) -> Option<(AttestationPayload, QuoteBytes)> {
    let answer: Answer = serde_json::from_slice(body).ok()?;
    let mut data: Vec<u8> = hex::decode(answer.data).ok()?;
    let payload = data.split_off(tee_dcap::quote_len(&data)?);
    let payload = AttestationPayload::decode_all(&mut payload.as_slice()).ok()?;
    Some((payload, QuoteBytes::try_from(data).ok()?))
}

// SPDX-License-Identifier: Apache-2.0

use std::sync::{
    mpsc::{channel, Receiver},
    Mutex,
};

use tee_primitives::attestation::LogHead;

use super::*;
use crate::{
    chain::{
        scripted::{attesting, GENESIS, NOW},
        ChainInfo,
    },
    platform::testing::Machine,
    seal::Sealer,
    view::Why,
};

const LOG_HEAD: LogHead = LogHead { count: 3, hash: [0x10; 32] };

fn start(
    limit: Duration,
    make: impl Fn(&[u8; 64]) -> Result<Vec<u8>, PlatformError> + Send + Sync + 'static,
) -> (Quotes, Arc<Machine>, Arc<Account>) {
    let folder = tempfile::tempdir().unwrap();
    let account = Arc::new(Account::load_or_create(folder.path(), &Sealer::new(&[1; 32])).unwrap());
    let own = Identity::new(&account, [2; 32], attesting::MEASUREMENT);
    let platform = Machine::new(attesting::MEASUREMENT, make);
    let (_, log) = watch::channel(LogState { head: LOG_HEAD, rollbacks: None });
    let (quotes, _task) = Quotes::start_with(account.clone(), own, platform.clone(), log, limit);
    (quotes, platform, account)
}

fn good(report_data: &[u8; 64]) -> Result<Vec<u8>, PlatformError> {
    Ok(attesting::quote(attesting::MEASUREMENT, report_data))
}

/// The chain at a block; `recorded` is the block in the quote that it has.
fn view(number: BlockNumber, recorded: Option<BlockNumber>) -> View {
    let own = crate::chain::scripted::OWN;
    View {
        chain: Arc::new(ChainInfo { name: "scripted".into(), genesis_hash: GENESIS }),
        finalized: Head { number, hash: [number as u8; 32] },
        now: NOW,
        assignment: None,
        record: recorded.map(|block| Arc::new(attesting::record(&own, block))),
        measurement: None,
        is_platform_banned: false,
        attestation: Err(Why::Missing),
    }
}

#[tokio::test]
async fn a_quote_carries_the_signed_payload_and_is_given_again_for_some_blocks() {
    let (quotes, machine, account) = start(LIMIT, good);
    let made = quotes.get(&view(10, None)).await.unwrap();
    assert_eq!((made.payload.block_number, made.payload.genesis_hash), (10, GENESIS));
    assert_eq!(made.payload.account, account.id());
    assert_eq!(made.payload.session, account.session());
    assert_eq!(made.payload.log_head, LOG_HEAD);
    let quote = tee_dcap::Quote::parse(&made.bytes).unwrap();
    assert_eq!(quote.report().report_data, made.signature);
    assert!(subxt_signer::sr25519::verify(
        &subxt_signer::sr25519::Signature(made.signature),
        made.payload.message(),
        &subxt_signer::sr25519::PublicKey(account.id()),
    ));
    assert_eq!((made.report.ca, made.report.fmspc), (attesting::CA, attesting::FMSPC));
    assert!(made.report.is_allowed(&attesting::allowed()));

    for block in [10, 11, 14] {
        assert_eq!(quotes.try_get(&view(block, Some(9))).await.unwrap(), made);
    }
    assert_eq!(machine.asked(), 1);
    assert_eq!(quotes.get(&view(15, None)).await.unwrap().payload.block_number, 15);
}

/// The chain takes only what is newer than what it has.
#[tokio::test]
async fn what_the_chain_has_is_not_given_again() {
    let (quotes, machine, _) = start(LIMIT, good);
    quotes.get(&view(10, None)).await.unwrap();
    let newer = quotes.get(&view(12, Some(10))).await.unwrap();
    assert_eq!(newer.payload.block_number, 12);
    // On a chain that says it has this very block, one is enough.
    for _ in 0..5 {
        assert_eq!(quotes.get(&view(12, Some(12))).await.unwrap(), newer);
    }
    assert_eq!(machine.asked(), 2);
}

#[tokio::test]
async fn a_quote_of_another_chain_is_not_given() {
    let (quotes, _, _) = start(LIMIT, good);
    quotes.get(&view(10, None)).await.unwrap();
    let mut elsewhere = view(10, None);
    elsewhere.chain = Arc::new(ChainInfo { name: "other".into(), genesis_hash: [9; 32] });
    let made = quotes.get(&elsewhere).await.unwrap();
    assert_eq!(made.payload.genesis_hash, [9; 32]);
}

#[tokio::test]
async fn what_is_not_what_was_asked_for_does_not_leave_the_enclave() {
    type Bad = fn(&[u8; 64]) -> Result<Vec<u8>, PlatformError>;
    let bad: [(Bad, &str); 5] = [
        (|_| Ok(attesting::quote(attesting::MEASUREMENT, &[7; 64])), "other report data"),
        (|data| Ok(attesting::quote([9; 32], data)), "other code"),
        (|_| Ok(Vec::new()), "cannot be used"),
        (
            |data| {
                let mut quote = good(data)?;
                quote.pop();
                Ok(quote)
            },
            "cannot be used",
        ),
        (
            |data| {
                let mut quote = good(data)?;
                quote.push(0);
                Ok(quote)
            },
            "cannot be used",
        ),
    ];
    for (make, reason) in bad {
        let (quotes, _, _) = start(LIMIT, make);
        let error = quotes.get(&view(10, None)).await.unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[tokio::test]
async fn a_machine_that_fails_is_asked_once_at_each_block() {
    let (quotes, machine, _) = start(LIMIT, |_| Err(PlatformError("made to fail".into())));
    for _ in 0..5 {
        let error = quotes.try_get(&view(10, None)).await.unwrap_err();
        assert_eq!(error.to_string(), "the platform failed: made to fail");
    }
    assert_eq!(machine.asked(), 1);
    quotes.try_get(&view(11, None)).await.unwrap_err();
    assert_eq!(machine.asked(), 2);
}

#[tokio::test]
async fn a_machine_that_breaks_does_not_take_the_others_along() {
    let (quotes, _, _) = start(LIMIT, |_| panic!("made to panic"));
    assert_eq!(quotes.get(&view(10, None)).await.unwrap_err(), QuoteError::BrokeOff);
    assert_eq!(quotes.get(&view(11, None)).await.unwrap_err(), QuoteError::BrokeOff);
}

#[tokio::test]
async fn a_machine_that_hangs_is_waited_for_in_one_thread_only() {
    let (release, released) = channel::<()>();
    let released: Mutex<Receiver<()>> = Mutex::new(released);
    let (quotes, machine, _) = start(Duration::from_millis(50), move |data| {
        let _ = released.lock().unwrap().recv();
        good(data)
    });
    for block in 10..13 {
        let error = quotes.get(&view(block, None)).await.unwrap_err();
        assert_eq!(error, QuoteError::TooSlow);
    }
    assert_eq!(machine.asked(), 1);
    drop(release);
    let mut block = 13;
    let made = loop {
        match quotes.get(&view(block, None)).await {
            Ok(made) => break made,
            Err(_) => block += 1,
        }
    };
    assert_eq!(made.payload.block_number, block);
}

#[tokio::test]
async fn f23_requests_that_wait_are_bounded_and_one_quote_serves_all() {
    let (release, released) = channel::<()>();
    let released: Mutex<Receiver<()>> = Mutex::new(released);
    let (quotes, machine, _) = start(LIMIT, move |data| {
        let _ = released.lock().unwrap().recv();
        good(data)
    });
    let waiting: Vec<_> = (0..QUEUE + 1)
        .map(|_| {
            let quotes = quotes.clone();
            tokio::spawn(async move { quotes.get(&view(10, None)).await })
        })
        .collect();
    while quotes.0.capacity() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(quotes.try_get(&view(10, None)).await.unwrap_err(), QuoteError::Busy);
    drop(release);
    for request in waiting {
        request.await.unwrap().unwrap();
    }
    assert_eq!(machine.asked(), 1);
}

// SPDX-License-Identifier: Apache-2.0
//! One network of a real node and five real enclave processes, and everything that is tried on it.
//!
//! The network is started once; the tests run one after another and leave it as they found it, so
//! that each can be run alone:
//! `cargo test --workspace --test network -- mixed_splits_never_sync`.

mod network {
    pub mod availability;
    pub mod command_line;
    pub mod committee;
    pub mod confirmations;
    pub mod crashes;
    pub mod hostile;
    pub mod hostile_input;
    pub mod refusals;
    pub mod storing;
}

use std::{future::Future, pin::Pin, process::ExitCode, sync::Arc};

use libtest_mimic::{Arguments, Failed, Trial};
use network::{
    availability, command_line, committee, confirmations, crashes, hostile, hostile_input,
    refusals, storing,
};
use tee_cli::{
    devnet::{Devnet, DevnetConfig},
    report::Report,
};
use tokio::{runtime::Runtime, sync::Mutex};

type Outcome<'a> = Pin<Box<dyn Future<Output = anyhow::Result<()>> + 'a>>;
type Test = for<'a> fn(&'a mut Devnet) -> Outcome<'a>;

/// Lists tests by their path.
macro_rules! tests {
    ($($module:ident::$name:ident),* $(,)?) => {
        vec![$((
            concat!(stringify!($module), "::", stringify!($name)),
            (|devnet| Box::pin($module::$name(devnet))) as Test,
        )),*]
    };
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);

    let tests: Vec<(&str, Test)> = tests![
        confirmations::five_enclaves_are_five_processes,
        confirmations::five_accounts_confirm_and_the_last_one_syncs,
        confirmations::the_enclaves_get_their_fees_back,
        storing::a_file_is_recovered_from_any_three,
        storing::a_share_sent_right_after_inclusion_is_stored,
        storing::the_same_request_again_is_the_same_success,
        storing::mixed_splits_never_sync,
        command_line::a_killed_mint_is_resumed_and_viewed,
        committee::a_session_by_hand_tells_what_it_did_on_chain,
        committee::a_motion_that_fails_on_chain_tells_the_pallets_sentence,
        committee::a_mandate_whose_call_fails_is_told_as_a_failure,
        committee::a_motion_that_most_vote_against_is_rejected,
        committee::decisions_about_attestation_are_told_and_shown,
        refusals::who_does_not_own_the_nft_cannot_store,
        refusals::an_expired_token_is_refused,
        refusals::a_token_too_far_ahead_is_refused,
        refusals::a_wrong_signature_is_refused,
        refusals::an_unknown_nft_is_refused,
        refusals::an_nft_without_secret_is_refused,
        refusals::nobody_retrieves_before_the_sync,
        refusals::only_the_owner_retrieves,
        refusals::nothing_is_stored_after_the_sync,
        availability::health_tells_the_chain_and_the_account,
        availability::the_quote_is_signed_by_the_account,
        availability::availability_follows_the_share,
        hostile_input::garbage_gets_a_client_error_in_json,
        hostile_input::large_bodies_get_a_client_error_in_json,
        hostile_input::wrong_types_get_a_client_error_in_json,
        crashes::an_enclave_killed_before_it_confirms_still_confirms_once,
        crashes::stored_shares_survive_a_kill,
        hostile::honest_clients_hardly_notice_attacks,
    ];

    if arguments.list {
        let trials = tests.into_iter().map(|(name, _)| Trial::test(name, || Ok(()))).collect();
        return libtest_mimic::run(&arguments, trials).exit_code();
    }

    let runtime = Arc::new(Runtime::new().expect("threads can be started"));
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let started = runtime.block_on(async {
        Devnet::start(DevnetConfig::new(folder.path().join("net"))?, Report::quiet()).await
    });
    let devnet = match started {
        Ok(devnet) => devnet,
        Err(error) => {
            eprintln!("the network cannot be started: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    let logs = devnet.dir().to_owned();
    let devnet = Arc::new(Mutex::new(Some(devnet)));

    let trials = tests
        .into_iter()
        .map(|(name, test)| {
            let (runtime, devnet) = (runtime.clone(), devnet.clone());
            Trial::test(name, move || {
                runtime.block_on(async {
                    let mut devnet = devnet.lock().await;
                    let devnet = devnet.as_mut().ok_or("the network has ended")?;
                    test(devnet).await.map_err(|error| Failed::from(format!("{error:#}")))?;
                    devnet.check_running().map_err(|error| Failed::from(error.to_string()))
                })
            })
        })
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);

    let ended = runtime.block_on(async {
        match devnet.lock().await.take() {
            Some(devnet) => devnet.down().await,
            None => Ok(()),
        }
    });
    if let Err(error) = &ended {
        eprintln!("the network did not end in order: {error:#}");
    }
    if conclusion.has_failed() || ended.is_err() {
        let kept = folder.keep();
        eprintln!("logs: {} ({})", logs.display(), kept.display());
        return ExitCode::FAILURE;
    }
    conclusion.exit_code()
}

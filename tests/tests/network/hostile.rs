// SPDX-License-Identifier: Apache-2.0
//! Attacks on one of the enclaves, see [`tee_tests::hostile`]. The long version is in `long.rs`.

use std::{path::Path, time::Duration};

use tee_cli::devnet::Devnet;
use tee_tests::{
    create_synced,
    hostile::{siege, victim, Times, Wave, BOUNDS},
};

const MIB: u64 = 1024 * 1024;

/// What an attack may leave behind that is made once more.
const GROWTH: u64 = 8 * MIB;

const TIMES: Times = Times {
    alone: Duration::from_secs(1),
    turn: Duration::from_millis(1200),
    turns: 1,
    rounds: 1,
    more: 4,
};

pub async fn honest_clients_hardly_notice_attacks(devnet: &mut Devnet) -> anyhow::Result<()> {
    let program = Path::new(env!("CARGO_BIN_EXE_tee-hostile"));
    let nft = create_synced(devnet, &victim()).await?;
    let measured = siege(devnet, 0, program, nft.nft_id, &Wave::one_by_one(), TIMES).await?;
    println!("{measured}");
    measured.judge(128 * MIB, GROWTH)?;

    devnet.restart_enclave_with(0, &BOUNDS).await?;
    let measured = siege(devnet, 0, program, nft.nft_id, &Wave::beyond_capacity(), TIMES).await;
    devnet.restart_enclave_with(0, &[]).await?;
    let measured = measured?;
    println!("{measured}");
    measured.judge(64 * MIB, GROWTH)
}

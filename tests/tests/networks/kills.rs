// SPDX-License-Identifier: Apache-2.0
//! Enclaves of two clusters are paused and killed under load, at random moments.

use std::time::Duration;

use anyhow::ensure;
use tee_cli::{
    devnet::{Devnet, DevnetConfig},
    report::Report,
};
use tee_tests::kills;

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_under_load_lose_nothing() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let config = DevnetConfig { clusters: 2, ..DevnetConfig::new(folder.path().join("net"))? };
    let mut devnet = Devnet::start(config, Report::quiet()).await?;
    let outcome = match kills::under_load(&mut devnet, 20, Duration::ZERO).await {
        Ok(outcome) => outcome,
        Err(error) => {
            eprintln!("logs: {}", folder.keep().display());
            return Err(error);
        }
    };
    println!("{outcome:?}");
    ensure!(outcome.synced >= 3 && outcome.viewed >= 20, "too little load: {outcome:?}");
    devnet.down().await
}

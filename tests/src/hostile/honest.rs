// SPDX-License-Identifier: Apache-2.0
//! Honest clients: they retrieve a share again and again, and how long each answer took is kept.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use anyhow::ensure;
use futures::future::try_join_all;
use reqwest::Client;
use subxt_signer::sr25519::Keypair;
use tee_primitives::{nft::NftId, packet::RequesterType};
use tee_wallet::{chain::Chain, packets::retrieve_packet};
use tokio::time::{sleep, Instant};

use crate::Answer;

/// Clients at the same time. Half of them open a connection for each request.
const CLIENTS: usize = 6;

/// Pause between an answer and the next request.
const PAUSE: Duration = Duration::from_millis(20);

/// How often the newest final block is looked up.
const LOOK: Duration = Duration::from_millis(500);

/// Where honest clients come from.
pub const FROM: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// What the honest clients do.
pub struct Honest<'net> {
    /// The chain, for the blocks of their tokens.
    pub chain: &'net Chain,
    /// The enclave's address.
    pub url: String,
    /// Who owns the NFT.
    pub owner: Keypair,
    /// The NFT whose share is retrieved.
    pub nft_id: NftId,
}

/// How long answers took.
#[derive(Clone, Debug, Default)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// The time within which so many of a hundred were answered; zero if there were none.
    pub fn percentile(&self, of_hundred: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * of_hundred).div_ceil(100);
        sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }

    /// How many there were.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Those of two times together.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

impl Honest<'_> {
    /// Works for some time. Fails if a request is not answered with the share: honest clients are to
    /// be served, not only fast to be refused.
    pub async fn work(&self, time: Duration) -> anyhow::Result<Latencies> {
        let end = Instant::now() + time;
        let block = AtomicU32::new(self.chain.finalized().await?.number());
        let looking = async {
            while Instant::now() + LOOK < end {
                sleep(LOOK).await;
                block.store(self.chain.finalized().await?.number(), Ordering::Relaxed);
            }
            anyhow::Ok(())
        };
        let clients = (0..CLIENTS).map(|index| self.client(index % 2 == 0, end, &block));
        let (taken, ()) = tokio::try_join!(try_join_all(clients), looking)?;
        Ok(Latencies(taken.concat()))
    }

    async fn client(
        &self,
        keeps_connection: bool,
        end: Instant,
        block: &AtomicU32,
    ) -> anyhow::Result<Vec<Duration>> {
        let http = Client::builder()
            .local_address(IpAddr::from(FROM))
            .pool_max_idle_per_host(usize::from(keeps_connection))
            .timeout(Duration::from_secs(20))
            .build()?;
        let url = format!("{}/api/secret-nft/retrieve-keyshare", self.url);
        let mut taken = Vec::new();
        while Instant::now() < end {
            let block = block.load(Ordering::Relaxed);
            let packet = retrieve_packet(&self.owner, RequesterType::Owner, self.nft_id, block);
            let body = serde_json::to_vec(&packet)?;
            let request = http.post(&url).header("content-type", "application/json").body(body);
            let begun = Instant::now();
            let answer = Answer::read(request.send().await?).await?;
            taken.push(begun.elapsed());
            ensure!(answer.code.as_u16() == 200, "an honest client got {answer:?}");
            sleep(PAUSE).await;
        }
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_all() {
        let all = Latencies((1..=200).rev().map(Duration::from_millis).collect());
        assert_eq!([50, 99, 100].map(|of| all.percentile(of).as_millis()), [100, 198, 200]);
        assert_eq!(Latencies::default().percentile(99), Duration::ZERO);
        assert_eq!(Latencies(vec![Duration::from_secs(1)]).percentile(99).as_secs(), 1);
    }
}

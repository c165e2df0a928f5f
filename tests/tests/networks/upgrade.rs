// SPDX-License-Identifier: Apache-2.0
//! The committee upgrades the runtime of a running network, while enclaves store, confirm and serve.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{ensure, Context};
use subxt_signer::sr25519::{dev, Keypair};
use tee_cli::{
    devnet::{Devnet, DevnetConfig},
    report::Report,
};
use tee_primitives::{nft::NftId, packet::RequesterType};
use tee_tests::{spec_version, upgrade};
use tee_wallet::{
    chain::Chain,
    secret::{MintRequest, Wallet},
};

/// A file of an owner: minted, synced and viewed.
struct Media {
    folder: tempfile::TempDir,
    wallet: Wallet,
}

impl Media {
    fn new(chain: &Chain, owner: Keypair) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("source"), b"what the owner keeps secret")?;
        Ok(Self { folder, wallet: Wallet::new(chain.clone(), owner)? })
    }

    async fn mint(&self, name: &str) -> anyhow::Result<NftId> {
        let request = MintRequest {
            source: self.folder.path().join("source"),
            sealed: self.folder.path().join(name),
            offchain_data: b"ipfs://public".to_vec(),
            secret_offchain_data: None,
            cluster_id: 0,
        };
        Ok(self.wallet.mint_secret(request, |_| ()).await?.nft_id)
    }

    async fn view(&self, nft_id: NftId, name: &str) -> anyhow::Result<()> {
        let [sealed, target] =
            [name.to_owned(), format!("{name}.again")].map(|file| self.folder.path().join(file));
        if target.exists() {
            std::fs::remove_file(&target)?;
        }
        self.wallet.view_secret(nft_id, RequesterType::Owner, &sealed, &target).await?;
        let [source, target] = [self.folder.path().join("source"), target].map(std::fs::read);
        ensure!(source? == target?, "another content came back");
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f36_a_running_network_is_upgraded_and_its_enclaves_serve_on() -> anyhow::Result<()> {
    let code = tee_runtime::next_version::WASM_BINARY.context(
        "the next runtime was not built: it needs a debug build, and SKIP_WASM_BUILD unset",
    )?;
    let folder = tempfile::tempdir()?;
    let devnet =
        Devnet::start(DevnetConfig::new(folder.path().join("net"))?, Report::quiet()).await?;
    let chain = devnet.chain();
    ensure!(spec_version(chain).await? == 1, "the network starts with another version");

    let before = Media::new(chain, dev::dave())?;
    let kept = before.mint("before").await?;

    // Somebody views and somebody mints all the time, without a failure.
    let is_upgraded = AtomicBool::new(false);
    let viewing = async {
        let mut views = 0u32;
        while !is_upgraded.load(Ordering::Relaxed) {
            before.view(kept, "before").await.context("while the runtime was upgraded")?;
            views += 1;
        }
        anyhow::Ok(views)
    };
    let minting = async {
        let during = Media::new(chain, dev::eve())?;
        let mut minted = 0u32;
        while !is_upgraded.load(Ordering::Relaxed) {
            let name = format!("during-{minted}");
            let nft_id = during.mint(&name).await.context("while the runtime was upgraded")?;
            during.view(nft_id, &name).await?;
            minted += 1;
        }
        anyhow::Ok(minted)
    };
    let upgrading = async {
        let upgraded = upgrade(chain, code, 2).await;
        is_upgraded.store(true, Ordering::Relaxed);
        upgraded
    };
    let (views, minted, upgraded) = tokio::join!(viewing, minting, upgrading);
    upgraded?;
    let (views, minted) = (views?, minted?);
    ensure!(views > 0 && minted > 0, "{views} views, {minted} minted NFTs during the upgrade");

    // A client and enclaves that know the network from before.
    let after = before.mint("after").await.context("after the upgrade")?;
    before.view(after, "after").await?;
    before.view(kept, "before").await?;

    // An enclave that starts under the new runtime.
    let mut devnet = devnet;
    devnet.restart_enclave(0).await?;
    let restarted = before.mint("restarted").await.context("with a restarted enclave")?;
    before.view(restarted, "restarted").await?;
    devnet.down().await
}

// SPDX-License-Identifier: Apache-2.0
//! Storing shares and getting them back.

use anyhow::{ensure, Context};
use subxt_signer::sr25519::dev;
use tee_cli::devnet::Devnet;
use tee_primitives::packet::RequesterType;
use tee_tests::{
    confirmed_slots, keyshares, post, post_store, wait_blocks, wait_confirmed, wait_synced,
    Unsynced, LIMIT, SECRET,
};
use tee_wallet::{
    chain::WaitFor,
    cluster,
    enclave::EnclaveClient,
    packets::retrieve_packet,
    secret::{MintRequest, Wallet},
};
use tokio::time::Instant;

pub async fn a_file_is_recovered_from_any_three(devnet: &mut Devnet) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let source = folder.path().join("picture");
    let sealed = folder.path().join("picture.sealed");
    // Three chunks and a bit.
    let content: Vec<u8> =
        (0..200_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    std::fs::write(&source, &content)?;

    let wallet = Wallet::new(devnet.chain().clone(), dev::alice())?;
    let request = MintRequest {
        source,
        sealed: sealed.clone(),
        offchain_data: b"ipfs://public".to_vec(),
        secret_offchain_data: None,
        cluster_id: 0,
    };
    let minted = wallet.mint_secret(request, |_| ()).await?;
    // What the wallet has stored is given to no request that anybody on the way could use.
    let finalized = devnet.chain().finalized().await?.number();
    let plain = retrieve_packet(&dev::alice(), RequesterType::Owner, minted.nft_id, finalized);
    for enclave in &devnet.enclaves {
        let route = "/api/secret-nft/retrieve-keyshare";
        post(enclave.url(), route, &plain).await?.expect(403, "BOUNDONLY")?;
    }
    let on_disk = std::fs::read(&sealed)?;
    ensure!(
        !on_disk.windows(64).any(|window| window == &content[..64]),
        "the sealed file shows its content"
    );

    // Two enclaves are down.
    for (round, down) in [[0, 1], [1, 3], [2, 4]].into_iter().enumerate() {
        for slot in down {
            devnet.enclaves[slot].kill()?;
        }
        let target = folder.path().join(format!("recovered-{round}"));
        let viewed =
            wallet.view_secret(minted.nft_id, RequesterType::Owner, &sealed, &target).await;
        for slot in down {
            devnet.restart_enclave(slot).await?;
        }
        viewed.with_context(|| format!("slots {down:?} were down"))?;
        ensure!(std::fs::read(&target)? == content, "another content came back");
    }

    // Two enclaves hang: they take connections and never answer.
    let hanging = [0, 2];
    for slot in hanging {
        devnet.enclaves[slot].process().pause()?;
    }
    let target = folder.path().join("recovered-from-three-that-answer");
    let viewed = wallet.view_secret(minted.nft_id, RequesterType::Owner, &sealed, &target).await;
    for slot in hanging {
        devnet.enclaves[slot].process().resume()?;
    }
    viewed.with_context(|| format!("slots {hanging:?} hung"))?;
    ensure!(std::fs::read(&target)? == content, "another content came back");
    Ok(())
}

pub async fn a_share_sent_right_after_inclusion_is_stored(
    devnet: &mut Devnet,
) -> anyhow::Result<()> {
    let (chain, owner) = (devnet.chain(), dev::bob());
    // Most often the NFT is not final when its transaction is included; the test needs one such.
    for _ in 0..10 {
        let nft = Unsynced::create(chain, &owner, WaitFor::Inclusion).await?;
        let sent = devnet.enclaves.iter().zip(&nft.packets).map(|(e, p)| post_store(e.url(), p));
        let (was_final, answers) = tokio::join!(
            async { chain.finalized().await?.nft(nft.nft_id).await },
            futures::future::join_all(sent)
        );
        for answer in answers {
            answer?.expect(200, "STORESUCCESS")?;
        }
        wait_synced(devnet, nft.nft_id).await?;
        if was_final?.is_none() {
            return Ok(());
        }
    }
    anyhow::bail!("every NFT was final before its shares could be sent")
}

pub async fn the_same_request_again_is_the_same_success(devnet: &mut Devnet) -> anyhow::Result<()> {
    let (chain, owner) = (devnet.chain(), dev::bob());
    let nft = Unsynced::create(chain, &owner, WaitFor::Finality).await?;
    let first = chain.finalized().await?.number();
    let url = devnet.enclaves[2].url();
    for _ in 0..3 {
        post_store(url, &nft.packets[2]).await?.expect(200, "STORESUCCESS")?;
    }
    // The same splitting with another share is not the same request.
    let other = &nft.packets[3];
    post_store(url, other).await?.expect(409, "NFTIDEXISTS")?;

    wait_confirmed(chain, nft.nft_id, &[2]).await?;
    wait_blocks(chain, 3).await?;
    let last = chain.finalized().await?.number();
    let history =
        tee_wallet::chain::history::sync_history(chain, nft.nft_id, SECRET, first..=last).await?;
    ensure!(history.confirmations.len() == 1, "{:?}", history.confirmations);
    Ok(())
}

pub async fn mixed_splits_never_sync(devnet: &mut Devnet) -> anyhow::Result<()> {
    let (chain, owner) = (devnet.chain().clone(), dev::charlie());
    let first = Unsynced::create(&chain, &owner, WaitFor::Finality).await?;
    let nft_id = first.nft_id;

    // Slot 4 is down; the client reaches the others only.
    devnet.enclaves[4].kill()?;
    for slot in 0..4 {
        post_store(devnet.enclaves[slot].url(), &first.packets[slot])
            .await?
            .expect(200, "STORESUCCESS")?;
    }
    ensure!(post_store(devnet.enclaves[4].url(), &first.packets[4]).await.is_err());
    wait_confirmed(&chain, nft_id, &[0, 1, 2, 3]).await?;
    devnet.restart_enclave(4).await?;

    // It splits the key again, and this time reaches slot 4 first. Five slots have confirmed, but
    // two splittings.
    let second = first.split_again(&chain, &owner).await?;
    let client = EnclaveClient::new()?;
    post_store(devnet.enclaves[4].url(), &second.packets[4]).await?.expect(200, "STORESUCCESS")?;
    wait_confirmed(&chain, nft_id, &[0, 1, 2, 3, 4]).await?;
    wait_blocks(&chain, 4).await?;
    let block = chain.finalized().await?;
    ensure!(confirmed_slots(&block, nft_id).await?.len() == 5, "a confirmation is gone");
    ensure!(keyshares(&chain, nft_id).await?.synced.is_none(), "two splittings were synced");

    // The rest of the second splitting completes it.
    let members = block.members(0).await?;
    let report = cluster::store(&client, &members, &second.attempt, Instant::now() + LIMIT).await?;
    ensure!(report.is_complete(), "{report}");
    wait_synced(devnet, nft_id).await?;

    // What comes back rebuilds the key.
    let finalized = chain.finalized().await?.number();
    let packet = retrieve_packet(&owner, RequesterType::Owner, nft_id, finalized);
    let expected = *second.key.as_bytes();
    let opens = |key: &tee_wallet::media::MediaKey| *key.as_bytes() == expected;
    cluster::retrieve_plain(&client, &members, nft_id, &packet, opens, Instant::now() + LIMIT)
        .await?;
    Ok(())
}

// SPDX-License-Identifier: Apache-2.0
//! The committee decides which code and which machines count, at once; a machine that lost its keys
//! comes back without asking anybody.

use anyhow::{ensure, Context};
use sp_crypto_hashing::blake2_256;
use subxt_signer::sr25519::dev;
use tee_cli::{
    devnet::{setup, Devnet, DevnetConfig, EnclaveConfig},
    keys,
    report::Report,
};
use tee_primitives::{attestation::record::NotLive, RawAccountId};
use tee_tests::{
    confirmed_slots, create_synced, keyshares, passed, post_store, succeed, tells, until,
    wait_blocks, wait_confirmed, Unsynced, LIMIT,
};
use tee_wallet::{
    chain::{attestation::Attested, WaitFor},
    packets::ss58,
};

/// What every simulated enclave is signed by.
const SIGNER: &[u8] = b"tee-enclave-simulated signer";

/// How the attestation of a slot's enclave stands on the finalized chain.
async fn attested(devnet: &Devnet, slot: usize) -> anyhow::Result<Attested> {
    let block = devnet.chain().finalized().await?;
    let members = block.members(0).await?;
    let member = members.enclaves.get(slot).context("the slot is empty")?;
    Ok(block.attested(&member.enclave_account, &member.operator).await?)
}

/// Gives an enclave that is new what its transactions cost.
async fn fund(devnet: &Devnet, account: &RawAccountId) -> anyhow::Result<()> {
    let transfer = setup::fund_enclave(account);
    devnet.chain().submit(&transfer, &dev::alice(), WaitFor::Inclusion, LIMIT).await?;
    Ok(())
}

/// Waits until the enclave in a slot itself sees that its attestation counts, or that it does not.
async fn sees(devnet: &Devnet, slot: usize, live: bool) -> anyhow::Result<()> {
    until("what the enclave sees of its attestation", || async {
        let attestation = devnet.health(slot).await?.attestation.context("health lacks it")?;
        Ok(attestation.live == live)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn code_and_machines_count_as_the_committee_says() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let config = DevnetConfig::new(folder.path().join("net"))?;
    let mut devnet = Devnet::start(config, Report::quiet()).await?;

    a_machine_that_lost_its_keys_comes_back_without_a_motion(&mut devnet, 0).await?;
    let measurement = another_measurement_takes_a_slot_over(&mut devnet, 4).await?;
    what_is_revoked_confirms_nothing(&devnet, 4, &measurement).await?;
    what_is_banned_counts_again_when_the_ban_is_taken_back(&devnet, 1).await?;

    devnet.check_running()?;
    devnet.down().await
}

/// The same code on the same machine, with another account: nobody has to approve it.
async fn a_machine_that_lost_its_keys_comes_back_without_a_motion(
    devnet: &mut Devnet,
    slot: usize,
) -> anyhow::Result<()> {
    let before = devnet.account(slot).await?;
    let enclave = devnet.enclaves.get_mut(slot).context("there is no such slot")?;
    enclave.wipe()?;
    enclave.restart().await?;
    let url = enclave.url().to_owned();
    let after = devnet.account(slot).await?;
    ensure!(after != before, "it kept its account");
    fund(devnet, &after).await?;

    let key = format!("//Operator{}", slot + 1);
    let told = succeed(devnet, &["operator", "update", "--url", &url, "--suri", &key])?;
    tells(&told, &format!("asked for enclave {} at", ss58(&after)))?;
    until("the slot's new account", || async {
        let members = devnet.chain().finalized().await?.members(0).await?;
        Ok(members.enclaves[slot].enclave_account == after)
    })
    .await?;
    setup::wait_until_attested(devnet, &devnet.enclaves[slot]).await?;
    create_synced(devnet, &dev::dave()).await.context("with the enclave that came back")?;
    Ok(())
}

/// Another build on another machine: allowed, named, attested, approved; its measurement.
async fn another_measurement_takes_a_slot_over(
    devnet: &mut Devnet,
    slot: usize,
) -> anyhow::Result<[u8; 32]> {
    let chain = devnet.chain().clone();
    let measurement = blake2_256(b"another build");
    let (hex, signer) = (hex::encode(measurement), hex::encode(blake2_256(SIGNER)));
    let allow = ["allow-measurement", "--mr-enclave", &hex, "--mr-signer", &signer];
    tells(&passed(devnet, &allow)?, &format!("measurement 0x{hex} is allowed"))?;
    let allowed = chain.finalized().await?.allowed_measurement(&measurement).await?;
    let acts_from = allowed.context("it is not allowed")?.acts_from;

    let operator = devnet.enclaves[slot].operator().clone();
    let address = ss58(&operator.public_key().0);
    let successor = EnclaveConfig {
        name: String::from("successor"),
        port: 0,
        operator: operator.clone(),
        machine: 42,
        measurement: Some(measurement),
        isv_svn: None,
        next_abi: None,
        rpc_url: None,
        push: true,
    };
    let successor = devnet.start_enclave(successor).await?;
    let health = devnet.http().health(successor.url()).await?;
    let account = keys::account(&health.enclave_address)?;
    fund(devnet, &account).await?;
    let key = format!("//Operator{}", slot + 1);
    succeed(devnet, &["operator", "update", "--url", successor.url(), "--suri", &key])?;
    setup::wait_until_attested(devnet, &successor).await?;
    let now = chain.finalized().await?.number();
    ensure!(now >= acts_from, "it counts in #{now}, before #{acts_from}");
    // The old one serves on.
    ensure!(attested(devnet, slot).await?.is_live(), "the predecessor was dropped too early");
    let status = succeed(devnet, &["operator", "status", "--operator", &address])?;
    tells(&status, "assigned to cluster 0: enclave ")?;
    tells(&status, &format!("named as successor: enclave {}", ss58(&account)))?;

    let told = passed(devnet, &["approve-update", "--operator", &address])?;
    tells(&told, &format!("enclave {} can take the slot over until", ss58(&account)))?;
    // It copies the slot's shares and takes it over by itself.
    let url = successor.url().to_owned();
    until("the successor in the slot", || async {
        let members = chain.finalized().await?.members(0).await?;
        Ok(members.enclaves[slot].enclave_account == account)
    })
    .await?;
    let predecessor = std::mem::replace(&mut devnet.enclaves[slot], successor);
    drop(predecessor);
    let member = chain.finalized().await?.members(0).await?.enclaves[slot].clone();
    ensure!((member.enclave_account, member.url) == (account, url), "the slot is another's");
    create_synced(devnet, &dev::dave()).await.context("with the successor")?;
    Ok(measurement)
}

/// From the block of the revocation on nothing of the enclave counts, and everybody is told why.
async fn what_is_revoked_confirms_nothing(
    devnet: &Devnet,
    slot: usize,
    measurement: &[u8; 32],
) -> anyhow::Result<()> {
    let hex = hex::encode(measurement);
    let (chain, owner) = (devnet.chain(), dev::dave());
    let told = passed(devnet, &["revoke-measurement", "--mr-enclave", &hex])?;
    tells(&told, &format!("measurement 0x{hex} is revoked"))?;
    let not_live = attested(devnet, slot).await?.not_live;
    ensure!(not_live == Some(NotLive::MeasurementNotAllowed), "{not_live:?}");

    // The enclave cannot know of the NFT without knowing of the revocation before it.
    let nft = Unsynced::create(chain, &owner, WaitFor::Finality).await?;
    let mut others = Vec::new();
    for (place, (enclave, packet)) in devnet.enclaves.iter().zip(&nft.packets).enumerate() {
        let answer = post_store(enclave.url(), packet).await?;
        if place == slot {
            answer.expect(503, "NOTINSERVICE")?;
        } else {
            answer.expect(200, "STORESUCCESS")?;
            others.push(u32::try_from(place)?);
        }
    }
    wait_confirmed(chain, nft.nft_id, &others).await?;
    wait_blocks(chain, 3).await?;
    let block = chain.finalized().await?;
    ensure!(confirmed_slots(&block, nft.nft_id).await? == others, "a confirmation was counted");
    ensure!(keyshares(chain, nft.nft_id).await?.synced.is_none(), "it was synced by four");

    sees(devnet, slot, false).await?;
    let health = devnet.health(slot).await?;
    ensure!(health.sync_state.is_empty(), "it says that it is in service: {health:?}");
    let problem = health.attestation_problem().context("health does not say why")?;
    tells(&problem, "measurement")?;
    let status = succeed(devnet, &["status"])?;
    tells(
        &status,
        &format!("NOT attested (simulated): the committee does not allow its measurement 0x{hex}"),
    )
}

async fn what_is_banned_counts_again_when_the_ban_is_taken_back(
    devnet: &Devnet,
    slot: usize,
) -> anyhow::Result<()> {
    let record = attested(devnet, slot).await?.record.context("there is no attestation")?;
    let platform = hex::encode(record.facts.platform);
    passed(devnet, &["ban-platform", "--platform", &platform])?;
    let not_live = attested(devnet, slot).await?.not_live;
    ensure!(not_live == Some(NotLive::PlatformBanned), "{not_live:?}");
    sees(devnet, slot, false).await?;
    let status = succeed(devnet, &["status"])?;
    tells(&status, &format!("the committee has banned its machine 0x{platform}"))?;

    passed(devnet, &["unban-platform", "--platform", &platform])?;
    ensure!(attested(devnet, slot).await?.is_live(), "it does not count again");
    sees(devnet, slot, true).await
}

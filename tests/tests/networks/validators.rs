// SPDX-License-Identifier: Apache-2.0
//! The committee adds a validator: it authors blocks, and finality goes on with its vote. An enclave
//! follows the change of GRANDPA's authorities, while it runs and when it starts later.

use anyhow::{ensure, Context};
use codec::{Decode, Encode};
use subxt::dynamic::Value;
use subxt_rpcs::{rpc_params, RpcClient};
use subxt_signer::sr25519::dev;
use tee_cli::{
    committee,
    devnet::{setup, Binaries, Devnet, DevnetConfig, EnclaveConfig, NodeConfig, NodeProcess},
    report::Report,
};
use tee_primitives::{BlockNumber, RawAccountId};
use tee_tests::{until, LIMIT};
use tee_wallet::chain::{calls, Chain, ChainBlock, WaitFor};

/// What a node answers to `author_rotateKeysWithOwner`.
#[derive(serde::Deserialize)]
struct GeneratedKeys {
    keys: String,
    proof: String,
}

fn bytes(hex: &str) -> anyhow::Result<Vec<u8>> {
    Ok(hex::decode(hex.trim_start_matches("0x"))?)
}

async fn start(
    name: &str,
    dir: &std::path::Path,
    arguments: &[&str],
) -> anyhow::Result<(NodeProcess, RpcClient)> {
    let config = NodeConfig {
        program: Binaries::beside_this()?.node,
        name: name.to_owned(),
        dir: dir.to_owned(),
        rpc_port: 0,
        arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
    };
    let node = NodeProcess::spawn(config).await?;
    let rpc = RpcClient::from_insecure_url(node.ws_url()).await?;
    Ok((node, rpc))
}

/// An enclave that nobody has assigned.
fn enclave(name: &str, machine: u32) -> anyhow::Result<EnclaveConfig> {
    Ok(EnclaveConfig {
        name: name.to_owned(),
        port: 0,
        operator: setup::operator(0)?,
        machine,
        measurement: None,
        isv_svn: None,
        next_abi: None,
        rpc_url: None,
        push: false,
    })
}

/// The validators of the session of a block.
async fn validators(block: &ChainBlock) -> anyhow::Result<Vec<RawAccountId>> {
    let bytes = block.entry("the validators", "Session", "Validators", []).await?;
    Ok(Vec::decode(&mut bytes.unwrap_or_default().as_slice())?)
}

/// The validator whose turn it was when a block was authored: Aura takes turns by slot.
async fn author(chain: &Chain, number: BlockNumber) -> anyhow::Result<RawAccountId> {
    let block = chain.finalized_block(number).await?;
    let slot = block.entry("the slot", "Aura", "CurrentSlot", []).await?.context("no slot")?;
    let slot = u64::decode(&mut slot.as_slice())?;
    // Session keys of this chain name Aura's authorities in the order of the validators.
    let validators = validators(&chain.finalized_block(number - 1).await?).await?;
    let turn = slot % validators.len() as u64;
    Ok(validators[turn as usize])
}

#[tokio::test(flavor = "multi_thread")]
async fn an_added_validator_authors_and_finality_goes_on() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let config = DevnetConfig::new(folder.path().join("net"))?;
    let devnet = Devnet::start_node(&config, Report::quiet()).await?;
    let alice_rpc = RpcClient::from_insecure_url(devnet.ws_url()).await?;
    let chain = devnet.chain();
    let enclave = devnet.start_enclave(enclave("running", 1)?).await?;
    let peer: String = alice_rpc.request("system_localPeerId", rpc_params![]).await?;
    let addresses: Vec<String> =
        alice_rpc.request("system_localListenAddresses", rpc_params![]).await?;
    let address = addresses
        .iter()
        .find(|address| address.starts_with("/ip4/127.0.0.1/"))
        .with_context(|| format!("no address of this machine in {addresses:?}"))?;
    let bootnode =
        if address.contains("/p2p/") { address.clone() } else { format!("{address}/p2p/{peer}") };

    let arguments = [
        "--chain=dev",
        "--validator",
        "--unsafe-force-node-key-generation",
        "--rpc-methods=unsafe",
        "--bootnodes",
        &bootnode,
    ];
    let (mut joiner, joiner_rpc) = start("joiner", folder.path(), &arguments).await?;

    // Keys made inside the joining node, tied to the account that will validate.
    let validator = dev::dave();
    let account = validator.public_key().0;
    let owner = format!("0x{}", hex::encode(account.encode()));
    let generated: GeneratedKeys =
        joiner_rpc.request("author_rotateKeysWithOwner", rpc_params![owner]).await?;
    let keys = bytes(&generated.keys)?;
    ensure!(keys.len() == 64, "an Aura and a GRANDPA key: {}", generated.keys);
    let [aura, grandpa] = [&keys[..32], &keys[32..]].map(Value::from_bytes);
    let keys = Value::named_composite([("aura", aura), ("grandpa", grandpa)]);
    let proof = Value::from_bytes(bytes(&generated.proof)?);
    let call = calls::call("Session", "set_keys", [keys, proof]);
    chain.submit(&call, &validator, WaitFor::Finality, LIMIT).await?;

    let call = calls::call("ValidatorSet", "add_validator", [Value::from_bytes(account)]);
    committee::pass(chain, &setup::committee(), call).await?.carried()?;
    let joined = chain
        .wait_for("the session of two validators", LIMIT, |block| async move {
            let validators = validators(&block).await.unwrap_or_default();
            Ok((validators.len() == 2).then_some(block.number()))
        })
        .await?;

    // Finality needs both votes from now on.
    let mut authors = Vec::new();
    for number in joined + 1..=joined + 8 {
        chain
            .wait_for("finality with two validators", LIMIT, |block| async move {
                Ok((block.number() >= number).then_some(()))
            })
            .await?;
        authors.push(author(chain, number).await?);
    }
    ensure!(authors.contains(&account), "the new validator authored nothing");
    ensure!(authors.contains(&dev::alice().public_key().0), "the old one authored nothing");

    // Each proves the blocks after the change to itself: one that saw it, and one that did not.
    let later = devnet.start_enclave(self::enclave("later", 2)?).await?;
    for enclave in [&enclave, &later] {
        until("the enclave at a block of the new authorities", || async {
            let health = devnet.http().health(enclave.url()).await?;
            Ok(health.block_number > joined + 8)
        })
        .await?;
    }

    // Without the new validator's vote nothing is final: it is the vote that counts.
    joiner.kill()?;
    let last = chain.finalized().await?.number();
    let best = chain.best().await?.number();
    chain_grows(chain, best + 6).await?;
    let now = chain.finalized().await?.number();
    // Votes that were on their way may still finalize a block or two.
    ensure!(now <= last + 3, "finality went from #{last} to #{now} without two thirds");
    Ok(())
}

/// Waits until the best block has this number.
async fn chain_grows(chain: &Chain, number: BlockNumber) -> anyhow::Result<()> {
    until("blocks by the remaining validator", || async {
        Ok(chain.best().await?.number() >= number)
    })
    .await
}

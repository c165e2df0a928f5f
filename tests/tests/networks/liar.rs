// SPDX-License-Identifier: Apache-2.0
//! F1: the node of one enclave lies, in every way that somebody who wants a share could think of. A
//! reader without proofs believes it. The enclave gives nobody a share for it, counts nothing as
//! synced for it, names the lie in its log, and serves again as soon as the node is honest.

use std::{future::Future, time::Duration};

use anyhow::{ensure, Context};
use serde_json::{json, Value as Json};
use subxt::dynamic::Value;
use subxt_rpcs::{rpc_params, RpcClient};
use subxt_signer::sr25519::{dev, Keypair};
use tee_cli::{
    devnet::{Devnet, DevnetConfig},
    report::Report,
};
use tee_primitives::{abi::storage, nft::NftId, packet::RequesterType, Hash};
use tee_tests::{
    confirmed_slots, create_synced, keyshares,
    liar::{Fate, Liar, Passing},
    post, post_store, until, until_within, Unsynced, LIMIT, SECRET,
};
use tee_wallet::{
    chain::{calls, WaitFor},
    packets::retrieve_packet,
};

const RETRIEVE: &str = "/api/secret-nft/retrieve-keyshare";
const READ_PROOF: &str = "state_getReadProof";
const READ: &str = "state_getStorage";

/// How long it may take until a lie is found out: a node that shows nothing new is given a minute.
const NAMED: Duration = Duration::from_secs(120);

/// A network whose first enclave has a lying node, and an NFT that Eve has sold to Alice.
struct Stage {
    devnet: Devnet,
    liar: Liar,
    /// Reads over the lying node.
    credulous: RpcClient,
    nft_id: NftId,
    /// A block at which the NFT was Eve's.
    before_sale: Hash,
}

fn hex(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn account(keypair: &Keypair) -> String {
    hex::encode(keypair.public_key().0)
}

/// Replaces text in a JSON value.
fn replace(value: &mut Json, from: &str, to: &str) {
    let text = value.to_string().replace(from, to);
    *value = serde_json::from_str(&text).unwrap_or(Json::Null);
}

impl Stage {
    async fn set() -> anyhow::Result<(Self, tempfile::TempDir)> {
        let folder = tempfile::tempdir()?;
        let mut config = DevnetConfig::new(folder.path().join("net"))?;
        let mut devnet = Devnet::start_node(&config, Report::quiet()).await?;
        let liar = Liar::before(devnet.ws_url()).await?;
        config.rpc_urls.insert(0, liar.url().to_owned());
        devnet.start_enclaves(&config, Report::quiet()).await?;
        devnet.attest_enclaves(Report::quiet()).await?;
        devnet.set_up_cluster(Report::quiet()).await?;

        let (alice, eve) = (dev::alice(), dev::eve());
        let nft = create_synced(&devnet, &eve).await?;
        let before_sale = devnet.chain().finalized().await?.hash();
        let recipient = Value::unnamed_variant("Id", [Value::from_bytes(alice.public_key().0)]);
        let nft_id = Value::u128(nft.nft_id.into());
        let call = calls::call("NFT", "transfer_nft", [nft_id, recipient]);
        devnet.chain().submit(&call, &eve, WaitFor::Finality, LIMIT).await?;
        let credulous = RpcClient::from_insecure_url(liar.url()).await?;
        let nft_id = nft.nft_id;
        let stage = Self { devnet, liar, credulous, nft_id, before_sale };
        stage.serves().await?;
        Ok((stage, folder))
    }

    fn url(&self) -> &str {
        self.devnet.enclaves[0].url()
    }

    /// What the enclave has logged so far.
    fn log(&self) -> anyhow::Result<String> {
        let log = self.devnet.dir().join(format!("{}.log", self.devnet.enclaves[0].name()));
        std::fs::read_to_string(&log).context("the enclave's log")
    }

    /// What the lying node says stands there.
    async fn believed(&self, key: Vec<u8>) -> anyhow::Result<Option<String>> {
        Ok(self.credulous.request(READ, rpc_params![hex(&key), Json::Null]).await?)
    }

    /// Whom a reader without proofs takes for the owner.
    async fn takes_eve_for_the_owner(&self) -> anyhow::Result<()> {
        let nft = self.believed(storage::nft(self.nft_id)).await?.unwrap_or_default();
        ensure!(nft.contains(&account(&dev::eve())), "the lie convinces nobody: {nft}");
        Ok(())
    }

    async fn retrieve(&self, who: &Keypair) -> anyhow::Result<u16> {
        let finalized = self.devnet.chain().finalized().await?.number();
        let packet = retrieve_packet(who, RequesterType::Owner, self.nft_id, finalized);
        let answer = post(self.url(), RETRIEVE, &packet).await?;
        let is_given = answer.body.to_string().contains("keyshare_data\":\"");
        ensure!(is_given == (answer.code == 200), "{} {}", answer.code, answer.body);
        Ok(answer.code.as_u16())
    }

    /// A reader without proofs takes the block for final that a justification names, whatever its
    /// votes are worth.
    async fn takes_a_block_for_final(&self) -> anyhow::Result<()> {
        let method = "grandpa_subscribeJustifications";
        let unsubscribe = "grandpa_unsubscribeJustifications";
        let mut told =
            self.credulous.subscribe::<String>(method, rpc_params![], unsubscribe).await?;
        let bytes = tokio::time::timeout(LIMIT, told.next()).await?.context("it ended")??;
        let bytes = ::hex::decode(bytes.trim_start_matches("0x"))?;
        let (_round, _hash, number): (u64, Hash, u32) = codec::Decode::decode(&mut &bytes[..])?;
        ensure!(number > 0, "it names no block");
        Ok(())
    }

    /// The owner gets its share.
    async fn serves(&self) -> anyhow::Result<()> {
        until("service to the owner", || async { Ok(self.retrieve(&dev::alice()).await? == 200) })
            .await
    }

    /// Lies, sees that it convinces, and that the enclave gives Eve nothing and names it.
    async fn tell<Convinced>(
        &self,
        what: &str,
        lie: impl Fn(Passing<'_>) -> Fate + Send + Sync + 'static,
        convinces: Convinced,
        named: &str,
    ) -> anyhow::Result<()>
    where
        Convinced: Future<Output = anyhow::Result<()>>,
    {
        let told = async {
            let logged = self.log()?.len();
            self.liar.lie(lie);
            convinces.await?;
            until_within(NAMED, named, || async {
                ensure!(self.retrieve(&dev::eve()).await? != 200, "Eve gets the share");
                Ok(self.log()?[logged..].contains(named))
            })
            .await?;
            ensure!(self.retrieve(&dev::eve()).await? != 200, "Eve gets the share");
            self.liar.be_honest();
            self.serves().await
        };
        told.await.with_context(|| format!("lie: {what}"))
    }
}

/// Changes the answers to reading by proof, and to reading without.
fn reading(
    proof: impl Fn(&mut Vec<Json>) + Send + Sync + 'static,
    value: impl Fn(&mut Json) + Send + Sync + 'static,
) -> impl Fn(Passing<'_>) -> Fate + Send + Sync {
    move |passing| {
        match passing {
            Passing::Answer(READ_PROOF, _, result) => {
                if let Some(nodes) = result["proof"].as_array_mut() {
                    proof(nodes);
                }
            }
            Passing::Answer(READ, _, result) => value(result),
            _ => (),
        }
        Fate::Passes
    }
}

/// A justification, and not the name of the subscription to them.
fn is_long(bytes: &str) -> bool {
    bytes.len() > 100
}

/// Puts Eve into Alice's place.
fn usurp(value: &mut Json) {
    replace(value, &account(&dev::alice()), &account(&dev::eve()));
}

#[tokio::test(flavor = "multi_thread")]
async fn f1_a_lying_node_gets_nobody_a_share() -> anyhow::Result<()> {
    let (stage, _folder) = Stage::set().await?;
    about_values(&stage).await?;
    about_blocks(&stage).await?;
    about_transactions(&stage).await?;
    stage.devnet.down().await
}

const FALSE_PROOF: &str = "the node's proof does not show what the block's state has";

async fn about_values(stage: &Stage) -> anyhow::Result<()> {
    let convinces = || stage.takes_eve_for_the_owner();
    let lie = reading(|nodes| nodes.iter_mut().for_each(usurp), usurp);
    stage.tell("another owner", lie, convinces(), FALSE_PROOF).await?;

    let lie = reading(Vec::clear, usurp);
    stage.tell("no proof at all", lie, convinces(), FALSE_PROOF).await?;

    let cut = |nodes: &mut Vec<Json>| {
        let longest = (0..nodes.len()).max_by_key(|&at| nodes[at].to_string().len());
        if let Some(longest) = longest {
            nodes.remove(longest);
        }
    };
    stage.tell("a proof that was cut", reading(cut, usurp), convinces(), FALSE_PROOF).await?;

    // True, of a block before the sale.
    let at = hex(&stage.before_sale);
    let old_state = move |passing: Passing<'_>| {
        if let Passing::Question(READ_PROOF | READ, params) = passing {
            params[1] = json!(at);
        }
        Fate::Passes
    };
    stage.tell("an old state", old_state, convinces(), FALSE_PROOF).await?;

    let absent = reading(Vec::clear, |value| *value = Json::Null);
    let gone = async {
        ensure!(stage.believed(storage::nft(stage.nft_id)).await?.is_none(), "it is still there");
        Ok(())
    };
    stage.tell("an NFT that is gone", absent, gone, FALSE_PROOF).await?;

    let other = |passing: Passing<'_>| {
        match passing {
            Passing::Question(READ_PROOF, params) => {
                params[0] = json!([hex(&storage::next_nft_id())]);
            }
            Passing::Answer(READ, _, value) => usurp(value),
            _ => (),
        }
        Fate::Passes
    };
    stage.tell("a proof of something else", other, convinces(), FALSE_PROOF).await?;

    // Nothing was ever synced: who believes it fetches nothing, and thinks that it holds everything.
    let (count, nowhere) = (hex(&storage::sync_count()), hex(&storage::sync_log(u64::MAX)));
    let omitted = move |passing: Passing<'_>| {
        if let Passing::Question(READ_PROOF | READ, params) = passing {
            replace(params, &count, &nowhere);
        }
        Fate::Passes
    };
    let none = async {
        ensure!(stage.believed(storage::sync_count()).await?.is_none(), "syncs are still there");
        Ok(())
    };
    stage.tell("syncs that are left out", omitted, none, FALSE_PROOF).await?;

    // The order of a proof's nodes means nothing: no lie.
    stage.liar.lie(reading(|nodes| nodes.reverse(), |_| ()));
    stage.serves().await.context("with reordered proofs")?;
    stage.liar.be_honest();

    // What the newest block says decides nothing but whether to wait.
    stage.liar.answer("state_queryStorageAt", |_, result| usurp(result));
    ensure!(stage.retrieve(&dev::eve()).await? != 200, "Eve gets the share");
    stage.liar.be_honest();
    stage.serves().await
}

async fn about_blocks(stage: &Stage) -> anyhow::Result<()> {
    const JUSTIFICATIONS: &str = "grandpa_subscribeJustifications";
    const PROVE: &str = "grandpa_proveFinality";
    // A changed signature: of the vote at the end of the bytes, before the voter and no headers.
    let forge = |passing: Passing<'_>| {
        match passing {
            Passing::Answer(JUSTIFICATIONS, _, Json::String(bytes)) if is_long(bytes) => {
                let at = bytes.len() - 2 - 64 - 20;
                let digit = if bytes[at..].starts_with('0') { "1" } else { "0" };
                bytes.replace_range(at..at + 1, digit);
            }
            Passing::Answer(PROVE, _, result) => *result = Json::Null,
            _ => (),
        }
        Fate::Passes
    };
    let believed = stage.takes_a_block_for_final();
    stage.tell("a forged vote", forge, believed, "a signature that does not fit").await?;

    let garbage = |passing: Passing<'_>| {
        match passing {
            Passing::Answer(JUSTIFICATIONS, _, Json::String(bytes)) if is_long(bytes) => {
                bytes.truncate((bytes.len() / 2) & !1);
            }
            _ => (),
        }
        Fate::Passes
    };
    let believed = stage.takes_a_block_for_final();
    stage.tell("half a justification", garbage, believed, "justification is malformed").await?;

    let root = |passing: Passing<'_>| {
        if let Passing::Answer("chain_getHeader", _, header) = passing {
            header["stateRoot"] = json!(hex(&[6; 32]));
        }
        Fate::Passes
    };
    let believed = async {
        let header: Json = stage.credulous.request("chain_getHeader", rpc_params![]).await?;
        ensure!(header["stateRoot"] == json!(hex(&[6; 32])), "{header}");
        Ok(())
    };
    stage.tell("another state of the block", root, believed, "another header").await?;

    // A consensus message of GRANDPA: a change to Eve's key alone, with weight 1, at once.
    let change = format!("0x0446524e4bb80104{}010000000000000000000000", account(&dev::eve()));
    let authorities = move |passing: Passing<'_>| {
        if let Passing::Answer("chain_getHeader", _, header) = passing {
            if let Some(logs) = header["digest"]["logs"].as_array_mut() {
                logs.insert(0, json!(change));
            }
        }
        Fate::Passes
    };
    let believed = async {
        let header: Json = stage.credulous.request("chain_getHeader", rpc_params![]).await?;
        ensure!(header.to_string().contains(&account(&dev::eve())), "{header}");
        Ok(())
    };
    stage.tell("other authorities", authorities, believed, "another header").await?;

    let elsewhere = |passing: Passing<'_>| {
        match passing {
            Passing::Answer("chain_getBlockHash", _, result) => *result = json!(hex(&[9; 32])),
            // So that it connects anew.
            Passing::Answer(JUSTIFICATIONS, _, Json::String(bytes)) if is_long(bytes) => {
                bytes.truncate(100);
            }
            _ => (),
        }
        Fate::Passes
    };
    let believed = async {
        let genesis: String = stage.credulous.request("chain_getBlockHash", rpc_params![0]).await?;
        ensure!(genesis == hex(&[9; 32]), "{genesis}");
        Ok(())
    };
    stage.tell("another chain", elsewhere, believed, "on another chain").await?;

    // The past again: nothing newer comes, and the height does not fall.
    let height = stage.devnet.health(0).await?.block_number;
    let old = hex(&stage.before_sale);
    let frozen = move |passing: Passing<'_>| match passing {
        Passing::Answer(JUSTIFICATIONS, _, Json::String(bytes)) if is_long(bytes) => Fate::Vanishes,
        Passing::Answer(PROVE, ..) => Fate::Vanishes,
        Passing::Question(READ_PROOF | READ, params) => {
            params[1] = json!(old);
            Fate::Passes
        }
        Passing::Answer("chain_getFinalizedHead", _, head) => {
            *head = json!(old);
            Fate::Passes
        }
        _ => Fate::Passes,
    };
    let silent = "shows no newer final block";
    stage.tell("an old head", frozen, stage.takes_eve_for_the_owner(), silent).await?;
    ensure!(stage.devnet.health(0).await?.block_number >= height, "the height fell");
    Ok(())
}

async fn about_transactions(stage: &Stage) -> anyhow::Result<()> {
    let (chain, owner) = (stage.devnet.chain(), dev::bob());
    let slot_confirms = |nft: &Unsynced| {
        let nft_id = nft.nft_id;
        async move {
            until("the confirmation", || async {
                let block = chain.finalized().await?;
                Ok(confirmed_slots(&block, nft_id).await? == [0])
            })
            .await
        }
    };
    let store = |nft: &Unsynced| {
        let packet = nft.packets[0].clone();
        async move { post_store(stage.url(), &packet).await?.expect(200, "STORESUCCESS") }
    };

    // Another meaning of every call: what is signed does not depend on it.
    let metadata = |passing: Passing<'_>| {
        match passing {
            Passing::Answer("state_getMetadata" | "state_call", _, result) => {
                *result = json!("0x6d65746110ff");
            }
            Passing::Answer(READ, _, result) => *result = json!("0x00"),
            _ => (),
        }
        Fate::Passes
    };
    let nft = Unsynced::create(chain, &owner, WaitFor::Finality).await?;
    stage.liar.lie(metadata);
    let told: String = stage.credulous.request("state_getMetadata", rpc_params![]).await?;
    ensure!(told == "0x6d65746110ff", "{told}");
    store(&nft).await?;
    slot_confirms(&nft).await.context("with other metadata")?;
    stage.liar.be_honest();

    // Versions that no transaction fits.
    let nft = Unsynced::create(chain, &owner, WaitFor::Finality).await?;
    stage
        .liar
        .answer("state_getRuntimeVersion", |_, version| version["transactionVersion"] = json!(77));
    let told: Json = stage.credulous.request("state_getRuntimeVersion", rpc_params![]).await?;
    ensure!(told["transactionVersion"] == json!(77), "{told}");
    let logged = stage.log()?.len();
    store(&nft).await?;
    until("the refusal", || async {
        Ok(stage.log()?[logged..].contains("the transaction was refused"))
    })
    .await?;
    stage.liar.be_honest();
    slot_confirms(&nft).await.context("after another version")?;

    // Transactions that vanish; and an NFT that is said to be synced by another's entry.
    let nft = Unsynced::create(chain, &owner, WaitFor::Finality).await?;
    let [theirs, ours] = [stage.nft_id, nft.nft_id].map(|id| hex(&storage::keyshares(id, SECRET)));
    let (asked, answered) = (ours.clone(), theirs.clone());
    stage.liar.lie(move |passing| match passing {
        Passing::Question("author_submitAndWatchExtrinsic", _) => Fate::Vanishes,
        Passing::Question(READ_PROOF | READ, params) => {
            replace(params, &asked, &answered);
            Fate::Passes
        }
        _ => Fate::Passes,
    });
    let believed: Option<String> =
        stage.credulous.request(READ, rpc_params![ours, Json::Null]).await?;
    let true_one = chain.finalized().await?.keyshares(stage.nft_id, SECRET).await?;
    let true_one = hex(&codec::Encode::encode(&true_one));
    ensure!(believed == Some(true_one), "nobody takes it for synced");
    let logged = stage.log()?.len();
    until("the false proof to be named", || async {
        // Whether it is stored depends on what is asked first; never is it synced.
        let answer = post_store(stage.url(), &nft.packets[0]).await?;
        ensure!(answer.code != 409, "taken for synced: {}", answer.body);
        Ok(stage.log()?[logged..].contains(FALSE_PROOF))
    })
    .await?;
    stage.liar.be_honest();
    until("storing", || async {
        Ok(post_store(stage.url(), &nft.packets[0]).await?.status() == "STORESUCCESS")
    })
    .await?;
    slot_confirms(&nft).await.context("after vanishing transactions")?;
    ensure!(keyshares(chain, nft.nft_id).await?.synced.is_none(), "synced by one slot");
    Ok(())
}

// SPDX-License-Identifier: Apache-2.0
// NFTs: created, delegated, transferred, burnt.

import assert from "node:assert/strict"

import ternoa from "ternoa-js"

import { failsOnChain, has, step } from "../harness.js"

const { BlockInclusion, BlockFinalization } = ternoa.WaitUntil

const NO_STATE = {
  isCapsule: false,
  isListed: false,
  isSecret: false,
  isDelegated: false,
  isSoulbound: false,
  isSyncingSecret: false,
  isRented: false,
  isSyncingCapsule: false,
  isTransmission: false,
}

/** The flags of an NFT of which only these are set. */
export const flags = (...set) => ({
  ...NO_STATE,
  ...Object.fromEntries(set.map((flag) => [flag, true])),
})

export async function nfts(owner, other) {
  let nftId

  await step("creates an NFT, and its owner pays the fee", async () => {
    const [fee, before] = [await ternoa.getNftMintFee(), await ternoa.getBalances(owner.address)]
    const expectedId = await ternoa.getNextNftId()
    const created = await ternoa.createNft("ipfs://a", 10, undefined, false, owner, BlockFinalization)
    has(created, {
      nftId: expectedId,
      owner: owner.address,
      offchainData: "ipfs://a",
      royalty: 10,
      collectionId: null,
      isSoulbound: false,
      mintFee: fee.toString(),
    })
    nftId = created.nftId
    const after = await ternoa.getBalances(owner.address)
    assert.ok(before.free.sub(after.free).gte(fee))
  })

  await step("reads the NFT", async () => {
    has(await ternoa.getNftData(nftId), {
      owner: owner.address,
      creator: owner.address,
      offchainData: "ipfs://a",
      collectionId: null,
      royalty: 100_000,
      state: flags(),
    })
    assert.equal(await ternoa.getNftData(4_000_000_000), null)
  })

  await step("changes the royalty", async () => {
    has(await ternoa.setRoyalty(nftId, 2.5, owner, BlockInclusion), { nftId, royalty: 2.5 })
  })

  await step("delegates and undelegates", async () => {
    const delegated = await ternoa.delegateNft(nftId, other.address, owner, BlockInclusion)
    has(delegated, { nftId, recipient: other.address })
    has(await ternoa.getNftData(nftId), { state: flags("isDelegated") })
    await failsOnChain(
      ternoa.transferNft(nftId, other.address, owner, BlockInclusion),
      "CannotTransferDelegatedNFTs",
      "A delegated NFT cannot be transferred.",
    )
    const undelegated = await ternoa.delegateNft(nftId, undefined, owner, BlockInclusion)
    has(undelegated, { nftId, recipient: null })
    has(await ternoa.getNftData(nftId), { state: flags() })
  })

  await step("transfers", async () => {
    const transferred = await ternoa.transferNft(nftId, other.address, owner, BlockInclusion)
    has(transferred, { nftId, sender: owner.address, recipient: other.address })
    has(await ternoa.getNftData(nftId), { owner: other.address, creator: owner.address })
  })

  await step("is told that the NFT belongs to somebody else", () =>
    failsOnChain(
      ternoa.burnNft(nftId, owner, BlockInclusion),
      "NotTheNFTOwner",
      "Only the owner of the NFT can do this.",
    ),
  )

  await step("burns", async () => {
    has(await ternoa.burnNft(nftId, other, BlockInclusion), { nftId })
    assert.equal(await ternoa.getNftData(nftId), null)
  })

  await step("creates two NFTs by one transaction", async () => {
    const txs = await Promise.all(["ipfs://b", "ipfs://c"].map((data) => ternoa.createNftTx(data)))
    const batch = await ternoa.batchAllTxHex(txs)
    const { events } = await ternoa.submitTxBlocking(batch, BlockInclusion, owner)
    assert.equal(ternoa.checkBatchAll(events).isTxSuccess, true)
    const created = events.findEvents(ternoa.NFTCreatedEvent)
    assert.deepEqual(created.map((event) => event.offchainData), ["ipfs://b", "ipfs://c"])
  })
}

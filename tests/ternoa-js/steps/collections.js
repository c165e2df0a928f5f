// SPDX-License-Identifier: Apache-2.0
// Collections: created, filled, limited, closed.

import assert from "node:assert/strict"

import ternoa from "ternoa-js"

import { failsOnChain, has, step } from "../harness.js"

const { BlockInclusion } = ternoa.WaitUntil

export async function collections(owner) {
  let collectionId, nftId

  await step("creates a collection", async () => {
    const expectedId = await ternoa.getNextCollectionId()
    // The SDK reads id 0 as no collection.
    assert.ok(expectedId > 0)
    const created = await ternoa.createCollection("ipfs://g", undefined, owner, BlockInclusion)
    collectionId = created.collectionId
    has(created, {
      collectionId: expectedId,
      owner: owner.address,
      offchainData: "ipfs://g",
      limit: null,
    })
    has(await ternoa.getCollectionData(collectionId), {
      owner: owner.address,
      limit: null,
      isClosed: false,
    })
  })

  await step("creates an NFT in the collection", async () => {
    const created = await ternoa.createNft("ipfs://h", 0, collectionId, false, owner, BlockInclusion)
    nftId = created.nftId
    has(created, { collectionId })
    has(await ternoa.getNftData(nftId), { collectionId })
  })

  await step("adds an NFT to the collection", async () => {
    const { nftId } = await ternoa.createNft("ipfs://i", 0, undefined, false, owner, BlockInclusion)
    const added = await ternoa.addNftToCollection(nftId, collectionId, owner, BlockInclusion)
    has(added, { nftId, collectionId })
    has(await ternoa.getNftData(nftId), { collectionId })
  })

  await step("changes the collection's data", async () => {
    const set = await ternoa.setCollectionOffchaindata(collectionId, "ipfs://j", owner, BlockInclusion)
    has(set, { collectionId, offchainData: "ipfs://j" })
  })

  await step("limits the collection", async () => {
    const limited = await ternoa.limitCollection(collectionId, 2, owner, BlockInclusion)
    has(limited, { collectionId, limit: 2 })
    await failsOnChain(
      ternoa.createNft("ipfs://k", 0, collectionId, false, owner, BlockInclusion),
      "CollectionHasReachedLimit",
      "The collection has as many NFTs as its limit allows.",
    )
  })

  await step("closes the collection", async () => {
    has(await ternoa.closeCollection(collectionId, owner, BlockInclusion), { collectionId })
    has(await ternoa.getCollectionData(collectionId), { limit: 2, isClosed: true })
  })

  await step("burns an empty collection", async () => {
    const { collectionId } = await ternoa.createCollection("ipfs://l", 5, owner, BlockInclusion)
    has(await ternoa.getCollectionData(collectionId), { limit: 5 })
    has(await ternoa.burnCollection(collectionId, owner, BlockInclusion), { collectionId })
    assert.equal(await ternoa.getCollectionData(collectionId), null)
  })
}

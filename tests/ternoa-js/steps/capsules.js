// SPDX-License-Identifier: Apache-2.0
// Capsules on chain. No share is stored: they wait for their enclaves.

import assert from "node:assert/strict"

import ternoa from "ternoa-js"

import { failsOnChain, has, step } from "../harness.js"
import { flags } from "./nfts.js"

const { BlockInclusion, BlockFinalization } = ternoa.WaitUntil

const CAPSULE = flags("isCapsule", "isSyncingCapsule")

export async function capsules(owner) {
  let nftId

  await step("creates a capsule", async () => {
    const created = await ternoa.createCapsule(
      "ipfs://public",
      "ipfs://capsule",
      5,
      undefined,
      false,
      owner,
      BlockFinalization,
    )
    nftId = created.nftId
    assert.deepEqual(created, {
      nftId,
      owner: owner.address,
      creator: owner.address,
      offchainData: "ipfs://public",
      capsuleOffchainData: "ipfs://capsule",
      royalty: 5,
      collectionId: null,
      isSoulbound: false,
    })
  })

  await step("reads the capsule", async () => {
    has(await ternoa.getNftData(nftId), { offchainData: "ipfs://public", state: CAPSULE })
    assert.equal(await ternoa.getCapsuleOffchainData(nftId), "ipfs://capsule")
  })

  await step("changes the capsule's data", async () => {
    const set = await ternoa.setCapsuleOffchaindata(nftId, "ipfs://more", owner, BlockInclusion)
    has(set, { nftId, offchainData: "ipfs://more" })
    assert.equal(await ternoa.getCapsuleOffchainData(nftId), "ipfs://more")
  })

  await step("is told why the capsule's key cannot be changed yet", () =>
    failsOnChain(
      ternoa.notifyEnclaveKeyUpdate(nftId, owner, BlockInclusion),
      "CannotChangeKeyForNotSyncedCapsules",
      "The key of a capsule cannot be changed before the enclaves have confirmed the last one.",
    ),
  )

  await step("burns the capsule", async () => {
    has(await ternoa.burnNft(nftId, owner, BlockInclusion), { nftId })
    assert.equal(await ternoa.getCapsuleOffchainData(nftId), null)
  })

  await step("converts an NFT to a capsule", async () => {
    const { nftId } = await ternoa.createNft("ipfs://e", 0, undefined, false, owner, BlockInclusion)
    const converted = await ternoa.convertNftToCapsule(nftId, "ipfs://f", owner, BlockInclusion)
    has(converted, { nftId, offchainData: "ipfs://f" })
    has(await ternoa.getNftData(nftId), { state: CAPSULE })
    assert.equal(await ternoa.getCapsuleOffchainData(nftId), "ipfs://f")
  })
}

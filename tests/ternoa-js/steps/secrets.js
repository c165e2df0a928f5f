// SPDX-License-Identifier: Apache-2.0
// Secret NFTs on chain. No share is stored: they wait for their enclaves.

import assert from "node:assert/strict"

import ternoa from "ternoa-js"

import { failsOnChain, has, step } from "../harness.js"
import { flags } from "./nfts.js"

const { BlockInclusion, BlockFinalization } = ternoa.WaitUntil

export async function secrets(owner, other) {
  let nftId

  await step("creates a secret NFT", async () => {
    const created = await ternoa.createSecretNft(
      "ipfs://public",
      "ipfs://secret",
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
      secretOffchainData: "ipfs://secret",
      royalty: 5,
      collectionId: null,
      isSoulbound: false,
    })
  })

  await step("reads the secret NFT", async () => {
    has(await ternoa.getNftData(nftId), {
      offchainData: "ipfs://public",
      state: flags("isSecret", "isSyncingSecret"),
    })
    assert.equal(await ternoa.getSecretNftOffchainData(nftId), "ipfs://secret")
  })

  await step("is told why a secret NFT cannot be transferred yet", () =>
    failsOnChain(
      ternoa.transferNft(nftId, other.address, owner, BlockInclusion),
      "CannotTransferNotSyncedSecretNFTs",
      "An NFT cannot be transferred before the enclaves have confirmed its secret.",
    ),
  )

  await step("burns the secret NFT", async () => {
    has(await ternoa.burnNft(nftId, owner, BlockInclusion), { nftId })
    assert.equal(await ternoa.getSecretNftOffchainData(nftId), null)
  })

  await step("adds a secret to an NFT", async () => {
    const { nftId } = await ternoa.createNft("ipfs://d", 0, undefined, true, owner, BlockInclusion)
    const added = await ternoa.addSecretToNft(nftId, "ipfs://later", owner, BlockInclusion)
    has(added, { nftId, offchainData: "ipfs://later" })
    has(await ternoa.getNftData(nftId), {
      state: flags("isSecret", "isSyncingSecret", "isSoulbound"),
    })
    assert.equal(await ternoa.getSecretNftOffchainData(nftId), "ipfs://later")
  })
}

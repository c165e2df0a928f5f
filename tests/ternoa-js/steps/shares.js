// SPDX-License-Identifier: Apache-2.0
// Keys of secret NFTs and capsules, from the SDK into five enclaves and back, over HTTPS.

import assert from "node:assert/strict"
import { File } from "node:buffer"

import ternoa from "ternoa-js"

import { step, until } from "../harness.js"
import { flags } from "./nfts.js"

const { BlockInclusion } = ternoa.WaitUntil

const KEY = "-----BEGIN PGP PRIVATE KEY BLOCK-----\n" + "key".repeat(200)

export async function shares(ipfs, owner, other) {
  let nftId

  await step("finds every enclave healthy over HTTPS", async () => {
    const enclaves = await ternoa.getEnclaveDataAndHealth(0)
    assert.equal(enclaves.length, 5)
    for (const enclave of enclaves) {
      assert.match(enclave.enclaveUrl, /^https:\/\//)
      assert.equal(enclave.status, 200, enclave.description)
    }
  })

  const allStored = (answers) => {
    const told = answers.map(({ status, isError, message }) => ({ status, isError, message }))
    const expected = { status: "STORESUCCESS", isError: false, message: undefined }
    assert.deepEqual(told, Array(5).fill(expected))
  }
  const synced = (state, flag) =>
    until(async () => {
      const data = await ternoa.getNftData(nftId)
      return data.state[flag] === false && assert.deepEqual(data.state, flags(state)) === undefined
    })
  const retrieve = async (kind, requester) => {
    const block = await ternoa.getLastBlock()
    const payload = await ternoa.formatRetrievePayload(requester, "OWNER", nftId, block)
    return ternoa.teeKeySharesRetrieve(0, kind, payload)
  }

  const media = Buffer.from("what only the owner may see ".repeat(100))
  await step("mints a secret NFT with its media", async () => {
    const minted = await ternoa.mintSecretNFT(
      new File([Buffer.from("preview")], "preview.txt", { type: "text/plain" }),
      { title: "preview", description: "what everybody may see" },
      new File([media], "secret.txt", { type: "text/plain" }),
      { title: "secret", description: "what only the owner may see" },
      ipfs,
      owner,
    )
    nftId = minted.event.nftId
    allStored(minted.clusterResponse)
  })

  await step("the five enclaves confirm their shares", () => synced("isSecret", "isSyncingSecret"))

  await step("views the secret NFT", async () => {
    const viewed = await ternoa.viewSecretNFT(nftId, ipfs, owner, "OWNER")
    assert.equal(viewed, media.toString("base64"))
  })

  await step("asks the enclaves whether they have shares", async () => {
    assert.equal(await ternoa.sharesAvailableOnTeeCluster(0, nftId, "secret"), true)
  })

  await step("nobody else views it", () =>
    assert.rejects(ternoa.viewSecretNFT(nftId, ipfs, other, "OWNER"), /TEE_RETRIEVE_ERROR/),
  )

  await step("stores and retrieves the key of a capsule", async () => {
    const capsule = await ternoa.createCapsule(
      "ipfs://public",
      "ipfs://capsule",
      0,
      undefined,
      false,
      owner,
      BlockInclusion,
    )
    nftId = capsule.nftId
    allStored(await ternoa.prepareAndStoreKeyShares(KEY, owner, nftId, "capsule"))
  })

  await step("the five enclaves confirm them too", () => synced("isCapsule", "isSyncingCapsule"))

  await step("retrieves the capsule's key", async () => {
    assert.equal(ternoa.combineKeyShares(await retrieve("capsule", owner)), KEY)
    assert.equal(await ternoa.getCapsuleNFTPrivateKey(nftId, owner, "OWNER"), KEY)
    await assert.rejects(retrieve("capsule", other), /TEE_RETRIEVE_ERROR/)
  })
}

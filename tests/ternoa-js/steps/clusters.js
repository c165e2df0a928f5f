// SPDX-License-Identifier: Apache-2.0
// Clusters and their enclaves, as the SDK finds them before it stores or retrieves a share.

import assert from "node:assert/strict"

import ternoa from "ternoa-js"

import { step } from "../harness.js"

export async function clusters() {
  await step("reads cluster 0", async () => {
    const cluster = await ternoa.getClusterData(0)
    assert.equal(cluster.clusterType, "Public")
    assert.deepEqual(cluster.enclaves.map(([, slot]) => slot).sort(), [0, 1, 2, 3, 4])
  })

  await step("finds the five enclaves with their addresses", async () => {
    const enclaves = await ternoa.populateEnclavesData(0)
    assert.equal(enclaves.length, 5)
    for (const enclave of enclaves) {
      assert.ok(ternoa.isValidAddress(enclave.enclaveAddress))
      assert.ok(ternoa.isValidAddress(enclave.operatorAddress))
      assert.match(enclave.enclaveUrl, /^https?:\/\/127\.0\.0\.1:\d+$/)
    }
    const accounts = enclaves.flatMap((it) => [it.enclaveAddress, it.operatorAddress])
    assert.equal(new Set(accounts).size, 10)
  })

  await step("finds cluster 0 among the public ones", async () => {
    assert.deepEqual(await ternoa.getPublicsClusters(), [0])
  })

  await step("is told that a cluster does not exist", () =>
    assert.rejects(ternoa.getClusterData(4_000_000_000), /TEE_CLUSTER_NOT_FOUND/),
  )
}

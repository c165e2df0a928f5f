// SPDX-License-Identifier: Apache-2.0
// Steps that run one after another, each with a time limit: the SDK itself waits without one for a
// transaction that the node dropped.

import assert from "node:assert/strict"

const STEP_LIMIT_MS = 60_000
const POLL_MS = 300

/** Ends the program with failure when a step fails: those after it stand on it. */
export async function step(name, work) {
  const begun = performance.now()
  try {
    await within(STEP_LIMIT_MS, work())
  } catch (error) {
    console.error(`failed  ${name}\n${error?.stack ?? error}`)
    process.exit(1)
  }
  const seconds = ((performance.now() - begun) / 1000).toFixed(1)
  console.log(`ok      ${name} (${seconds} s)`)
}

/** Looks until `look` answers with something true; the step's limit bounds it. */
export async function until(look) {
  for (;;) {
    const found = await look()
    if (found) return found
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

/** The call fails on chain, and its user is told the pallet's error with its sentence. */
export async function failsOnChain(call, name, sentence) {
  const told = { message: `EXTRINSIC_FAILED : ${name} - ${sentence}` }
  await assert.rejects(call, told)
}

/** Compares the named fields only. */
export function has(actual, expected) {
  assert.ok(actual !== null && actual !== undefined, "there is nothing to compare")
  const fields = Object.keys(expected).map((name) => [name, actual[name]])
  assert.deepEqual(Object.fromEntries(fields), expected)
}

async function within(limit, work) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${limit / 1000} s`)), limit)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

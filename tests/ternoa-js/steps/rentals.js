// SPDX-License-Identifier: Apache-2.0
// Rental contracts of fixed duration: cancelled, started at once, started by the owner's word.

import assert from "node:assert/strict"

import ternoa from "ternoa-js"

import { failsOnChain, has, step } from "../harness.js"
import { flags } from "./nfts.js"

const { BlockInclusion } = ternoa.WaitUntil

const TOKEN = 10n ** 18n
const DURATION = 500

export async function rentals(owner, rentee) {
  let nftId, contract

  const create = (acceptance, renterFee, renteeFee) =>
    ternoa.createContract(
      nftId,
      ternoa.formatDuration("fixed", DURATION),
      acceptance,
      true,
      ternoa.formatRentFee("tokens", 2),
      renterFee,
      renteeFee,
      owner,
      BlockInclusion,
    )
  const none = () => ternoa.formatCancellationFee("none")

  await step("creates a rental contract", async () => {
    const created = await ternoa.createNft("ipfs://m", 0, undefined, false, owner, BlockInclusion)
    nftId = created.nftId
    contract = await create(
      ternoa.formatAcceptanceType("auto"),
      ternoa.formatCancellationFee("fixed", 3),
      ternoa.formatCancellationFee("flexible", 4),
    )
    has(contract, {
      nftId,
      renter: owner.address,
      duration: { fixed: DURATION },
      acceptanceType: "autoAcceptance",
      acceptanceList: [],
      renterCanRevoke: true,
      rentFeeType: "tokens",
      rentFee: String(2n * TOKEN),
      renterCancellationFeeType: "fixedTokens",
      renterCancellationFee: String(3n * TOKEN),
      renteeCancellationFeeType: "flexibleTokens",
      renteeCancellationFee: String(4n * TOKEN),
    })
    has(await ternoa.getNftData(nftId), { state: flags("isRented") })
  })

  await step("reads the rental contract", async () => {
    const data = await ternoa.getRentalContractData(nftId)
    has(data, {
      creationBlock: contract.creationBlockId,
      startBlock: null,
      renter: owner.address,
      rentee: null,
      duration: { fixed: DURATION },
      acceptanceType: "autoAcceptance",
      acceptanceList: [],
      renterCanRevoke: true,
      rentFeeType: "tokens",
      rentFee: String(2n * TOKEN),
      renterCancellationFee: String(3n * TOKEN),
      renteeCancellationFee: String(4n * TOKEN),
    })
    assert.ok(Math.abs(data.creationBlockDate - Date.now()) < 10 * 60 * 1000)
  })

  await step("is told why a rented NFT cannot be transferred", () =>
    failsOnChain(
      ternoa.transferNft(nftId, rentee.address, owner, BlockInclusion),
      "CannotTransferRentedNFTs",
      "A rented NFT cannot be transferred.",
    ),
  )

  await step("cancels the rental contract", async () => {
    has(await ternoa.cancelContract(nftId, owner, BlockInclusion), { nftId })
    assert.equal(await ternoa.getRentalContractData(nftId), null)
    has(await ternoa.getNftData(nftId), { state: flags() })
  })

  await step("rents, and the renter is paid", async () => {
    contract = await create(ternoa.formatAcceptanceType("auto"), none(), none())
    const before = await ternoa.getBalances(owner.address)
    const started = await ternoa.rent(nftId, contract.creationBlockId, rentee, BlockInclusion)
    has(started, { nftId, rentee: rentee.address })
    has(await ternoa.getRentalContractData(nftId), { rentee: rentee.address })
    const after = await ternoa.getBalances(owner.address)
    assert.equal(after.free.sub(before.free).toString(), String(2n * TOKEN))
  })

  await step("revokes the rental contract", async () => {
    const revoked = await ternoa.revokeContract(nftId, owner, BlockInclusion)
    has(revoked, { nftId, revokedBy: owner.address })
    assert.equal(await ternoa.getRentalContractData(nftId), null)
    has(await ternoa.getNftData(nftId), { state: flags() })
  })

  await step("makes, retracts and accepts an offer", async () => {
    contract = await create(ternoa.formatAcceptanceType("manual", [rentee.address]), none(), none())
    has(contract, { acceptanceType: "manualAcceptance", acceptanceList: [rentee.address] })
    const offer = () =>
      ternoa.makeRentOffer(nftId, contract.creationBlockId, rentee, BlockInclusion)
    has(await offer(), { nftId, rentee: rentee.address })
    assert.deepEqual(await ternoa.getRentalOffers(nftId), [rentee.address])
    const retracted = await ternoa.retractRentOffer(nftId, rentee, BlockInclusion)
    has(retracted, { nftId, rentee: rentee.address })
    await offer()
    const started = await ternoa.acceptRentOffer(nftId, rentee.address, owner, BlockInclusion)
    has(started, { nftId, rentee: rentee.address })
    has(await ternoa.getRentalContractData(nftId), { rentee: rentee.address })
  })

  await step("the rentee revokes too", async () => {
    const revoked = await ternoa.revokeContract(nftId, rentee, BlockInclusion)
    has(revoked, { nftId, revokedBy: rentee.address })
  })
}

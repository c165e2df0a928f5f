// SPDX-License-Identifier: Apache-2.0
//! What the chain knows of attestations: those of enclaves, and what they are judged by.

use codec::{Decode, DecodeAll, Encode};
use sha2::{Digest, Sha256};
use tee_primitives::{
    abi::storage,
    attestation::{
        collateral::CollateralId,
        record::{AllowedMeasurement, AttestationRecord, NotLive, Standards},
        tcb::TcbPolicy,
        Measurement, PlatformId,
    },
    Hash, RawAccountId,
};

use super::{calls::ATTESTATION, ChainBlock, ChainError};

/// An attestation that the chain has verified.
pub type Record = AttestationRecord<RawAccountId>;

/// How an enclave's attestation stands at a block.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attested {
    /// The newest attestation that was made for the operator, live or not.
    pub record: Option<Record>,
    /// What the committee has decided about its measurement.
    pub allowed: Option<AllowedMeasurement>,
    /// Why it does not count, if it does not.
    pub not_live: Option<NotLive>,
    /// The block's time, in seconds since the Unix epoch.
    pub now: u64,
}

impl Attested {
    /// Whether it counts.
    pub fn is_live(&self) -> bool {
        self.not_live.is_none()
    }

    /// The attestation, if it counts.
    pub fn live(&self) -> Option<&Record> {
        self.record.as_ref().filter(|_| self.is_live())
    }
}

/// A document by which quotes are judged: `pallet_attestation::CollateralStatus`, in the order of
/// its fields.
#[derive(Clone, Copy, Debug, Decode, Eq, PartialEq)]
pub struct CollateralStatus {
    /// Which one.
    pub id: CollateralId,
    /// When it was issued, in seconds since the Unix epoch.
    pub issued: u64,
    /// When it expires, in seconds since the Unix epoch.
    pub expires: u64,
    /// Its evaluation number; 0 for lists of revoked certificates.
    pub evaluation_number: u32,
    /// The evaluation number that is waiting, and from when on it counts.
    pub waiting: Option<(u32, u64)>,
}

impl ChainBlock {
    /// The block's time, in seconds since the Unix epoch.
    pub async fn now(&self) -> Result<u64, ChainError> {
        let now: Option<u64> = self.read("the block's time", storage::now()).await?;
        Ok(now.unwrap_or_default() / 1000)
    }

    /// The newest attestation of an enclave's account, live or not, for whomever it was made.
    pub async fn attestation(&self, enclave: &RawAccountId) -> Result<Option<Record>, ChainError> {
        self.read("the enclave's attestation", storage::attestation(enclave)).await
    }

    /// SHA-256 of the TLS key in the newest attestation of an operator's enclave, live or not; zeros if
    /// there is none.
    pub async fn tls_key(
        &self,
        enclave: &RawAccountId,
        operator: &RawAccountId,
    ) -> Result<Hash, ChainError> {
        let record = self.attestation(enclave).await?.filter(|it| it.operator == *operator);
        Ok(record.map(|record| record.tls_spki_hash).unwrap_or_default())
    }

    /// Whether the attestation of an operator's enclave counts at this block, by the chain's own
    /// rules.
    pub async fn attested(
        &self,
        enclave: &RawAccountId,
        operator: &RawAccountId,
    ) -> Result<Attested, ChainError> {
        let now = self.now().await?;
        let record = self.attestation(enclave).await?.filter(|it| it.operator == *operator);
        let Some(record) = record else {
            return Ok(Attested {
                record: None,
                allowed: None,
                not_live: Some(NotLive::Missing),
                now,
            });
        };
        let allowed = self.allowed_measurement(&record.facts.measurement).await?;
        let standards = Standards {
            measurement: allowed,
            is_platform_banned: self.is_platform_banned(&record.facts.platform).await?,
            policy: &self.tcb_policy().await?,
            block: self.number(),
            now,
        };
        let not_live = record.check(&standards).err();
        Ok(Attested { record: Some(record), allowed, not_live, now })
    }

    /// What the committee has decided about a measurement; `None` if it is not allowed.
    pub async fn allowed_measurement(
        &self,
        mr_enclave: &Measurement,
    ) -> Result<Option<AllowedMeasurement>, ChainError> {
        self.read("an allowed measurement", storage::allowed_measurement(mr_enclave)).await
    }

    /// The measurements that the committee allows.
    pub async fn allowed_measurements(
        &self,
    ) -> Result<Vec<(Measurement, AllowedMeasurement)>, ChainError> {
        self.view("the allowed measurements", "measurements").await
    }

    /// Whether the committee has banned a machine.
    pub async fn is_platform_banned(&self, platform: &PlatformId) -> Result<bool, ChainError> {
        let banned: Option<()> =
            self.read("the ban of a machine", storage::banned_platform(platform)).await?;
        Ok(banned.is_some())
    }

    /// Which TCB levels are accepted.
    pub async fn tcb_policy(&self) -> Result<TcbPolicy, ChainError> {
        Ok(self.read("the TCB policy", storage::tcb_policy()).await?.unwrap_or_default())
    }

    /// The documents that the chain has to judge quotes by.
    pub async fn collateral(&self) -> Result<Vec<CollateralStatus>, ChainError> {
        self.view("the collateral", "collateral").await
    }

    /// SHA-256 of the certificate to which quotes must lead.
    pub async fn root_fingerprint(&self) -> Result<Hash, ChainError> {
        const WHAT: &str = "the root of attestation";
        let root: Option<Vec<u8>> = self.read(WHAT, storage::attestation_root()).await?;
        let root = root.ok_or(ChainError::Missing(WHAT))?;
        Ok(Sha256::digest(root).into())
    }

    /// The answer of a view function of the attestation's pallet that takes no arguments.
    async fn view<T: Decode>(
        &self,
        what: &'static str,
        function: &'static str,
    ) -> Result<T, ChainError> {
        let metadata = self.client().metadata();
        let pallet = metadata.pallet_by_name(ATTESTATION);
        let id = pallet.and_then(|pallet| pallet.view_function_by_name(function));
        let id = *id.ok_or(ChainError::Missing("the view functions of Attestation"))?.query_id();
        // subxt leaves out the length of the encoded arguments.
        let call = (id, Vec::<u8>::new()).encode();
        let answer =
            self.runtime_api(what, "RuntimeViewFunction_execute_view_function", &call).await?;
        read_view(&answer).ok_or(ChainError::Decode(what))
    }
}

/// The value in the answer of a view function: `Result<Vec<u8>, ViewFunctionDispatchError>`, of
/// which the bytes are the value's.
fn read_view<T: Decode>(mut answer: &[u8]) -> Option<T> {
    const OK: u8 = 0;
    let result = u8::decode(&mut answer).ok()?;
    let value = Vec::<u8>::decode_all(&mut answer).ok().filter(|_| result == OK)?;
    T::decode_all(&mut value.as_slice()).ok()
}

#[cfg(test)]
mod tests {
    use subxt::{
        ext::scale_value::{scale::decode_as_type, At},
        Metadata,
    };
    use tee_primitives::attestation::collateral::PckCa;
    use tee_runtime::Runtime;

    use super::*;

    #[test]
    fn the_answer_of_a_view_function_is_a_value_in_bytes_in_a_result() {
        let of = |result: Result<Vec<u8>, u8>| read_view::<(u32, Vec<u8>)>(&result.encode());
        assert_eq!(of(Ok((7u32, b"x".to_vec()).encode())), Some((7, b"x".to_vec())));
        assert_eq!(of(Ok(vec![1])), None);
        assert_eq!(of(Err(0)), None);
        assert_eq!(read_view::<u32>(&[]), None);
    }

    fn metadata() -> Metadata {
        let metadata = Runtime::metadata_at_version(16).unwrap();
        Metadata::decode(&mut metadata.as_slice()).unwrap()
    }

    #[test]
    fn collateral_is_read_as_the_runtime_writes_it() {
        let metadata = metadata();
        let pallet = metadata.pallet_by_name(ATTESTATION).unwrap();
        let output = pallet.view_function_by_name("collateral").unwrap().output_ty();
        let id = CollateralId::PckCrl(PckCa::Platform);
        let written = vec![(id, 1u64, 2u64, 3u32, Some((4u32, 5u64)))].encode();

        let mut rest = written.as_slice();
        let value = decode_as_type(&mut rest, output, metadata.types()).unwrap();
        assert!(rest.is_empty());
        let first = value.at(0).unwrap();
        for (name, number) in [("issued", 1), ("expires", 2), ("evaluation_number", 3)] {
            assert_eq!(first.at(name).unwrap().as_u128(), Some(number), "{name}");
        }
        let read = Vec::<CollateralStatus>::decode_all(&mut written.as_slice()).unwrap();
        let (issued, expires, evaluation_number) = (1, 2, 3);
        let waiting = Some((4, 5));
        assert_eq!(read, [CollateralStatus { id, issued, expires, evaluation_number, waiting }]);
    }

    #[test]
    fn the_view_functions_are_the_runtimes() {
        let metadata = metadata();
        let pallet = metadata.pallet_by_name(ATTESTATION).unwrap();
        for function in ["measurements", "collateral"] {
            assert!(pallet.view_function_by_name(function).is_some(), "{function}");
        }
    }
}

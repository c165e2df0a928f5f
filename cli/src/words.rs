// SPDX-License-Identifier: Apache-2.0
//! What calls and events say, in words.

use std::collections::BTreeMap;

use anyhow::Context;
use scale_info::{form::PortableForm, TypeDef, TypeDefPrimitive};
use subxt::{
    ext::scale_value::{scale::decode_as_type, Composite, Primitive, Value, ValueDef},
    Metadata,
};
use tee_primitives::RawAccountId;
use tee_wallet::{
    chain::{Chain, ChainBlock, Included},
    packets::ss58,
};

use crate::tokens::Tokens;

/// Events as sentences: the pallet, the event, and what it says of its fields. Of an assignment the
/// enclave and its slot are read from the chain.
const SENTENCES: [(&str, &str, &str); 27] = [
    ("TEE", "ClusterAdded", "cluster {cluster_id} created ({cluster_type})"),
    ("TEE", "ClusterUpdated", "cluster {cluster_id} is {cluster_type} now"),
    ("TEE", "ClusterRemoved", "cluster {cluster_id} removed"),
    (
        "TEE",
        "EnclaveAddedForRegistration",
        "enclave {enclave_address} of operator {operator_address} registered at {api_uri}",
    ),
    ("TEE", "RegistrationRemoved", "registration of operator {operator_address} removed"),
    (
        "TEE",
        "EnclaveAssigned",
        "enclave {enclave_address} of operator {operator_address} assigned to slot {slot_id} of \
         cluster {cluster_id}",
    ),
    (
        "TEE",
        "MovedForUnregistration",
        "operator {operator_address} asked to leave; the committee decides",
    ),
    ("TEE", "EnclaveRemoved", "enclave of operator {operator_address} removed from its slot"),
    (
        "TEE",
        "MovedForUpdate",
        "operator {operator_address} asked for enclave {new_enclave_address} at {new_api_uri} in \
         its slot",
    ),
    ("TEE", "UpdateRequestCancelled", "update of operator {operator_address} taken back"),
    ("TEE", "UpdateRequestRemoved", "update of operator {operator_address} refused"),
    (
        "TEE",
        "MigrationStarted",
        "update of operator {operator_address} approved: enclave {new_enclave_address} can take \
         the slot over until block #{until}",
    ),
    (
        "TEE",
        "EnclaveUpdated",
        "enclave of operator {operator_address} is {new_enclave_address} at {new_api_uri} now",
    ),
    ("TEE", "Bonded", "operator {operator_address} bonded {amount} tokens"),
    ("TEE", "Unbonded", "{amount} tokens of operator {operator_address} are on their way out"),
    ("TEE", "Withdrawn", "{amount} tokens of operator {operator_address} are free again"),
    ("TEE", "BondedExtra", "operator {operator_address} bonded {amount} tokens more"),
    ("TEE", "RefundedExcess", "operator {operator_address} got {amount} tokens back"),
    ("TEE", "StakingAmountIsSet", "operators bond {amount} tokens from now on"),
    (
        "Attestation",
        "Attested",
        "enclave {account} of operator {operator} has attested: {facts}, its machine is \
         {tcb_status}; it counts until {expires_at} (seconds since 1970)",
    ),
    (
        "Attestation",
        "MeasurementAllowed",
        "measurement {mr_enclave} is allowed; it counts from block #{acts_from} on",
    ),
    (
        "Attestation",
        "MeasurementRevoked",
        "measurement {mr_enclave} is revoked: no enclave with it is attested from now on",
    ),
    ("Attestation", "PolicySet", "TCB levels are accepted by this policy from now on: {policy}"),
    (
        "Attestation",
        "PlatformBanned",
        "machine {platform} is banned: nothing on it is attested from now on",
    ),
    ("Attestation", "PlatformUnbanned", "machine {platform} is no longer banned"),
    (
        "Attestation",
        "EvaluationEnacted",
        "evaluation {evaluation_number} of {id} counts from now on",
    ),
    ("Attestation", "AttestationForgotten", "attestation of enclave {account} removed"),
];

/// Pallets whose events tell how a transaction ran and was paid, not what it was for.
const HOUSEKEEPING: [&str; 5] =
    ["System", "Balances", "TransactionPayment", "TechnicalCommittee", "Utility"];

type Type = scale_info::Type<PortableForm>;

type Fields = BTreeMap<String, String>;

/// What a transaction did, a sentence for each of its events.
pub async fn happened(chain: &Chain, included: &Included) -> anyhow::Result<Vec<String>> {
    let block = chain.block(included.block_hash).await?;
    let metadata = block.client().metadata();
    let mut sentences = Vec::new();
    for event in included.events.iter() {
        let event = event.context("an event cannot be decoded")?;
        let (pallet, name) = (event.pallet_name(), event.event_name());
        if HOUSEKEEPING.contains(&pallet) {
            continue;
        }
        if (pallet, name) == ("Mandate", "RootOp") {
            let failure = chain.dispatch_failure(block.hash(), event.field_bytes()).await?;
            sentences.push(match failure {
                Some(reason) => format!("the mandated call failed: {reason}"),
                None => String::from("the mandated call succeeded"),
            });
            continue;
        }
        let mut fields = event_fields(&metadata, pallet, name, event.field_bytes())?;
        if (pallet, name) == ("TEE", "EnclaveAssigned") {
            let operator = event.field_bytes().first_chunk().context("no operator in the event")?;
            add_place(&block, operator, &mut fields).await?;
        }
        sentences.push(sentence(pallet, name, &fields));
    }
    Ok(sentences)
}

/// An encoded call of the runtime, for example `TEE.create_cluster(cluster_type: public)`.
pub fn call(metadata: &Metadata, mut encoded: &[u8]) -> anyhow::Result<String> {
    let call_type = metadata.outer_enums().call_enum_ty();
    let call = decode_as_type(&mut encoded, call_type, metadata.types())
        .context("the call cannot be decoded")?;
    Ok(text(metadata, &call))
}

/// Adds an operator's enclave and slot, unless the same block took them away again.
async fn add_place(
    block: &ChainBlock,
    operator: &RawAccountId,
    fields: &mut Fields,
) -> anyhow::Result<()> {
    let Some(cluster_id) = block.cluster_of(operator).await? else { return Ok(()) };
    let members = block.members(cluster_id).await?.enclaves;
    if let Some(member) = members.into_iter().find(|member| member.operator == *operator) {
        fields.insert(String::from("enclave_address"), ss58(&member.enclave_account));
        fields.insert(String::from("slot_id"), member.slot_id.to_string());
    }
    Ok(())
}

fn event_fields(
    metadata: &Metadata,
    pallet: &str,
    name: &str,
    mut bytes: &[u8],
) -> anyhow::Result<Fields> {
    let events = metadata.pallet_by_name(pallet).and_then(|pallet| pallet.event_variants());
    let event = events.into_iter().flatten().find(|event| event.name == name);
    let event = event.with_context(|| format!("there is no event {pallet}.{name}"))?;
    let fields = event.fields.iter().zip(0..).map(|(field, index): (_, usize)| {
        let value = decode_as_type(&mut bytes, field.ty.id, metadata.types())
            .with_context(|| format!("the event {pallet}.{name} cannot be decoded"))?;
        let name = field.name.clone().unwrap_or_else(|| index.to_string());
        let text = match (name.as_str(), &value.value) {
            ("amount", ValueDef::Primitive(Primitive::U128(amount))) => Tokens(*amount).to_string(),
            _ => text(metadata, &value),
        };
        Ok((name, text))
    });
    fields.collect()
}

fn sentence(pallet: &str, name: &str, fields: &Fields) -> String {
    let known = SENTENCES.iter().find(|(of, event, _)| (*of, *event) == (pallet, name));
    known.and_then(|(_, _, sentence)| fill(sentence, fields)).unwrap_or_else(|| {
        let fields: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        format!("{pallet}.{name}({})", fields.join(", "))
    })
}

/// A sentence with its fields filled in; `None` if one is missing.
fn fill(sentence: &str, fields: &Fields) -> Option<String> {
    let mut parts = sentence.split('{');
    let mut filled = parts.next()?.to_owned();
    for part in parts {
        let (field, rest) = part.split_once('}')?;
        filled += fields.get(field)?;
        filled += rest;
    }
    Some(filled)
}

/// A decoded value: accounts as addresses, bytes as quoted text or in hexadecimal digits.
fn text(metadata: &Metadata, value: &Value<u32>) -> String {
    match &value.value {
        ValueDef::Primitive(primitive) => plain(primitive),
        ValueDef::BitSequence(bits) => format!("{} bits", bits.len()),
        ValueDef::Variant(variant) => {
            let name = &variant.name;
            match (&variant.values, type_of(metadata, value)) {
                (fields, _) if fields.is_empty() => name.to_lowercase(),
                // A pallet and its call.
                (Composite::Unnamed(fields), Some(of)) if has_name(of, "RuntimeCall") => {
                    format!("{name}.{}", list(metadata, fields))
                }
                (Composite::Unnamed(fields), _) => format!("{name}({})", list(metadata, fields)),
                (Composite::Named(fields), _) => format!("{name}({})", named(metadata, fields)),
            }
        }
        ValueDef::Composite(Composite::Named(fields)) => {
            format!("{{{}}}", named(metadata, fields))
        }
        ValueDef::Composite(Composite::Unnamed(values)) => {
            let of = type_of(metadata, value);
            if let Some(bytes) = of.and_then(|of| bytes(metadata, of, values)) {
                return bytes_text(&bytes);
            }
            match (of.map(|of| &of.type_def), values.as_slice()) {
                (Some(TypeDef::Composite(_)), [inner]) => {
                    account(metadata, value, inner).unwrap_or_else(|| text(metadata, inner))
                }
                (Some(TypeDef::Composite(_) | TypeDef::Tuple(_)), _) => {
                    format!("({})", list(metadata, values))
                }
                _ => format!("[{}]", list(metadata, values)),
            }
        }
    }
}

fn list(metadata: &Metadata, values: &[Value<u32>]) -> String {
    let values: Vec<String> = values.iter().map(|value| text(metadata, value)).collect();
    values.join(", ")
}

fn named(metadata: &Metadata, fields: &[(String, Value<u32>)]) -> String {
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}: {}", text(metadata, value))).collect();
    fields.join(", ")
}

fn plain(primitive: &Primitive) -> String {
    match primitive {
        Primitive::Bool(value) => value.to_string(),
        Primitive::Char(value) => bytes_text(value.to_string().as_bytes()),
        Primitive::String(value) => bytes_text(value.as_bytes()),
        Primitive::U128(value) => value.to_string(),
        Primitive::I128(value) => value.to_string(),
        Primitive::U256(bytes) | Primitive::I256(bytes) => format!("0x{}", hex::encode(bytes)),
    }
}

/// The address that a value is, if it is one.
fn account(metadata: &Metadata, value: &Value<u32>, inner: &Value<u32>) -> Option<String> {
    let ValueDef::Composite(Composite::Unnamed(values)) = &inner.value else { return None };
    let is_account = has_name(type_of(metadata, value)?, "AccountId32");
    let bytes = bytes(metadata, type_of(metadata, inner)?, values).filter(|_| is_account)?;
    bytes.first_chunk().map(ss58)
}

/// The bytes that a list is, if it is one of bytes.
fn bytes(metadata: &Metadata, of: &Type, values: &[Value<u32>]) -> Option<Vec<u8>> {
    let item = match &of.type_def {
        TypeDef::Array(array) => array.type_param.id,
        TypeDef::Sequence(sequence) => sequence.type_param.id,
        _ => return None,
    };
    let item = &metadata.types().resolve(item)?.type_def;
    let byte = |value: &Value<u32>| match value.value {
        ValueDef::Primitive(Primitive::U128(number)) => u8::try_from(number).ok(),
        _ => None,
    };
    let are_bytes = matches!(item, TypeDef::Primitive(TypeDefPrimitive::U8));
    are_bytes.then(|| values.iter().map(byte).collect()).flatten()
}

/// Bytes as quoted text if all of it is printable ASCII, else in hexadecimal digits: nothing in it
/// can pass for more than itself, neither on a terminal nor to who reads a call before voting on it.
fn bytes_text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) => format!("{text:?}"),
        _ => format!("0x{}", hex::encode(bytes)),
    }
}

fn type_of<'a>(metadata: &'a Metadata, value: &Value<u32>) -> Option<&'a Type> {
    metadata.types().resolve(value.context)
}

fn has_name(of: &Type, name: &str) -> bool {
    of.path.segments.last().is_some_and(|last| last == name)
}

#[cfg(test)]
mod tests {
    use codec::{Decode, Encode};
    use subxt::ext::frame_decode::extrinsics::encode_call_data;
    use subxt_signer::sr25519::dev;
    use tee_primitives::{
        attestation::{collateral::CollateralId, tcb::TcbPolicy},
        cluster::ClusterType,
    };
    use tee_runtime::Runtime;
    use tee_wallet::chain::calls::{self, Call};

    use super::*;

    fn metadata() -> Metadata {
        let encoded = Runtime::metadata().encode();
        Metadata::decode(&mut encoded.as_slice()).unwrap()
    }

    fn told(pallet: &str, name: &str, fields: impl Encode) -> String {
        let fields = event_fields(&metadata(), pallet, name, &fields.encode()).unwrap();
        sentence(pallet, name, &fields)
    }

    fn alice() -> (RawAccountId, String) {
        let account = dev::alice().public_key().0;
        (account, ss58(&account))
    }

    #[test]
    fn every_sentence_is_of_an_event_of_the_runtime_and_names_its_fields() {
        let metadata = metadata();
        for (pallet, name, sentence) in SENTENCES {
            let pallet = metadata.pallet_by_name(pallet).unwrap();
            let event = pallet.event_variants().unwrap().iter().find(|event| event.name == name);
            let mut sentence = sentence.to_owned();
            for field in &event.expect(name).fields {
                let field = format!("{{{}}}", field.name.as_ref().unwrap());
                assert!(sentence.contains(&field), "{name}: {field}");
                sentence = sentence.replace(&field, "");
            }
            if name == "EnclaveAssigned" {
                sentence = sentence.replace("{enclave_address}", "").replace("{slot_id}", "");
            }
            assert!(!sentence.contains('{'), "{sentence}");
        }
    }

    #[test]
    fn events_are_told_as_sentences() {
        let (account, address) = alice();
        let created = told("TEE", "ClusterAdded", (1u32, ClusterType::Public));
        assert_eq!(created, "cluster 1 created (public)");
        let bonded = told("TEE", "Bonded", (account, crate::tokens::UNIT * 3 / 2));
        assert_eq!(bonded, format!("operator {address} bonded 1.5 tokens"));
        let registered = (account, account, "https://a.example:8000");
        let registered = told("TEE", "EnclaveAddedForRegistration", registered);
        let expected = format!(
            "enclave {address} of operator {address} registered at \"https://a.example:8000\""
        );
        assert_eq!(registered, expected);
    }

    #[test]
    fn decisions_about_attestation_are_told_as_sentences() {
        let allowed = told("Attestation", "MeasurementAllowed", ([0xabu8; 32], 7u32));
        let measurement = format!("0x{}", "ab".repeat(32));
        assert_eq!(
            allowed,
            format!("measurement {measurement} is allowed; it counts from block #7 on")
        );
        let id = CollateralId::TcbInfo([0, 1, 2, 3, 4, 5]);
        let enacted = told("Attestation", "EvaluationEnacted", (id, 18u32));
        assert_eq!(enacted, "evaluation 18 of TcbInfo(0x000102030405) counts from now on");
        let policy = told("Attestation", "PolicySet", TcbPolicy::default());
        let expected = "{accept_sw_hardening: true, accept_configuration: false, \
                        reviewed_advisories: [], max_patch_age: 0, min_evaluation_number: 0}";
        assert!(policy.ends_with(expected), "{policy}");
    }

    #[test]
    fn an_event_without_a_sentence_shows_its_fields() {
        let (account, address) = alice();
        let delegated = told("NFT", "NFTTransferred", (7u32, account, account));
        let expected =
            format!("NFT.NFTTransferred(nft_id: 7, recipient: {address}, sender: {address})");
        assert_eq!(delegated, expected);
    }

    #[test]
    fn a_call_shows_its_pallet_name_and_arguments() {
        let (account, address) = alice();
        let metadata = metadata();
        let said = |call: Call| {
            let (pallet, name) = (call.pallet_name(), call.call_name());
            let encoded =
                encode_call_data(pallet, name, call.call_data(), &metadata, metadata.types());
            super::call(&metadata, &encoded.unwrap()).unwrap()
        };
        let assign = || calls::assign_enclave(&account, 4, 3);
        let assigned =
            format!("TEE.assign_enclave(operator_address: {address}, cluster_id: 4, slot_id: 3)");
        assert_eq!(said(assign()), assigned);
        let remark = |remark: &str| calls::call("System", "remark", [Value::from_bytes(remark)]);
        assert_eq!(said(remark("hello")), "System.remark(remark: \"hello\")");
        assert_eq!(
            said(calls::batch_all([assign(), remark("")])),
            format!("Utility.batch_all(calls: [{assigned}, System.remark(remark: \"\")])")
        );
    }

    #[test]
    fn text_in_a_call_cannot_pass_for_another_call() {
        let shown = |text: &str| bytes_text(text.as_bytes());
        let forged = "hello), TEE.remove_cluster(cluster_id: 1";
        assert_eq!(shown(forged), format!("\"{forged}\""));
        assert_eq!(shown("a\", b: \"c"), r#""a\", b: \"c""#);
        assert_eq!(shown(r#"a\"#), r#""a\\""#);
        // A terminal's orders, a reversal of the reading direction, a letter that looks Latin.
        assert_eq!(shown("\x1b[2J"), "0x1b5b324a");
        assert_eq!(shown("\u{202e}"), "0xe280ae");
        assert_eq!(shown("\u{430}"), "0xd0b0");
        assert_eq!(shown("a\nb"), "0x610a62");
    }

    #[test]
    fn what_cannot_be_decoded_is_an_error() {
        assert!(call(&metadata(), &[255, 255]).is_err());
        assert!(event_fields(&metadata(), "TEE", "ClusterAdded", &[1]).is_err());
    }
}

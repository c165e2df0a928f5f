// SPDX-License-Identifier: Apache-2.0
//! What bodies are like. Those that only enclaves know are described by their own types; packets, which
//! clients and enclaves share, are described here.

use tee_primitives::{
    keyshare::{MAX_SHARE_LEN, MIN_SHARE_LEN},
    nft::NftId,
};
use utoipa::{
    openapi::{
        schema::{AnyOfBuilder, ObjectBuilder, Type},
        Components, ComponentsBuilder, Ref, RefOr, Schema,
    },
    PartialSchema, ToSchema,
};

use super::super::{
    availability::Availability, health::Health, metric::IntervalList, quote::Quote, views::ViewsLog,
};

/// Schemas of answers: nothing else is in them than they say.
pub(super) const ANSWERS: [&str; 15] = [
    "Answer",
    "AnswerWithData",
    "Availability",
    "Event",
    "Health",
    "HealthAttestation",
    "HealthStore",
    "HealthSync",
    "Histories",
    "IntervalList",
    "Quote",
    "Refusal",
    "StoreAnswer",
    "ViewsLog",
    "Who",
];

const ADDRESS: &str = "[1-9A-HJ-NP-Za-km-z]{46,50}";
const NUMBER: &str = "[0-9]{1,10}";
/// As bound requests write numbers.
const CANONICAL: &str = "(0|[1-9][0-9]{0,9})";
const HASH: &str = "[0-9a-f]{64}";
const BASE64: &str = "[A-Za-z0-9+/]*={0,2}";
/// What plain requests about an NFT say.
const NFT_DATA: &str = "[0-9]{1,10}_[0-9]{1,10}_[0-9]{1,10}";
const NFT_EXAMPLE: &str = "7_100_15";
/// Of the accounts that development networks give to everybody.
const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
const BOB: &str = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";

/// All of them.
pub(super) fn components() -> Components {
    let components = ComponentsBuilder::new()
        .schema("StoreKeysharePacket", store_packet())
        .schema("RetrieveKeysharePacket", retrieve_packet())
        .schema("RemovePacket", remove_packet())
        .schema("SlotSyncPacket", slot_sync_packet())
        .schema("BackupPacket", operator_packet("BACKUP", "AA=="))
        .schema("RestorePacket", operator_packet("RESTORE", "AAA="))
        .schema("IntervalPacket", interval_packet())
        .schema("Answer", answer("What was done."))
        .schema("StoreAnswer", store_answer())
        .schema("AnswerWithData", answer_with_data())
        .schema("Refusal", answer("Why a request was not granted."))
        .build();
    let components = with::<Health>(components);
    let components = with::<Quote>(components);
    let components = with::<Availability>(components);
    let components = with::<ViewsLog>(components);
    with::<IntervalList>(components)
}

/// With a type's schema, and those that it refers to.
fn with<T: ToSchema>(mut components: Components) -> Components {
    let mut nested = Vec::new();
    T::schemas(&mut nested);
    components.schemas.insert(T::name().into_owned(), <T as PartialSchema>::schema());
    components.schemas.extend(nested);
    components
}

/// Refers to a schema.
pub(super) fn of(name: &str) -> Ref {
    Ref::from_schema_name(name)
}

/// A text that is one of these.
pub(super) fn one_of<'a>(names: impl IntoIterator<Item = &'a str>) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names))
}

/// A number of 32 bits, or less.
pub(super) fn number(smallest: usize, largest: usize) -> ObjectBuilder {
    let number = ObjectBuilder::new().schema_type(Type::Integer);
    number.minimum(Some(smallest)).maximum(Some(largest))
}

/// An NFT's id.
pub(super) fn nft_id() -> ObjectBuilder {
    number(0, NftId::MAX as usize)
}

fn text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description))
}

fn formed(description: &str, form: &str, example: &str) -> ObjectBuilder {
    text(description).pattern(Some(format!("^{form}$"))).examples([example])
}

fn address(description: &str, example: &str) -> ObjectBuilder {
    formed(&format!("{description}, SS58."), ADDRESS, example)
}

/// What may be wrapped as browser wallets do it.
fn signed(description: &str, forms: &[String], examples: &[String]) -> ObjectBuilder {
    let form = forms.join("|");
    let wrapped = examples.iter().map(|example| format!("<Bytes>{example}</Bytes>"));
    text(description)
        .pattern(Some(format!("^(({form})|<Bytes>({form})</Bytes>)$")))
        .examples(examples.iter().cloned().chain(wrapped))
}

fn signature(by: &str, over: &str) -> ObjectBuilder {
    let description = format!("{by}'s sr25519 signature over `{over}`.");
    formed(&description, "0x[0-9a-fA-F]{128}", &format!("0x{}", "5c".repeat(64)))
}

/// An object that has all of these properties.
fn object<const N: usize>(
    description: &str,
    properties: [(&str, RefOr<Schema>); N],
) -> ObjectBuilder {
    let object = ObjectBuilder::new().schema_type(Type::Object).description(Some(description));
    properties
        .into_iter()
        .fold(object, |object, (name, schema)| object.property(name, schema).required(name))
}

/// What bound store requests name: chain, kind, NFT, version, split.
fn target() -> String {
    format!("{HASH}_(SECRET|CAPSULE)_{CANONICAL}_{CANONICAL}_[0-9a-f]{{32}}")
}

fn store_packet() -> ObjectBuilder {
    let target = target();
    let example = format!("{}_SECRET_7_1_{}", "6e".repeat(32), "5b".repeat(16));
    let approvals = [
        format!("{ADDRESS}_{NUMBER}_{NUMBER}"),
        format!("BOUND1_{target}_{ADDRESS}_{CANONICAL}_{CANONICAL}"),
    ];
    let approved = [format!("{BOB}_100_15"), format!("BOUND1_{example}_{BOB}_100_15")];
    let share = format!("[^_]{{{MIN_SHARE_LEN},{MAX_SHARE_LEN}}}");
    let data = [
        format!("{NUMBER}_{share}_{NUMBER}_{NUMBER}"),
        format!("STORE1_{target}_{ADDRESS}_{BASE64}_{CANONICAL}_{CANONICAL}"),
    ];
    let shares = [
        String::from("7_c2hhcmVzIGhhdmUgbm8gdW5kZXJzY29yZXM=_100_15"),
        format!("STORE1_{example}_{BOB}_{}_100_15", "c2Vh".repeat(22)),
    ];
    let share = format!(
        "Plain: `<NFT>_<share>_<block>_<validity>`; a share has {MIN_SHARE_LEN} to {MAX_SHARE_LEN} \
         bytes. Bound: \
         `STORE1_<genesis>_<kind>_<NFT>_<version>_<split>_<enclave>_<sealed share>_<block>_<validity>`."
    );
    let signer =
        "The temporary account that signs `data`. Plain: `<account>_<block>_<validity>`, which \
                  also names this splitting of the key. Bound: \
                  `BOUND1_<genesis>_<kind>_<NFT>_<version>_<split>_<account>_<block>_<validity>`.";
    let properties = [
        ("owner_address", address("The NFT's owner", ALICE).into()),
        ("signer_address", signed(signer, &approvals, &approved).into()),
        ("signersig", signature("The owner", "signer_address").into()),
        ("data", signed(&share, &data, &shares).into()),
        ("signature", signature("The temporary account", "data").into()),
    ];
    object("A share to keep, plain or bound (`docs/protocols/requests.md`).", properties)
}

fn retrieve_packet() -> ObjectBuilder {
    let roles = one_of(["OWNER", "DELEGATEE", "RENTEE"]);
    let bound = format!(
        "RETRIEVE1_{HASH}_(SECRET|CAPSULE)_{CANONICAL}_{ADDRESS}_(OWNER|DELEGATEE|RENTEE)_{HASH}_\
         {CANONICAL}_{CANONICAL}"
    );
    let genesis = "6e".repeat(32);
    let example = format!("RETRIEVE1_{genesis}_SECRET_7_{BOB}_OWNER_{}_100_15", "5c".repeat(32));
    let data = signed(
        "Plain: `<NFT>_<block>_<validity>`. Bound: \
         `RETRIEVE1_<genesis>_<kind>_<NFT>_<enclave>_<role>_<one-time key>_<block>_<validity>`.",
        &[NFT_DATA.into(), bound],
        &[NFT_EXAMPLE.into(), example],
    );
    let properties = [
        ("requester_address", address("Who asks", ALICE).into()),
        ("requester_type", roles.description(Some("In which role.")).into()),
        ("data", data.into()),
        ("signature", signature("The requester", "data").into()),
    ];
    object("Which share is asked for, plain or bound (`docs/protocols/requests.md`).", properties)
}

fn remove_packet() -> AnyOfBuilder {
    let requester = || address("Who asks", ALICE).into();
    let (form, example) = (NFT_DATA.into(), NFT_EXAMPLE.into());
    let data = signed("`<NFT>_<block>_<validity>`.", &[form], &[example]);
    let plain = object(
        "TIP-500's form.",
        [("requester_address", requester()), ("nft_id", nft_id().into())],
    );
    let signed = object(
        "The signed form.",
        [
            ("requester_address", requester()),
            ("data", data.into()),
            ("signature", signature("The requester", "data").into()),
        ],
    );
    AnyOfBuilder::new()
        .description(Some("Which share is to be removed, in one of two forms."))
        .item(plain)
        .item(signed)
}

fn slot_sync_packet() -> ObjectBuilder {
    let form = format!("(0|[0-9a-fA-F]{{32}})_{BASE64}_{NUMBER}_{NUMBER}");
    let data = formed(
        "`<channel>_<message>_<block>_<validity>`: the channel is 0 to begin one, the message is \
         base64.",
        &form,
        "0_AAAA_100_15",
    );
    let properties = [
        ("requester_address", address("The enclave that asks", ALICE).into()),
        ("data", data.into()),
        ("signature", signature("The enclave", "data").into()),
    ];
    object("A message of a channel, see `docs/protocols/slot-sync.md`.", properties)
}

fn operator_packet(purpose: &str, message: &str) -> ObjectBuilder {
    let form = format!("{purpose}_[0-9a-f]{{64}}_{ADDRESS}_{BASE64}_{NUMBER}_{NUMBER}");
    let description = format!(
        "`{purpose}_<genesis hash>_<this enclave>_<message>_<block>_<validity>`: the message is SCALE \
         in base64."
    );
    let example = format!("{purpose}_{}_{BOB}_{message}_100_15", "6e".repeat(32));
    let properties = [
        ("operator_address", address("The enclave's operator", ALICE).into()),
        ("data", formed(&description, &form, &example).into()),
        ("signature", signature("The operator", "data").into()),
    ];
    object("What the operator asks for, see `docs/protocols/backup.md`.", properties)
}

fn interval_packet() -> ObjectBuilder {
    let hash = "98444968d366aa0c1f8c241876293a618772e88c13713675ae6b4547b0f3351c";
    let token =
        format!("{{\"block_number\":100,\"block_validation\":15,\"data_hash\":\"{hash}\"}}");
    let interval = formed(
        "JSON in a string: the first block and the last one, both included; or `next` of an answer.",
        "\\[[0-9]{1,10},[0-9]{1,10}(,[0-9]{1,20})?\\]",
        "[100,200]",
    );
    let properties = [
        ("metric_account", address("A metrics server's account", ALICE).into()),
        ("block_interval", interval.into()),
        (
            "auth_token",
            text(
                "JSON in a string: `block_number` and `block_validation` say when it is valid, \
                 `data_hash` is the SHA-256 of `block_interval` as sent, in hexadecimal. May be \
                 wrapped in `<Bytes>`.",
            )
            .examples([token])
            .into(),
        ),
        ("signature", signature("The metrics server", "auth_token").into()),
    ];
    object("Which blocks are asked about.", properties)
}

fn answer(description: &str) -> ObjectBuilder {
    let properties = [
        ("status", text("What happened, as a stable name.").into()),
        (
            "nft_id",
            nft_id()
                .description(Some("The NFT that the request named; 0 if it named none."))
                .into(),
        ),
        ("enclave_account", address("This enclave's account", BOB).into()),
        ("description", text("What happened, for people.").into()),
    ];
    object(description, properties).property(
        "signature",
        signature("To a bound request: this enclave", "a hash of the answer"),
    )
}

fn store_answer() -> ObjectBuilder {
    let receipt = text("To a bound request: a receipt, SCALE in base64.");
    answer("That a share is kept.").property("keyshare_data", receipt)
}

fn answer_with_data() -> ObjectBuilder {
    let data = text(
        "What was asked for. A share: `<NFT>_<share>_<block>_<validity>`; to a bound request, sealed and in \
         base64. A message of a channel: `<channel>_<base64>`. For operators: SCALE in base64.",
    );
    answer("What was done, and what came of it.")
        .property("keyshare_data", data)
        .required("keyshare_data")
}

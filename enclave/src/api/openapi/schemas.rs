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
pub(super) const ANSWERS: [&str; 14] = [
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
    "ViewsLog",
    "Who",
];

const ADDRESS: &str = "[1-9A-HJ-NP-Za-km-z]{46,50}";
const NUMBER: &str = "[0-9]{1,10}";
const BASE64: &str = "[A-Za-z0-9+/]*={0,2}";
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
fn signed(description: &str, form: &str, example: &str) -> ObjectBuilder {
    let wrapped = format!("<Bytes>{example}</Bytes>");
    text(description)
        .pattern(Some(format!("^({form}|<Bytes>{form}</Bytes>)$")))
        .examples([example, wrapped.as_str()])
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

fn store_packet() -> ObjectBuilder {
    let approval = format!("{ADDRESS}_{NUMBER}_{NUMBER}");
    let share = format!("[^_]{{{MIN_SHARE_LEN},{MAX_SHARE_LEN}}}");
    let data = format!("{NUMBER}_{share}_{NUMBER}_{NUMBER}");
    let share = format!(
        "`<NFT>_<share>_<block>_<validity>`. A share has {MIN_SHARE_LEN} to {MAX_SHARE_LEN} bytes."
    );
    let example = "7_c2hhcmVzIGhhdmUgbm8gdW5kZXJzY29yZXM=_100_15";
    let properties = [
        ("owner_address", address("The NFT's owner", ALICE).into()),
        (
            "signer_address",
            signed(
                "The temporary account that signs `data`: `<account>_<block>_<validity>`. It also \
                 names this splitting of the key.",
                &approval,
                &format!("{BOB}_100_15"),
            )
            .into(),
        ),
        ("signersig", signature("The owner", "signer_address").into()),
        ("data", signed(&share, &data, example).into()),
        ("signature", signature("The temporary account", "data").into()),
    ];
    object("A share to keep.", properties)
}

fn retrieve_packet() -> ObjectBuilder {
    let roles = one_of(["OWNER", "DELEGATEE", "RENTEE"]);
    let properties = [
        ("requester_address", address("Who asks", ALICE).into()),
        ("requester_type", roles.description(Some("In which role.")).into()),
        ("data", nft_data().into()),
        ("signature", signature("The requester", "data").into()),
    ];
    object("Which share is asked for.", properties)
}

/// `data` of a request about an NFT.
fn nft_data() -> ObjectBuilder {
    let form = format!("{NUMBER}_{NUMBER}_{NUMBER}");
    signed("`<NFT>_<block>_<validity>`.", &form, "7_100_15")
}

fn remove_packet() -> AnyOfBuilder {
    let requester = || address("Who asks", ALICE).into();
    let plain = object(
        "TIP-500's form.",
        [("requester_address", requester()), ("nft_id", nft_id().into())],
    );
    let signed = object(
        "The signed form.",
        [
            ("requester_address", requester()),
            ("data", nft_data().into()),
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
    object(description, properties)
}

fn answer_with_data() -> ObjectBuilder {
    let data = text(
        "What was asked for. A share: `<NFT>_<share>_<block>_<validity>`. A message of a channel: \
         `<channel>_<base64>`. For operators: SCALE in base64.",
    );
    answer("What was done, and what came of it.")
        .property("keyshare_data", data)
        .required("keyshare_data")
}

// SPDX-License-Identifier: Apache-2.0
//! The routes, and every status that each can answer.

use std::collections::BTreeMap;

use tee_primitives::keyshare::KeyshareKind;
use utoipa::openapi::{
    content::ContentBuilder,
    extensions::Extensions,
    header::HeaderBuilder,
    path::{OperationBuilder, ParameterBuilder, ParameterIn, Paths},
    request_body::RequestBodyBuilder,
    response::ResponseBuilder,
    schema::{AllOfBuilder, ObjectBuilder, Type},
    tag::{Tag, TagBuilder},
    HttpMethod, RefOr, Required, Schema,
};

use super::{
    super::{views, ApiLimits},
    schemas::{nft_id, number, of, one_of},
    Status, DOCUMENT, JSON,
};

const SECRETS: &str = "secret-nft";
const CAPSULES: &str = "capsule-nft";
const ENCLAVES: &str = "enclaves";
const OPERATORS: &str = "operators";
const METRICS: &str = "metrics servers";
const GENERAL: &str = "general";

/// What every route can answer.
const ALWAYS: &[Status] = &[
    Status::BodyBrokeOff,
    Status::BodyTooLarge,
    Status::Timeout,
    Status::TooManyRequests,
    Status::TooManyAtOnce,
    Status::InternalError,
];

/// What every route can answer for which there is a bound of requests at the same time.
const BOUNDED: &[Status] = &[Status::Busy];

/// What a body can be wrong in.
const BODY: &[Status] = &[Status::InvalidJson, Status::InvalidFields, Status::UnsupportedMediaType];

/// What the chain and the store can keep from being done.
const CHAIN: &[Status] = &[Status::ChainUnavailable, Status::NotInService];
const STORE: &[Status] = &[Status::DatabaseFailure, Status::StoreUnavailable];

/// What a requester's signed string can be wrong in.
const SIGNED: &[Status] = &[
    Status::InvalidRequesterAddress,
    Status::InvalidDataFormat,
    Status::InvalidAuthToken,
    Status::ExpiredRequest,
    Status::InvalidSignerSignature,
    Status::SignerSigVerificationFailed,
];

const STORES: &[Status] = &[
    Status::InvalidOwnerAddress,
    Status::InvalidSignerAddress,
    Status::InvalidDataFormat,
    Status::InvalidNftId,
    Status::InvalidKeyshare,
    Status::KeyshareIsTooShort,
    Status::KeyshareIsTooLong,
    Status::InvalidAuthToken,
    Status::ExpiredSigner,
    Status::ExpiredRequest,
    Status::InvalidSignerSignature,
    Status::InvalidDataSignature,
    Status::SignerSigVerificationFailed,
    Status::DataSigVerificationFailed,
    Status::OwnershipVerificationFailed,
    Status::NotSyncing,
    Status::NftIdExists,
    Status::NotMeant,
    Status::KeyshareNotOpened,
];

const RETRIEVES: &[Status] = &[
    Status::InvalidNftId,
    Status::RequesterVerificationFailed,
    Status::NotSynced,
    Status::KeyNotExist,
    Status::KeyNotReadable,
    Status::NotMeant,
    Status::BoundOnly,
];

const REMOVES: &[Status] = &[Status::InvalidNftId, Status::NotBurnt];

const QUOTES: &[Status] = &[Status::QuoteFailure];

const PEERS: &[Status] = &[
    Status::UnknownChannel,
    Status::NotAPeer,
    Status::InvalidSyncMessage,
    Status::UntrustedPeer,
    Status::QuoteFailure,
];

const BACKUPS: &[Status] =
    &[Status::NotMeant, Status::NotTheOperator, Status::InvalidArchive, Status::UnknownArchive];

const RESTORES: &[Status] =
    &[Status::OtherArchive, Status::NotReady, Status::NoKeyHolder, Status::ArchiveShut];

const LISTS: &[Status] = &[
    Status::InvalidRequesterAddress,
    Status::InvalidAuthToken,
    Status::InvalidInterval,
    Status::DataHashMismatch,
    Status::ExpiredRequest,
    Status::NotAMetricsServer,
    Status::InvalidSignerSignature,
    Status::SignerSigVerificationFailed,
];

/// That an NFT does not carry content of this kind.
fn of_kind(kind: KeyshareKind) -> &'static [Status] {
    match kind {
        KeyshareKind::Secret => &[Status::IdIsNotASecretNft],
        KeyshareKind::Capsule => &[Status::IdIsNotACapsule],
    }
}

/// The groups of routes.
pub(super) fn tags() -> [Tag; 6] {
    [
        (GENERAL, "What the enclave is and whether it serves."),
        (SECRETS, "Shares of secrets (TIP-500)."),
        (CAPSULES, "Shares of capsules (TIP-500). An NFT can carry both kinds."),
        (ENCLAVES, "What enclaves of the same slot say to each other."),
        (OPERATORS, "Cold backups."),
        (METRICS, "What metrics servers ask."),
    ]
    .map(|(name, text)| TagBuilder::new().name(name).description(Some(text)).build())
}

/// What a route is for.
struct Route<'a> {
    tag: &'a str,
    path: &'a str,
    /// Unique, for programs that make clients.
    id: &'a str,
    summary: &'a str,
}

impl Route<'_> {
    fn operation(&self) -> OperationBuilder {
        let id = self.id.replace('-', "_");
        OperationBuilder::new().tag(self.tag).operation_id(Some(id)).summary(Some(self.summary))
    }
}

/// All routes.
pub(super) fn paths() -> Paths {
    let mut paths = Paths::new();
    general(&mut paths);
    for kind in [KeyshareKind::Secret, KeyshareKind::Capsule] {
        reads(&mut paths, kind);
        writes(&mut paths, kind);
    }
    others(&mut paths);
    paths
}

fn get(paths: &mut Paths, route: &Route<'_>, operation: OperationBuilder, refusals: &[&[Status]]) {
    add(paths, HttpMethod::Get, route, operation, refusals);
}

/// A route that takes a body of this schema.
fn post(
    paths: &mut Paths,
    route: &Route<'_>,
    body: &str,
    success: impl Into<RefOr<Schema>>,
    refusals: &[&[Status]],
) {
    let largest = ApiLimits::default().body;
    let content = ContentBuilder::new().schema(Some(of(body))).build();
    let body = RequestBodyBuilder::new()
        .description(Some(format!("At most {largest} bytes.")))
        .required(Some(Required::True))
        .content(JSON, content)
        .extensions(Some(Extensions::from_iter([("x-max-bytes", largest)])));
    let operation = succeeds(route.operation().request_body(Some(body.build())), success);
    let refusals = [refusals, &[BODY]].concat();
    add(paths, HttpMethod::Post, route, operation, &refusals);
}

fn add(
    paths: &mut Paths,
    method: HttpMethod,
    route: &Route<'_>,
    operation: OperationBuilder,
    refusals: &[&[Status]],
) {
    let mut by_code = BTreeMap::<u16, Vec<Status>>::new();
    for status in refusals.iter().chain([&ALWAYS]).flat_map(|list| list.iter()) {
        let list = by_code.entry(status.code().as_u16()).or_default();
        if !list.contains(status) {
            list.push(*status);
        }
    }
    let operation = by_code.into_iter().fold(operation, |operation, (code, list)| {
        operation.response(code.to_string(), refusal(code, &list))
    });
    paths.add_path_operation(route.path, vec![method], operation);
}

/// What is answered to a method that a route does not take.
pub(super) fn not_allowed() -> ResponseBuilder {
    let allow = HeaderBuilder::new().description(Some("The methods that it takes."));
    refusal(405, &[Status::MethodNotAllowed]).header("Allow", allow.build())
}

fn refusal(code: u16, statuses: &[Status]) -> ResponseBuilder {
    let words = statuses.iter().map(|status| format!("`{}`: {}", status.name(), status.text()));
    let words = words.collect::<Vec<_>>().join("\n\n");
    let schema = with_status("Refusal", statuses.iter().map(|status| status.name()));
    let response = json(&words, schema);
    if !matches!(code, 429 | 503) {
        return response;
    }
    let seconds = HeaderBuilder::new().schema(Some(number(0, 3600)));
    let seconds = seconds.description(Some("Seconds after which to try again."));
    response.header("Retry-After", seconds.build())
}

/// An answer whose status is one of these.
fn with_status<'a>(answer: &str, names: impl IntoIterator<Item = &'a str>) -> AllOfBuilder {
    let status = ObjectBuilder::new().schema_type(Type::Object).property("status", one_of(names));
    AllOfBuilder::new().item(of(answer)).item(status)
}

fn json(description: &str, schema: impl Into<RefOr<Schema>>) -> ResponseBuilder {
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new().description(description).content(JSON, content)
}

fn succeeds(operation: OperationBuilder, schema: impl Into<RefOr<Schema>>) -> OperationBuilder {
    operation.response("200", json("Granted.", schema))
}

fn general(paths: &mut Paths) {
    let health = Route {
        tag: GENERAL,
        path: "/api/health",
        id: "health",
        summary: "The enclave's state: always 200, the fields tell it",
    };
    get(paths, &health, succeeds(health.operation(), of("Health")), &[]);
    let quote = Route {
        tag: GENERAL,
        path: "/api/quote",
        id: "quote",
        summary: "A quote for the chain, newer than the one it has",
    };
    get(paths, &quote, succeeds(quote.operation(), of("Quote")), &[CHAIN, QUOTES, BOUNDED]);

    let document = Route { tag: GENERAL, path: DOCUMENT, id: "document", summary: "This document" };
    let any = ObjectBuilder::new().schema_type(Type::Object);
    get(paths, &document, succeeds(document.operation(), any), &[BOUNDED]);
    let page = Route {
        tag: GENERAL,
        path: "/api/docs/",
        id: "page",
        summary: "This document, for people",
    };
    get(paths, &page, page.operation().response("200", content("text/html")), &[BOUNDED]);
    let to_page =
        Route { tag: GENERAL, path: "/api/docs", id: "to_page", summary: "Leads to the page" };
    let redirect = ResponseBuilder::new().description("To the page.");
    get(paths, &to_page, to_page.operation().response("308", redirect), &[BOUNDED]);
    let file =
        Route { tag: GENERAL, path: "/api/docs/{file}", id: "file", summary: "A file of the page" };
    let name = ParameterBuilder::new()
        .name("file")
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).min_length(Some(1))));
    let operation = file.operation().parameter(name).response("200", content("*/*"));
    get(paths, &file, operation, &[&[Status::NotFound], BOUNDED]);
}

fn content(content_type: &str) -> ResponseBuilder {
    let content =
        ContentBuilder::new().schema(Some(ObjectBuilder::new().schema_type(Type::String)));
    ResponseBuilder::new().description("The file.").content(content_type, content.build())
}

fn nft_parameter() -> ParameterBuilder {
    ParameterBuilder::new()
        .name("nft_id")
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some("The NFT."))
        .schema(Some(nft_id()))
}

fn part(name: &str, description: &str, schema: ObjectBuilder) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
}

fn group(kind: KeyshareKind) -> &'static str {
    match kind {
        KeyshareKind::Secret => SECRETS,
        KeyshareKind::Capsule => CAPSULES,
    }
}

fn reads(paths: &mut Paths, kind: KeyshareKind) {
    let tag = group(kind);
    let route = Route {
        tag,
        path: &format!("/api/{tag}/is-keyshare-available/{{nft_id}}"),
        id: &format!("{tag}_is_keyshare_available"),
        summary: "Whether a share is held, and since when it is synced",
    };
    let operation = succeeds(route.operation().parameter(nft_parameter()), of("Availability"));
    get(paths, &route, operation, &[&[Status::InvalidNftId], STORE, BOUNDED]);

    let route = Route {
        tag,
        path: &format!("/api/{tag}/get-views-log/{{nft_id}}"),
        id: &format!("{tag}_get_views_log"),
        summary: "Who has stored and viewed an NFT's shares",
    };
    let after = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^([0-9]{1,20}|x[0-9a-f]{112})$"));
    let operation = route
        .operation()
        .parameter(nft_parameter())
        .parameter(part("limit", "Events in one answer.", number(1, views::MAX_ENTRIES)))
        .parameter(part("after", "`next` of the answer before.", after));
    let wrong: &[Status] = &[Status::InvalidNftId, Status::InvalidParameters];
    let refusals = [wrong, of_kind(kind), CHAIN, STORE, BOUNDED];
    get(paths, &route, succeeds(operation, of("ViewsLog")), &refusals);
}

fn writes(paths: &mut Paths, kind: KeyshareKind) {
    let tag = group(kind);
    let names: &[&str] = match kind {
        KeyshareKind::Secret => &["store-keyshare"],
        KeyshareKind::Capsule => &["set-keyshare", "store-keyshare"],
    };
    for name in names {
        let route = Route {
            tag,
            path: &format!("/api/{tag}/{name}"),
            id: &format!("{tag}_{name}"),
            summary: "Keeps a share of a key that the chain waits for",
        };
        let stored = with_status("StoreAnswer", ["STORESUCCESS"]);
        let refusals = [STORES, of_kind(kind), CHAIN, STORE, BOUNDED];
        post(paths, &route, "StoreKeysharePacket", stored, &refusals);
    }
    let route = Route {
        tag,
        path: &format!("/api/{tag}/retrieve-keyshare"),
        id: &format!("{tag}_retrieve_keyshare"),
        summary: "Gives a share to the NFT's owner, delegatee or rentee",
    };
    let retrieved = with_status("AnswerWithData", ["RETRIEVESUCCESS"]);
    let refusals = [SIGNED, RETRIEVES, of_kind(kind), CHAIN, STORE, BOUNDED];
    post(paths, &route, "RetrieveKeysharePacket", retrieved, &refusals);
    let route = Route {
        tag,
        path: &format!("/api/{tag}/remove-keyshare"),
        id: &format!("{tag}_remove_keyshare"),
        summary: "Removes the share of an NFT that is burnt or no longer of this kind",
    };
    let removed = with_status("Answer", ["REMOVESUCCESS"]);
    post(paths, &route, "RemovePacket", removed, &[SIGNED, REMOVES, CHAIN, STORE, BOUNDED]);
}

fn others(paths: &mut Paths) {
    for (path, id) in [("/api/slot-sync", "slot_sync"), ("/api/slot-sync/", "slot_sync_slash")] {
        let summary = "A message of a channel between enclaves of the same slot";
        let route = Route { tag: ENCLAVES, path, id, summary };
        let answered = with_status("AnswerWithData", ["SYNCSUCCESS"]);
        let refusals = [SIGNED, PEERS, CHAIN, STORE, BOUNDED];
        post(paths, &route, "SlotSyncPacket", answered, &refusals);
    }
    let route = Route {
        tag: OPERATORS,
        path: "/api/backup",
        id: "backup",
        summary: "A part of a cold backup, for the enclave's operator",
    };
    let answered = with_status("AnswerWithData", ["BACKUPSUCCESS"]);
    let refusals = [SIGNED, BACKUPS, CHAIN, STORE, BOUNDED];
    post(paths, &route, "BackupPacket", answered, &refusals);
    let route = Route {
        tag: OPERATORS,
        path: "/api/restore",
        id: "restore",
        summary: "A part of a cold backup, from the enclave's operator",
    };
    let answered = with_status("AnswerWithData", ["RESTORESUCCESS"]);
    let refusals = [SIGNED, BACKUPS, RESTORES, CHAIN, STORE, BOUNDED];
    post(paths, &route, "RestorePacket", answered, &refusals);
    let route = Route {
        tag: METRICS,
        path: "/api/metric/interval-nft-list",
        id: "interval_nft_list",
        summary: "Which keyshares that became synced in some blocks are held",
    };
    let refusals = [LISTS, CHAIN, STORE, BOUNDED];
    post(paths, &route, "IntervalPacket", of("IntervalList"), &refusals);
}

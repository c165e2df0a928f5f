// SPDX-License-Identifier: Apache-2.0
//! `GET /api/openapi.json`: what this API takes and answers, in OpenAPI 3.1; and `GET /api/docs/`, a
//! page that shows it.
//!
//! [`operations`] has the routes with every status that each can answer, [`schemas`] the bodies. The
//! document is committed as `docs/openapi.json`; tests compare it with the routes, and what the routes
//! answer with it.

use std::{
    borrow::Cow,
    sync::{Arc, LazyLock},
};

use axum::{
    body::Bytes,
    extract::{rejection::PathRejection, Path, State},
    http::{
        header::{CONTENT_ENCODING, CONTENT_TYPE},
        HeaderMap, HeaderValue,
    },
    response::{IntoResponse, Redirect, Response},
};
use serde_json::{json, Value};
use utoipa::openapi::{InfoBuilder, License, OpenApiBuilder};
use utoipa_swagger_ui::Config;

use super::{
    failure::{Failure, Status},
    ApiLimits, Context,
};

mod operations;
mod schemas;

/// Where the document is served.
const DOCUMENT: &str = "/api/openapi.json";

const JSON: &str = "application/json";

static TEXT: LazyLock<Bytes> = LazyLock::new(|| description().to_string().into());
static PAGE: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| Arc::new(Config::from(DOCUMENT)));

/// The document.
pub fn description() -> Value {
    let mut components = schemas::components();
    components.responses.insert("MethodNotAllowed".into(), operations::not_allowed().into());
    let api = OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("TIP-500 enclave")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(about(&ApiLimits::default())))
                .license(Some(License::new("Apache-2.0"))),
        )
        .tags(Some(operations::tags()))
        .paths(operations::paths())
        .components(Some(components))
        .build();
    let mut description = serde_json::to_value(api).unwrap_or_default();
    tidy(&mut description);
    description
}

fn about(limits: &ApiLimits) -> String {
    let ApiLimits { body, concurrent, time, .. } = limits;
    format!(
        "Keeps one share of each secret NFT's key, and gives it to whom the finalized chain allows.\n\n\
         **Limits.** A body has at most {body} bytes (`BODYTOOLARGE`). {concurrent} requests are worked \
         on at the same time, without those for health (`BUSY`), each for at most {} seconds \
         (`TIMEOUT`).\n\n\
         **Refusals** are JSON with a stable `status`. A route that does not exist is `NOTFOUND`; a \
         method that a route does not take is `METHODNOTALLOWED`, and `Allow` names those that it \
         takes. HEAD is answered like GET, without the body. OPTIONS is answered for every origin \
         (CORS).\n\n\
         **Signed strings** are signed by sr25519 over the exact bytes as sent. Browser wallets wrap \
         what they sign in `<Bytes>` and `</Bytes>`: that belongs to the signed bytes and not to the \
         meaning. Signed strings end in a token `<block>_<validity>`: valid from that finalized block \
         on, and two blocks before, for at most 20 blocks.",
        time.as_secs()
    )
}

/// Numbers without a sign are told by their bounds, and what answers have besides their properties is
/// nothing.
fn tidy(description: &mut Value) {
    bound_numbers(description);
    for name in schemas::ANSWERS {
        if let Some(schema) = description.pointer_mut(&format!("/components/schemas/{name}")) {
            if schema.get("additionalProperties").is_none() {
                schema["additionalProperties"] = json!(false);
            }
        }
    }
}

fn bound_numbers(value: &mut Value) {
    if let Some(format) = value.get("format").and_then(Value::as_str) {
        let largest = match format {
            "int32" => Some(u64::from(u32::MAX)),
            "int64" => Some(u64::MAX),
            _ => None,
        };
        if let (Some(largest), Some(fields)) = (largest, value.as_object_mut()) {
            fields.remove("format");
            fields.insert("maximum".into(), largest.into());
        }
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(bound_numbers),
        Value::Object(fields) => fields.values_mut().for_each(bound_numbers),
        _ => (),
    }
}

/// Handles the request for the document.
pub async fn document() -> Response {
    let json = HeaderValue::from_static(JSON);
    ([(CONTENT_TYPE, json)], TEXT.clone()).into_response()
}

/// Leads to the page.
pub async fn to_page() -> Redirect {
    Redirect::permanent("/api/docs/")
}

/// Handles the request for the page.
pub async fn page(State(context): State<Arc<Context>>) -> Response {
    serve(&context, "index.html")
}

/// Handles the request for a file of the page.
pub async fn file(
    State(context): State<Arc<Context>>,
    file: Result<Path<String>, PathRejection>,
) -> Response {
    match file {
        Ok(Path(file)) => serve(&context, &file),
        Err(_) => Failure::from(Status::NotFound).answer(&context, None, 0),
    }
}

fn serve(context: &Context, file: &str) -> Response {
    let found = match utoipa_swagger_ui::serve(file, PAGE.clone()) {
        Ok(Some(found)) => found,
        Ok(None) => return Failure::from(Status::NotFound).answer(context, None, 0),
        Err(error) => {
            tracing::error!(%error, "a file of the page cannot be made");
            return Failure::from(Status::InternalError).answer(context, None, 0);
        }
    };
    let Ok(content_type) = HeaderValue::try_from(found.content_type) else {
        return Failure::from(Status::InternalError).answer(context, None, 0);
    };
    let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, content_type)]);
    if found.gzpipped {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    // Files of megabytes are not copied for each request.
    let content = match found.bytes {
        Cow::Borrowed(content) => Bytes::from_static(content),
        Cow::Owned(content) => content.into(),
    };
    (headers, content).into_response()
}

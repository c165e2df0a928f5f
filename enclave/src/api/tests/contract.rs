// SPDX-License-Identifier: Apache-2.0
//! The document of the API is the committed one, and says neither more nor less than the router.

use std::{collections::BTreeSet, fs, path::PathBuf};

use super::*;
use crate::api::openapi;

/// Set by `make contract`.
const WRITE: &str = "TEE_WRITE_CONTRACT";

#[test]
fn the_document_is_the_committed_one() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    let text = serde_json::to_string_pretty(&openapi::description()).unwrap() + "\n";
    if std::env::var_os(WRITE).is_some() {
        return fs::write(file, text).unwrap();
    }
    let committed = fs::read_to_string(file).unwrap_or_default();
    let differs = committed.lines().zip(text.lines()).position(|(old, new)| old != new);
    assert!(
        committed == text,
        "docs/openapi.json differs from line {:?} on. If that is meant, `make contract` writes it anew.",
        differs.map(|line| line + 1)
    );
}

#[tokio::test]
async fn the_document_and_its_page_are_served() {
    let enclave = Enclave::start().await;
    let served = enclave.get("/api/openapi.json").await;
    assert_eq!(served.headers[header::CONTENT_TYPE], "application/json");
    assert_eq!(served.body, openapi::description());
    assert_eq!(served.body["openapi"], "3.1.0");
    let raw = |path: &'static str| {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let router = enclave.router.clone();
        async move {
            let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
            let body = to_bytes(body, 1 << 22).await.unwrap();
            (parts, String::from_utf8_lossy(&body).into_owned())
        }
    };
    let (redirect, _) = raw("/api/docs").await;
    assert_eq!(redirect.status, StatusCode::PERMANENT_REDIRECT);
    assert_eq!(redirect.headers[header::LOCATION], "/api/docs/");
    let (page, html) = raw("/api/docs/").await;
    assert_eq!(
        (page.status, &page.headers[header::CONTENT_TYPE]),
        (StatusCode::OK, &"text/html".parse().unwrap())
    );
    // Whatever the page loads is here too, and nothing comes from elsewhere.
    let mut loaded = 0;
    for part in html.split(['"', '\'']).filter(|part| part.contains(".js") || part.contains(".css"))
    {
        assert!(!part.contains("//"), "{part}");
        let file = part.trim_start_matches("./");
        let path: &'static str = format!("/api/docs/{file}").leak();
        let (answer, _) = raw(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        loaded += 1;
    }
    assert!(loaded >= 4, "{html}");
    let (_, initializer) = raw("/api/docs/swagger-initializer.js").await;
    assert!(initializer.contains("/api/openapi.json"), "{initializer}");
    for path in ["/api/docs/x", "/api/docs/../health", "/api/docs/%2e%2e/x", "/api/docs/%ff"] {
        enclave.get(path).await.is(404, "NOTFOUND");
    }
}

/// The router's table, as its source has it.
fn routes() -> BTreeSet<(String, String)> {
    let source = include_str!("../../api.rs");
    let (_, router) = source.split_once("pub fn router(").unwrap();
    let routes = router.split(".route(").skip(1).map(|rest| {
        let mut parts = rest.split('"').skip(1);
        let path = parts.next().unwrap();
        let handler = parts.next().unwrap().trim_start_matches([',', ' ', '\n']);
        (handler.split('(').next().unwrap().to_owned(), path.replace("{*", "{"))
    });
    routes.collect()
}

#[test]
fn each_route_is_in_the_document_and_nothing_else() {
    let description = openapi::description();
    let mut documented = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            documented.insert((method.clone(), path.clone()));
            assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{path}");
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{path}");
        }
    }
    assert_eq!(documented, routes());
}

#[tokio::test]
async fn each_documented_route_is_answered_and_no_other_method_of_it() {
    let enclave = Enclave::start().await;
    for (documented, path) in routes() {
        let path = path.replace("{nft_id}", "7").replace("{file}", "index.css");
        for method in ["get", "post", "put", "delete", "patch", "trace", "connect", "brew", "head"]
        {
            let request = Request::builder().method(&*method.to_uppercase()).uri(&path);
            let request = request.body(Body::empty()).unwrap();
            let response = enclave.router.clone().oneshot(request).await.unwrap();
            let (parts, body) = response.into_parts();
            let body = to_bytes(body, 1 << 22).await.unwrap();
            if method == documented || (method == "head" && documented == "get") {
                assert_ne!(parts.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
                assert_ne!(parts.status, StatusCode::NOT_FOUND, "{method} {path}");
                assert!(method != "head" || body.is_empty(), "{path}");
                continue;
            }
            assert_eq!(parts.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            let allow = if documented == "get" { "GET,HEAD" } else { "POST" };
            assert_eq!(parts.headers[header::ALLOW], allow, "{method} {path}");
            if method != "head" {
                let body: Value = serde_json::from_slice(&body).unwrap();
                assert_eq!(body["status"], "METHODNOTALLOWED", "{method} {path}");
            }
        }
        let request = Request::builder().method(Method::OPTIONS).uri(&path);
        let response =
            enclave.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(response.headers()[header::ACCESS_CONTROL_ALLOW_METHODS], "GET,POST");
    }
}

/// Names of statuses anywhere below.
fn statuses(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            let names = value.pointer("/properties/status/enum").and_then(Value::as_array);
            found.extend(names.into_iter().flatten().filter_map(Value::as_str).map(Into::into));
            fields.values().for_each(|value| statuses(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| statuses(value, found)),
        _ => (),
    }
}

#[test]
fn each_status_is_documented_with_its_words() {
    let description = openapi::description();
    let mut documented = BTreeSet::new();
    statuses(&description, &mut documented);
    for status in Status::ALL {
        assert!(documented.contains(status.name()), "{} is not documented", status.name());
    }
    for name in documented {
        let is_status = Status::ALL.iter().any(|status| status.name() == name);
        assert!(is_status || name.ends_with("SUCCESS"), "{name} is not a status");
    }
}

/// Those that the document shows are such as it asks for.
#[test]
fn examples_are_of_the_form_that_is_documented() {
    let description = openapi::description();
    let mut seen = 0;
    for (name, schema) in description["components"]["schemas"].as_object().unwrap() {
        let forms = schema["anyOf"].as_array().cloned().unwrap_or_else(|| vec![schema.clone()]);
        for form in forms {
            for (field, schema) in form["properties"].as_object().unwrap() {
                let root = json!({"allOf": [schema], "components": description["components"]});
                let validator = jsonschema::validator_for(&root).unwrap();
                for example in schema["examples"].as_array().into_iter().flatten() {
                    assert!(validator.is_valid(example), "{name}.{field}: {example}");
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 20, "{seen}");
}

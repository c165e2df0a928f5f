// SPDX-License-Identifier: Apache-2.0
//! The client for the authority: HTTPS only, bounded in time and in what it reads.

use std::{fmt, future::Future, path::Path, pin::Pin, time::Duration};

use axum::{
    body::{self, Body, Bytes},
    http::{Request, Response},
};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use reqwest::{redirect, Client};
use tee_tls::Trust;

use crate::{
    file,
    tls::{files, TlsError},
};

/// Longest time for one request.
const LIMIT: Duration = Duration::from_secs(30);

/// Longest request, in bytes.
const MAX_REQUEST: usize = 64 * 1024;

/// Longest answer, in bytes: a chain of certificates in PEM.
const MAX_ANSWER: usize = 128 * 1024;

/// The client.
#[derive(Clone)]
pub(super) struct Http(Client);

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Http")
    }
}

impl Http {
    /// Recognises the authority by the certificates in a file, or by those of the machine.
    pub(super) fn new(root: Option<&Path>) -> Result<Self, TlsError> {
        let trust = match root {
            Some(root) => Trust::Roots(roots(root)?),
            None => Trust::Authorities,
        };
        let builder = tee_tls::builder(&trust)?
            .timeout(LIMIT)
            .redirect(redirect::Policy::none())
            .https_only(true)
            .no_proxy();
        Ok(Self(builder.build().map_err(tee_tls::ClientError::from)?))
    }
}

fn roots(path: &Path) -> Result<Vec<rustls::pki_types::CertificateDer<'static>>, TlsError> {
    let problem = |problem| TlsError::File { file: path.display().to_string(), problem };
    let content = file::read(path).map_err(|error| problem(error.to_string()))?;
    let content = content.ok_or_else(|| problem(String::from("it is not there")))?;
    files::chain(&content).map_err(problem)
}

impl HttpClient for Http {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let Self(client) = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body::to_bytes(Body::new(body), MAX_REQUEST).await;
            let body = body.map_err(|error| Error::Other(Box::new(error)))?;
            let sent = client
                .request(parts.method, parts.uri.to_string())
                .headers(parts.headers)
                .body(body)
                .send();
            let mut response = sent.await.map_err(failed)?;
            let mut content = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(failed)? {
                if content.len().saturating_add(chunk.len()) > MAX_ANSWER {
                    return Err(Error::Str("an answer of allowed length"));
                }
                content.extend_from_slice(&chunk);
            }
            let (mut parts, ()) = Response::new(()).into_parts();
            parts.status = response.status();
            parts.headers = response.headers().clone();
            Ok(BytesResponse { parts, body: Box::new(Bytes::from(content)) })
        })
    }
}

fn failed(error: reqwest::Error) -> Error {
    Error::Other(Box::new(error.without_url()))
}

// SPDX-License-Identifier: Apache-2.0
//! One request, bounded in time and in what it takes.

use alloc::{string::String, vec::Vec};

use sp_runtime::offchain::{http::Request, Duration};

/// Longest time that a request may take, in milliseconds.
const LIMIT_MS: u64 = 5_000;

/// Longest header that is kept, in bytes.
const MAX_HEADER_LEN: usize = 16 * 1024;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HttpError {
    /// The request could not be sent.
    NotSent,
    /// No answer came in time.
    Timeout,
    /// The connection broke off.
    BrokenOff,
    /// The answer is not 200.
    Status(u16),
    /// The answer is longer than what was asked for can be.
    TooLong,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) body: Vec<u8>,
    headers: Vec<(String, String)>,
}

impl Answer {
    /// A header, whatever the case of its name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Asks for something of at most `max_len` bytes. Redirections are not followed.
pub(crate) fn get(url: &str, max_len: usize) -> Result<Answer, HttpError> {
    let deadline = sp_io::offchain::timestamp().add(Duration::from_millis(LIMIT_MS));
    let pending = Request::get(url).deadline(deadline).send().map_err(|_| HttpError::NotSent)?;
    let mut response = pending
        .try_wait(deadline)
        .map_err(|_| HttpError::Timeout)?
        .map_err(|_| HttpError::BrokenOff)?;
    if response.code != 200 {
        return Err(HttpError::Status(response.code));
    }
    let mut headers = Vec::new();
    let mut all = response.headers().into_iter();
    while all.next() {
        let Some((name, value)) = all.current() else { continue };
        if value.len() <= MAX_HEADER_LEN {
            headers.push((name.into(), value.into()));
        }
    }
    let mut body = Vec::new();
    let mut bytes = response.body();
    bytes.deadline(deadline);
    for byte in bytes.by_ref() {
        if body.len() == max_len {
            return Err(HttpError::TooLong);
        }
        body.push(byte);
    }
    match bytes.error() {
        None => Ok(Answer { body, headers }),
        Some(_) => Err(HttpError::BrokenOff),
    }
}

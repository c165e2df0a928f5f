// SPDX-License-Identifier: Apache-2.0
//! Bodies are read before a handler runs, and before a request takes one of the places that there
//! are for requests: one that comes slowly holds its connection, and nothing else.
//!
//! A body must come within a time, and not slower than a rate after its beginning: who sends a byte
//! now and then is cut off early. One that is announced as larger than what is read of it at most is
//! not read at all.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use futures::StreamExt;
use tokio::time::{timeout_at, Instant};

use super::{
    failure::{Failure, Status},
    limits::ApiLimits,
    Context,
};

/// When a body must have gone on that has begun at a time, and of which so many bytes have come.
fn deadline(limits: &ApiLimits, begun: Instant, length: usize) -> Instant {
    let seconds = length / limits.body_rate.max(1);
    let earned = Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX));
    begun + limits.body_start.saturating_add(earned).min(limits.body_time)
}

/// Reads the body before the handler runs.
pub(super) async fn bound(
    State((context, limits)): State<(Arc<Context>, ApiLimits)>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    match read(body, &limits).await {
        Ok(body) => next.run(Request::from_parts(parts, body.into())).await,
        Err(status) => Failure::from(status).answer(&context, None, 0),
    }
}

async fn read(body: Body, limits: &ApiLimits) -> Result<Bytes, Status> {
    let begun = Instant::now();
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limits.discarded {
        return Err(Status::BodyTooLarge);
    }
    // What was only announced takes no memory.
    let mut content = Vec::new();
    let mut length = 0usize;
    let mut stream = body.into_data_stream();
    loop {
        let chunk = timeout_at(deadline(limits, begun, length), stream.next()).await;
        let Some(chunk) = chunk.map_err(|_| Status::Timeout)? else { break };
        let chunk = chunk.map_err(|_| Status::BodyBrokeOff)?;
        length = length.saturating_add(chunk.len());
        if length <= limits.body {
            content.extend_from_slice(&chunk);
        } else if length > limits.discarded {
            break;
        } else {
            content = Vec::new();
        }
    }
    if length > limits.body {
        return Err(Status::BodyTooLarge);
    }
    Ok(content.into())
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        iter,
        pin::Pin,
        task::{Context as Polled, Poll},
    };

    use futures::stream;
    use hyper::body::{Frame, SizeHint};
    use tokio::time::{sleep, timeout};

    use super::*;

    /// No test reaches it, on however slow a machine.
    const LONG: Duration = Duration::from_secs(60);

    const SHORT: Duration = Duration::from_millis(200);

    async fn read_in_time(body: Body, limits: &ApiLimits) -> (Duration, Result<Bytes, Status>) {
        let begun = Instant::now();
        let read = timeout(LONG, read(body, limits)).await;
        (begun.elapsed(), read.expect("reading a body is bounded"))
    }

    /// So many bytes, again and again after a pause.
    fn coming(bytes: usize, pause: Duration) -> Body {
        Body::from_stream(stream::unfold((), move |()| async move {
            sleep(pause).await;
            Some((Ok::<_, Infallible>(vec![b'x'; bytes]), ()))
        }))
    }

    #[test]
    fn time_is_earned_by_bytes_up_to_a_bound() {
        let limits = ApiLimits::default();
        let begun = Instant::now();
        let seconds = |length| (deadline(&limits, begun, length) - begun).as_secs();
        assert_eq!([0, 1, 511, 512, 1024, 3072].map(seconds), [4, 4, 4, 5, 6, 10]);
        assert_eq!([3584, limits.body, limits.discarded, usize::MAX].map(seconds), [10; 4]);
        let none = ApiLimits { body_rate: 0, ..limits };
        assert_eq!((deadline(&none, begun, 1) - begun).as_secs(), 5);
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_is_given_up() {
        let limits = ApiLimits { body_start: SHORT, body_time: LONG, ..Default::default() };
        let never = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
        let (time, read) = read_in_time(never, &limits).await;
        assert_eq!(read, Err(Status::Timeout));
        assert!(time >= SHORT, "{time:?}");
    }

    #[tokio::test]
    async fn a_byte_now_and_then_wins_no_time() {
        let limits = ApiLimits { body_start: SHORT, body_time: LONG, ..Default::default() };
        let (_, read) = read_in_time(coming(1, SHORT / 20), &limits).await;
        assert_eq!(read, Err(Status::Timeout));
    }

    #[tokio::test]
    async fn no_body_takes_longer_than_the_longest_time() {
        let limits = ApiLimits { body_start: SHORT, body_time: 2 * SHORT, ..Default::default() };
        // They earn more; the first of them is kept for some time, the other dropped.
        for bytes in [600, 60_000] {
            let (time, read) = read_in_time(coming(bytes, SHORT / 10), &limits).await;
            assert_eq!(read, Err(Status::Timeout), "{bytes}");
            assert!(time >= 2 * SHORT, "{time:?}");
        }
    }

    #[tokio::test]
    async fn a_slow_but_honest_body_is_read() {
        let limits = ApiLimits { body_start: 5 * SHORT, body_time: LONG, ..Default::default() };
        let slow = stream::iter(iter::repeat_n(vec![b'x'; 700], 8)).then(|chunk| async {
            sleep(SHORT).await;
            Ok::<_, Infallible>(chunk)
        });
        let (time, read) = read_in_time(Body::from_stream(slow), &limits).await;
        assert_eq!(read.map(|body| body.len()), Ok(5600));
        assert!(time > limits.body_start, "{time:?}");
    }

    #[tokio::test]
    async fn sizes_are_exact() {
        let limits = ApiLimits { body: 10, discarded: 20, ..Default::default() };
        let of =
            |size: usize| Body::from_stream(stream::iter(vec![Ok::<_, Infallible>("x"); size]));
        assert_eq!(read(of(10), &limits).await.map(|body| body.len()), Ok(10));
        for size in [11, 20, 21, 1000] {
            assert_eq!(read(of(size), &limits).await, Err(Status::BodyTooLarge), "{size}");
        }
    }

    /// A body that never comes, and says how large it is.
    struct Announced(u64);

    impl HttpBody for Announced {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Polled<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(self.0)
        }
    }

    #[tokio::test]
    async fn a_body_that_is_announced_as_huge_is_not_waited_for() {
        let limits = ApiLimits { body_start: LONG, body_time: LONG, ..Default::default() };
        for size in [limits.discarded as u64 + 1, u64::MAX] {
            let (_, read) = read_in_time(Body::new(Announced(size)), &limits).await;
            assert_eq!(read, Err(Status::BodyTooLarge));
        }
    }
}

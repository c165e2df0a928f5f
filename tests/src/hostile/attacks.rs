// SPDX-License-Identifier: Apache-2.0
//! The attacks themselves, and the sink that they are made on for comparison. All of this runs in
//! the attackers' process.

use std::{
    collections::VecDeque,
    future::Future,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        atomic::{AtomicU32, Ordering},
        Arc, Mutex, PoisonError,
    },
    time::Duration,
};

use anyhow::{ensure, Context};
use rand::RngCore;
use subxt_signer::sr25519::{dev, Keypair};
use tee_primitives::{
    nft::NftId,
    packet::{
        signer_address, store_data, AuthToken, RequesterType, RetrieveKeysharePacket,
        StoreKeysharePacket, MAX_VALIDITY,
    },
    BlockNumber, RawAccountId,
};
use tee_wallet::packets::{retrieve_packet, ss58};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinSet,
    time::{sleep, sleep_until, timeout, timeout_at, Instant},
};

use super::{Attack, Plan, Tallies, Tally};

const RETRIEVE: &str = "/api/secret-nft/retrieve-keyshare";
const STORE: &str = "/api/secret-nft/store-keyshare";

/// Longest wait for a connection or an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Between two bytes of what comes slowly.
const DRIP: Duration = Duration::from_millis(400);

/// How often the newest final block is looked up.
const LOOK: Duration = Duration::from_secs(1);

/// Largest answer that is read.
const MAX_ANSWER: usize = 1024 * 1024;

/// Makes a plan's attacks until its time is over; what was sent and answered.
pub async fn make(plan: Plan) -> anyhow::Result<Tallies> {
    let until = Instant::now() + Duration::from_millis(plan.millis);
    let target = if plan.is_sink { sink().await? } else { plan.enclave };
    let block = Arc::new(AtomicU32::new(newest_block(plan.enclave).await?));
    let mut running = JoinSet::new();
    for &attack in &plan.attacks {
        let field = Arc::new(Field {
            target,
            from: plan.from,
            victim: plan.victim,
            nft_id: plan.nft_id,
            until,
            block: block.clone(),
            pace: Pace::of(attack.per_second().saturating_mul(plan.as_often)),
            tally: Mutex::default(),
        });
        running.spawn(async move {
            field.clone().attack(attack).await;
            (attack, field.tally())
        });
    }
    let looking = async {
        loop {
            sleep(LOOK).await;
            if let Ok(newest) = newest_block(plan.enclave).await {
                block.store(newest, Ordering::Relaxed);
            }
        }
    };
    tokio::select! {
        all = running.join_all() => Ok(all.into_iter().collect()),
        () = looking => anyhow::bail!("looking never ends"),
    }
}

/// Spreads what many do evenly over time.
struct Pace {
    interval: Duration,
    next: Mutex<Instant>,
}

impl Pace {
    fn of(per_second: u32) -> Self {
        Self {
            interval: Duration::from_secs(1) / per_second.max(1),
            next: Mutex::new(Instant::now()),
        }
    }

    /// Waits for its turn. Turns that were missed are not made up for.
    async fn turn(&self) {
        let turn = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = Instant::now().max(*next);
            *next = turn + self.interval;
            turn
        };
        sleep_until(turn).await;
    }
}

/// Where an attack takes place.
struct Field {
    target: SocketAddr,
    from: Ipv4Addr,
    /// Who is claimed to have signed.
    victim: RawAccountId,
    nft_id: NftId,
    until: Instant,
    /// The newest final block, of which tokens are made.
    block: Arc<AtomicU32>,
    pace: Pace,
    tally: Mutex<Tally>,
}

impl Field {
    fn tally(&self) -> Tally {
        *self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, change: impl FnOnce(&mut Tally)) {
        change(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn sent(&self) {
        self.count(|tally| tally.sent += 1);
    }

    fn answered(&self, code: u16) {
        self.count(|tally| match code {
            429 | 503 => tally.refused += 1,
            _ => tally.answered += 1,
        });
    }

    async fn attack(self: Arc<Self>, attack: Attack) {
        match attack {
            Attack::SlowHeads => {
                self.many(400, |field| async move { field.slow(SLOW_HEAD).await }).await
            }
            Attack::SlowBodies => {
                self.many(400, |field| async move { field.slow(SLOW_BODY).await }).await;
            }
            Attack::BadSignatures => self.many(32, |field| field.bad_signatures()).await,
            Attack::HugeJson => self.many(4, |field| field.huge_json()).await,
            Attack::IdleConnections => self.many(8, |field| field.held(b"", 800)).await,
            Attack::HalfOpen => self.many(8, |field| field.held(SLOW_HEAD, 100)).await,
            Attack::Resets => self.many(16, |field| field.resets()).await,
            Attack::PipelinedGarbage => self.many(8, |field| field.pipelined_garbage()).await,
            Attack::NeverReads => self.many(100, |field| field.never_reads()).await,
        }
    }

    /// So many at the same time, each again and again until the end.
    async fn many<One>(self: Arc<Self>, count: usize, one: impl Fn(Arc<Self>) -> One)
    where
        One: Future<Output = io::Result<()>> + Send + 'static,
    {
        let mut all = JoinSet::new();
        for _ in 0..count {
            all.spawn(one(self.clone()));
        }
        // Who was thrown out comes again.
        while let Ok(Some(_)) = timeout_at(self.until, all.join_next()).await {
            all.spawn(one(self.clone()));
        }
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        self.connect_with(|_| Ok(())).await
    }

    async fn connect_with(
        &self,
        prepare: impl FnOnce(&TcpSocket) -> io::Result<()>,
    ) -> io::Result<TcpStream> {
        self.pace.turn().await;
        let connecting = async {
            let socket = TcpSocket::new_v4()?;
            // When it is dropped the other side is told by a reset, and the port is free at once.
            socket.set_zero_linger()?;
            prepare(&socket)?;
            socket.bind((self.from, 0).into())?;
            socket.connect(self.target).await
        };
        let connected = timeout(PATIENCE, connecting).await.unwrap_or_else(|_| Err(timed_out()));
        if connected.is_err() {
            self.count(|tally| tally.failed += 1);
        }
        connected
    }

    /// A beginning, and then a byte now and then.
    async fn slow(self: Arc<Self>, beginning: &'static [u8]) -> io::Result<()> {
        let mut stream = self.connect().await?;
        stream.write_all(beginning).await?;
        self.sent();
        let mut answer = [0; 1024];
        loop {
            match timeout(DRIP, stream.read(&mut answer)).await {
                Err(_) => stream.write_all(b"x").await?,
                Ok(Ok(length)) if length > 0 => {
                    self.answered(code_of(&answer));
                    return Ok(());
                }
                Ok(_) => {
                    self.count(|tally| tally.ended += 1);
                    return Ok(());
                }
            }
        }
    }

    /// On one connection, one request after the other, each with signatures that cost their full
    /// verification.
    async fn bad_signatures(self: Arc<Self>) -> io::Result<()> {
        let mut stream = self.connect().await?;
        let (mut block, mut requests) = (0, Vec::new());
        for turn in 0.. {
            self.pace.turn().await;
            let newest = self.block.load(Ordering::Relaxed);
            if newest != block || requests.is_empty() {
                block = newest;
                requests = self.forged(block)?;
            }
            let request: &Vec<u8> = &requests[turn % requests.len()];
            stream.write_all(request).await?;
            self.sent();
            self.answered(read_answer(&mut stream).await?);
        }
        Ok(())
    }

    /// Requests that the victim seems to have signed.
    fn forged(&self, block: BlockNumber) -> io::Result<Vec<Vec<u8>>> {
        let retrieve = RetrieveKeysharePacket {
            requester_address: ss58(&self.victim),
            ..retrieve_packet(&dev::eve(), RequesterType::Owner, self.nft_id, block)
        };
        let token = AuthToken { block_number: block, validity: MAX_VALIDITY };
        let signer_address = signer_address(&ss58(&dev::eve().public_key().0), token);
        let data = store_data(self.nft_id, &"s".repeat(2700), token);
        let store = StoreKeysharePacket {
            owner_address: ss58(&self.victim),
            signersig: sign(&dev::eve(), &signer_address),
            signature: sign(&dev::ferdie(), &data),
            signer_address,
            data,
        };
        Ok(vec![
            post(RETRIEVE, &serde_json::to_vec(&retrieve)?),
            post(STORE, &serde_json::to_vec(&store)?),
        ])
    }

    /// One that is read and dropped, one that is announced as larger than that, and small ones that
    /// are as complicated as they can be.
    async fn huge_json(self: Arc<Self>) -> io::Result<()> {
        const READ: usize = 4 * 1024 * 1024;
        const CHUNK: usize = 64 * 1024;
        const FULL: usize = 16 * 1024;

        let chunk = vec![b'['; CHUNK];
        let nested = "[".repeat(FULL);
        let keys: String = (0..FULL / 8).map(|key| format!("\"{key:04}\":")).collect();
        let escaped = format!(r#"{{"data":"{}"}}"#, "\\u0041".repeat(FULL / 6 - 4));
        let small = [nested, format!("{{{keys}"), escaped];
        for (turn, small) in (0_usize..).zip(small.iter().cycle()) {
            let mut stream = self.connect().await?;
            self.sent();
            let sent = if turn % 8 == 0 {
                let (announced, written) =
                    if turn % 16 == 0 { (READ, READ) } else { (1 << 40, CHUNK) };
                stream.write_all(&post_of(STORE, announced)).await?;
                let mut sent = Ok(());
                for _ in 0..written / CHUNK {
                    sent = stream.write_all(&chunk).await;
                    if sent.is_err() {
                        break;
                    }
                }
                sent
            } else {
                let body = &small.as_bytes()[..small.len().min(FULL)];
                stream.write_all(&post(STORE, body)).await
            };
            match (sent, read_answer(&mut stream).await) {
                (_, Ok(code)) => self.answered(code),
                // A reset may overtake the answer.
                (Err(_), Err(_)) => self.count(|tally| tally.ended += 1),
                (Ok(()), Err(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// Connections that are kept, up to a number, with something or nothing sent on them and
    /// nothing more to come; then the oldest make room for others.
    async fn held(self: Arc<Self>, beginning: &'static [u8], most: usize) -> io::Result<()> {
        let mut held = VecDeque::with_capacity(most);
        loop {
            let mut stream = self.connect().await?;
            if !beginning.is_empty() {
                stream.write_all(beginning).await?;
                stream.shutdown().await?;
            }
            self.sent();
            if held.len() == most {
                held.pop_front();
            }
            held.push_back(stream);
        }
    }

    /// Connections that are reset: before anything was sent, within a request, and while it is
    /// answered.
    async fn resets(self: Arc<Self>) -> io::Result<()> {
        let (mut block, mut requests) = (0, Vec::new());
        for turn in 0_usize.. {
            let newest = self.block.load(Ordering::Relaxed);
            if newest != block || requests.is_empty() {
                block = newest;
                requests = self.forged(block)?;
            }
            let mut stream = self.connect().await?;
            match turn % 3 {
                0 => (),
                1 => stream.write_all(SLOW_HEAD).await?,
                _ => stream.write_all(&requests[turn % requests.len()]).await?,
            }
            self.sent();
            // Dropped here, with a reset.
        }
        Ok(())
    }

    /// Good requests, all at once, and garbage behind them.
    async fn pipelined_garbage(self: Arc<Self>) -> io::Result<()> {
        const REQUESTS: usize = 16;
        loop {
            let mut stream = self.connect().await?;
            let mut all = HEALTH.repeat(REQUESTS);
            let mut garbage = vec![0; 4096];
            rand::rng().fill_bytes(&mut garbage);
            all.extend_from_slice(&garbage);
            stream.write_all(&all).await?;
            self.count(|tally| tally.sent += REQUESTS as u64);
            let mut answers = Vec::new();
            let mut reading = stream.take(MAX_ANSWER as u64);
            // It ends with a reset, or in order.
            let _ = timeout(PATIENCE, reading.read_to_end(&mut answers)).await;
            let begins = |at: &usize| answers[*at..].starts_with(HEAD);
            for at in (0..answers.len()).filter(begins) {
                self.answered(code_of(&answers[at..]));
            }
        }
    }

    /// Asks on and on and reads nothing.
    async fn never_reads(self: Arc<Self>) -> io::Result<()> {
        const BUFFER: u32 = 4096;
        let small = |socket: &TcpSocket| socket.set_recv_buffer_size(BUFFER);
        let mut stream = self.connect_with(small).await?;
        loop {
            self.pace.turn().await;
            match stream.write_all(HEALTH).await {
                Ok(()) => self.sent(),
                Err(error) => {
                    self.count(|tally| tally.ended += 1);
                    return Err(error);
                }
            }
        }
    }
}

const HEAD: &[u8] = b"HTTP/1.1 ";
const HEALTH: &[u8] = b"GET /api/health HTTP/1.1\r\nhost: enclave\r\n\r\n";
const SLOW_HEAD: &[u8] =
    b"POST /api/secret-nft/store-keyshare HTTP/1.1\r\nhost: enclave\r\nx-slow: ";
const SLOW_BODY: &[u8] = b"POST /api/secret-nft/store-keyshare HTTP/1.1\r\nhost: enclave\r\n\
    content-type: application/json\r\ncontent-length: 8000\r\n\r\n{";

fn sign(signer: &Keypair, message: &str) -> String {
    format!("0x{}", hex::encode(signer.sign(message.as_bytes()).0))
}

/// The head of a request whose body has a length.
fn post_of(route: &str, length: usize) -> Vec<u8> {
    format!(
        "POST {route} HTTP/1.1\r\nhost: enclave\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    )
    .into_bytes()
}

fn post(route: &str, body: &[u8]) -> Vec<u8> {
    let mut request = post_of(route, body.len());
    request.extend_from_slice(body);
    request
}

fn timed_out() -> io::Error {
    io::ErrorKind::TimedOut.into()
}

fn bad_answer(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// The status of an answer; 0 if it is none.
fn code_of(answer: &[u8]) -> u16 {
    let code = answer.strip_prefix(HEAD).and_then(|rest| rest.get(..3));
    code.and_then(|code| std::str::from_utf8(code).ok()?.parse().ok()).unwrap_or_default()
}

/// Where a head ends, and the length of the body behind it.
fn parsed_head(bytes: &[u8]) -> Option<(usize, usize)> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(bytes.get(..end)?).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    Some((end, length.and_then(|length| length.trim().parse().ok()).unwrap_or_default()))
}

/// Reads an answer, the last one for which something has been sent; its status.
async fn read_answer(stream: &mut TcpStream) -> io::Result<u16> {
    Ok(code_of(&timeout(PATIENCE, read_whole(stream)).await.unwrap_or_else(|_| Err(timed_out()))?))
}

async fn read_whole(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    loop {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match parsed_head(&answer) {
            Some((head, body)) if answer.len() >= head.saturating_add(body) => return Ok(answer),
            _ if answer.len() > MAX_ANSWER => return Err(bad_answer("too long")),
            _ => (),
        }
    }
}

/// The newest final block that an enclave knows.
async fn newest_block(enclave: SocketAddr) -> anyhow::Result<BlockNumber> {
    let mut stream = timeout(PATIENCE, TcpStream::connect(enclave)).await??;
    stream.write_all(HEALTH).await?;
    let answer = timeout(PATIENCE, read_whole(&mut stream)).await??;
    ensure!(code_of(&answer) == 200, "health is answered with {}", code_of(&answer));
    let (head, _) = parsed_head(&answer).context("an answer without a head")?;
    let health: serde_json::Value = serde_json::from_slice(&answer[head..])?;
    let block = health["block_number"].as_u64().context("health without a block")?;
    Ok(u32::try_from(block)?)
}

/// Takes whatever is sent and answers requests with nothing: what attackers do is the same work on
/// it as on an enclave.
async fn sink() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        loop {
            if let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(swallow(stream));
            }
        }
    });
    Ok(address)
}

async fn swallow(mut stream: TcpStream) -> io::Result<()> {
    const ANSWER: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}";
    let mut bytes = Vec::with_capacity(4096);
    // Of a body, what is still to come.
    let mut left = 0_usize;
    while stream.read_buf(&mut bytes).await? > 0 {
        loop {
            let here = left.min(bytes.len());
            bytes.drain(..here);
            left -= here;
            if left > 0 {
                break;
            }
            match parsed_head(&bytes) {
                Some((head, body)) => {
                    bytes.drain(..head);
                    left = body;
                    stream.write_all(ANSWER).await?;
                }
                None if bytes.len() > 16 * 1024 => return Ok(()),
                None => break,
            }
        }
    }
    Ok(())
}

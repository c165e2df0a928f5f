// SPDX-License-Identifier: Apache-2.0
//! The quotes that the enclave shows to the chain and to peers.
//!
//! One task makes them, one at a time, because that is what machines do and because it takes them
//! long. It keeps the newest and gives it again for some blocks, so that nobody can keep the machine
//! busy by asking. Those for peers are made anew: each is for one channel. Every quote is read back
//! before it leaves: one that carries other report data, or
//! is of other code, than was asked for would be worth nothing and is an error here.

use std::{sync::Arc, time::Duration};

use tee_primitives::{
    attestation::{
        collateral::PckCa,
        record::{AllowedMeasurement, Fmspc},
        AttestationPayload, Measurement, Purpose,
    },
    BlockNumber, Hash,
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::{self, JoinHandle},
    time,
};

use crate::{
    account::Account,
    chain::Head,
    identity::Identity,
    platform::{Platform, PlatformError},
    store::LogState,
    view::View,
};

/// For so many blocks a quote is given again.
const MAX_AGE: BlockNumber = 4;

/// Requests that wait while a quote is made.
const QUEUE: usize = 64;

/// Longest wait for the machine.
const LIMIT: Duration = Duration::from_secs(30);

/// A quote with what it was made for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MadeQuote {
    /// What the enclave says.
    pub payload: AttestationPayload,
    /// The account's signature over [`AttestationPayload::message`], which is the report data.
    pub signature: [u8; 64],
    /// The machine's quote.
    pub bytes: Vec<u8>,
    /// What it reports.
    pub report: Report,
}

/// What a quote reports besides the measurement and the report data.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Report {
    /// SHA-256 of the key that signed the enclave.
    pub mr_signer: Measurement,
    /// The product.
    pub isv_prod_id: u16,
    /// The security version.
    pub isv_svn: u16,
    /// Which authority has certified the machine.
    pub ca: PckCa,
    /// The machine's type.
    pub fmspc: Fmspc,
}

impl Report {
    /// Whether governance allows the code with this signer, product and security version.
    pub fn is_allowed(&self, allowed: &AllowedMeasurement) -> bool {
        self.mr_signer == allowed.mr_signer
            && self.isv_prod_id == allowed.isv_prod_id
            && self.isv_svn >= allowed.min_isv_svn
    }
}

/// Why there is no quote.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum QuoteError {
    /// The machine failed.
    #[error(transparent)]
    Platform(#[from] PlatformError),
    /// What the machine made is not what was asked for.
    #[error("the machine's quote cannot be used: {0}")]
    Unfit(String),
    /// The machine does not answer.
    #[error("the machine made no quote in time")]
    TooSlow,
    /// The machine's driver broke.
    #[error("making a quote broke off")]
    BrokeOff,
    /// Too many wait for one.
    #[error("too many wait for a quote")]
    Busy,
    /// The enclave is stopping.
    #[error("the enclave is stopping")]
    Stopping,
}

struct Request {
    purpose: Purpose,
    genesis_hash: Hash,
    block: Head,
    /// The block in the quote that the chain has: another one must be newer.
    recorded: Option<BlockNumber>,
    reply: oneshot::Sender<Result<Arc<MadeQuote>, QuoteError>>,
}

/// Asks for quotes.
#[derive(Clone, Debug)]
pub struct Quotes(mpsc::Sender<Request>);

impl Quotes {
    /// Starts the task. It ends when nobody can ask any more. Quotes carry the head of the view log as
    /// `log` tells it when they are made.
    pub fn start(
        account: Arc<Account>,
        own: Identity,
        platform: Arc<dyn Platform>,
        log: watch::Receiver<LogState>,
    ) -> (Self, JoinHandle<()>) {
        Self::start_with(account, own, platform, log, LIMIT)
    }

    fn start_with(
        account: Arc<Account>,
        own: Identity,
        platform: Arc<dyn Platform>,
        log: watch::Receiver<LogState>,
        limit: Duration,
    ) -> (Self, JoinHandle<()>) {
        let (sender, requests) = mpsc::channel(QUEUE);
        let machine = Arc::new(Machine { account, own, platform, log });
        let maker = Maker { machine, limit, newest: None, failed: None, stuck: None };
        (Self(sender), tokio::spawn(maker.run(requests)))
    }

    /// A quote that the chain takes at this view, and some blocks later. Waits for its turn.
    pub async fn get(&self, view: &View) -> Result<Arc<MadeQuote>, QuoteError> {
        let (request, made) = request(view, Purpose::Chain);
        self.0.send(request).await.map_err(|_| QuoteError::Stopping)?;
        made.await.map_err(|_| QuoteError::Stopping)?
    }

    /// The same, but fails with [`QuoteError::Busy`] where too many wait already.
    pub async fn try_get(&self, view: &View) -> Result<Arc<MadeQuote>, QuoteError> {
        self.try_get_for(view, Purpose::Chain).await
    }

    /// A quote for a peer, which is worth nothing to anybody else. Fails with [`QuoteError::Busy`]
    /// where too many wait already.
    pub async fn try_get_for(
        &self,
        view: &View,
        purpose: Purpose,
    ) -> Result<Arc<MadeQuote>, QuoteError> {
        let (request, made) = request(view, purpose);
        self.0.try_send(request).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => QuoteError::Busy,
            mpsc::error::TrySendError::Closed(_) => QuoteError::Stopping,
        })?;
        made.await.map_err(|_| QuoteError::Stopping)?
    }
}

fn request(
    view: &View,
    purpose: Purpose,
) -> (Request, oneshot::Receiver<Result<Arc<MadeQuote>, QuoteError>>) {
    let (reply, made) = oneshot::channel();
    let request = Request {
        purpose,
        genesis_hash: view.chain.genesis_hash,
        block: view.finalized,
        recorded: view.record.as_ref().map(|record| record.quote_block),
        reply,
    };
    (request, made)
}

struct Machine {
    account: Arc<Account>,
    own: Identity,
    platform: Arc<dyn Platform>,
    log: watch::Receiver<LogState>,
}

impl Machine {
    /// Blocks for as long as the machine takes.
    fn make(
        &self,
        purpose: Purpose,
        genesis_hash: Hash,
        block: Head,
    ) -> Result<MadeQuote, QuoteError> {
        // What is told of the log is durable: an attested head is never one that a crash takes back.
        let log_head = self.log.borrow().head;
        let payload = self.own.payload(purpose, genesis_hash, block, log_head);
        let signature = self.account.sign(&payload.message());
        let bytes = self.platform.quote(&signature)?;
        let report = read(&bytes, &signature, &self.own.measurement).map_err(QuoteError::Unfit)?;
        Ok(MadeQuote { payload, signature, bytes, report })
    }
}

/// Reads a quote back.
fn read(bytes: &[u8], report_data: &[u8; 64], measurement: &Measurement) -> Result<Report, String> {
    let quote = tee_dcap::Quote::parse(bytes).map_err(|error| error.to_string())?;
    let report = quote.report();
    if report.report_data != *report_data {
        return Err("it carries other report data than it should".into());
    }
    if report.mr_enclave != *measurement {
        return Err("it is of other code than runs here".into());
    }
    quote.check_attributes().map_err(|error| error.to_string())?;
    let hint = quote.pck_hint().map_err(|error| error.to_string())?;
    Ok(Report {
        mr_signer: report.mr_signer,
        isv_prod_id: report.isv_prod_id,
        isv_svn: report.isv_svn,
        ca: hint.ca,
        fmspc: hint.fmspc,
    })
}

struct Maker {
    machine: Arc<Machine>,
    limit: Duration,
    newest: Option<Arc<MadeQuote>>,
    /// At which block the machine last failed, and how: it is not asked again before the next one.
    failed: Option<(Head, QuoteError)>,
    /// The machine has not answered: it is not asked for another one before it does.
    stuck: Option<JoinHandle<Result<MadeQuote, QuoteError>>>,
}

impl Maker {
    async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        while let Some(request) = requests.recv().await {
            if request.reply.is_closed() {
                continue;
            }
            let quote = match self.known(&request) {
                Some(known) => known,
                None => self.make(&request).await,
            };
            // Nobody waits any more: the next one gets it.
            let _ = request.reply.send(quote);
        }
    }

    /// What was made before, if it serves.
    fn known(&self, request: &Request) -> Option<Result<Arc<MadeQuote>, QuoteError>> {
        if request.purpose != Purpose::Chain {
            return None;
        }
        let made = self.newest.as_ref().filter(|made| {
            let block = made.payload.block_number;
            let is_newer = request.recorded.is_none_or(|recorded| recorded < block);
            made.payload.genesis_hash == request.genesis_hash
                && request.block.number.saturating_sub(block) <= MAX_AGE
                && (is_newer || block >= request.block.number)
        });
        let failed = || self.failed.as_ref().filter(|(block, _)| *block == request.block);
        made.map(|made| Ok(made.clone())).or_else(|| failed().map(|(_, error)| Err(error.clone())))
    }

    async fn make(&mut self, request: &Request) -> Result<Arc<MadeQuote>, QuoteError> {
        let (genesis_hash, block) = (request.genesis_hash, request.block);
        let made = self.ask(request.purpose, genesis_hash, block).await.map(Arc::new);
        if request.purpose != Purpose::Chain {
            return made;
        }
        match &made {
            Ok(made) => {
                self.newest = Some(made.clone());
                self.failed = None;
            }
            Err(error) => {
                tracing::debug!(%error, "no quote");
                self.failed = Some((block, error.clone()));
            }
        }
        made
    }

    async fn ask(
        &mut self,
        purpose: Purpose,
        genesis_hash: Hash,
        block: Head,
    ) -> Result<MadeQuote, QuoteError> {
        if let Some(stuck) = &mut self.stuck {
            time::timeout(self.limit, stuck).await.map_err(|_| QuoteError::TooSlow)?.ok();
            self.stuck = None;
        }
        let machine = self.machine.clone();
        let mut making = task::spawn_blocking(move || machine.make(purpose, genesis_hash, block));
        match time::timeout(self.limit, &mut making).await {
            Ok(made) => made.map_err(|_| QuoteError::BrokeOff)?,
            Err(_) => {
                self.stuck = Some(making);
                Err(QuoteError::TooSlow)
            }
        }
    }
}

#[cfg(test)]
mod tests;

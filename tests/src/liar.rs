// SPDX-License-Identifier: Apache-2.0
//! A node that lies: a proxy between an enclave and an honest node, which changes what goes through
//! it as the test says.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context;
use futures::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{accept_async, connect_async, tungstenite::Message};

/// What goes through the proxy.
pub enum Passing<'a> {
    /// A question: its method, and its parameters.
    Question(&'a str, &'a mut Value),
    /// The answer to a question, or a message of a subscription: the method that asked for it, the
    /// parameters of the question, and the result. Null for a result that is an error.
    Answer(&'a str, &'a Value, &'a mut Value),
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fate {
    /// It goes through, changed or not.
    Passes,
    /// It does not.
    Vanishes,
}

type Lie = Arc<dyn Fn(Passing<'_>) -> Fate + Send + Sync>;

/// The proxy. It is honest until it is told to lie. It ends when it is dropped.
pub struct Liar {
    url: String,
    lie: Arc<Mutex<Option<Lie>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Liar {
    /// A proxy to the node at this address.
    pub async fn before(node: &str) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("ws://{}", listener.local_addr()?);
        let lie = Arc::new(Mutex::new(None));
        let (node, lies) = (node.to_owned(), lie.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (node, lies) = (node.clone(), lies.clone());
                tokio::spawn(async move {
                    // A connection that breaks is one for the enclave to make anew.
                    let _ = connection(stream, &node, &lies).await;
                });
            }
        });
        Ok(Self { url, lie, task })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on it lies like this.
    pub fn lie(&self, lie: impl Fn(Passing<'_>) -> Fate + Send + Sync + 'static) {
        *self.lie.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(lie));
    }

    /// It changes the answers to one kind of question.
    pub fn answer(
        &self,
        method: &'static str,
        change: impl Fn(&Value, &mut Value) + Send + Sync + 'static,
    ) {
        self.lie(move |passing| {
            if let Passing::Answer(asked, params, result) = passing {
                if asked == method {
                    change(params, result);
                }
            }
            Fate::Passes
        });
    }

    /// It tells the truth again.
    pub fn be_honest(&self) {
        *self.lie.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What was asked, by the id of the question or of the subscription.
#[derive(Default)]
struct Asked {
    questions: HashMap<String, (String, Value)>,
    subscriptions: HashMap<String, (String, Value)>,
}

async fn connection(
    stream: TcpStream,
    node: &str,
    lies: &Mutex<Option<Lie>>,
) -> anyhow::Result<()> {
    let (mut to_enclave, mut from_enclave) = accept_async(stream).await?.split();
    let (mut to_node, mut from_node) = connect_async(node).await?.0.split();
    let lie = || lies.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut asked = Asked::default();
    loop {
        tokio::select! {
            message = from_enclave.next() => {
                match message.context("the enclave is gone")?? {
                    Message::Text(text) => {
                        if let Some(text) = question(&text, &mut asked, lie().as_ref())? {
                            to_node.send(Message::text(text)).await?;
                        }
                    }
                    other => to_node.send(other).await?,
                }
            }
            message = from_node.next() => {
                match message.context("the node is gone")?? {
                    Message::Text(text) => {
                        if let Some(text) = answer(&text, &mut asked, lie().as_ref())? {
                            to_enclave.send(Message::text(text)).await?;
                        }
                    }
                    other => to_enclave.send(other).await?,
                }
            }
        }
    }
}

fn question(text: &str, asked: &mut Asked, lie: Option<&Lie>) -> anyhow::Result<Option<String>> {
    let mut message: Value = serde_json::from_str(text)?;
    let method = message["method"].as_str().unwrap_or_default().to_owned();
    let fate = lie.map(|lie| lie(Passing::Question(&method, &mut message["params"])));
    let question = (method, message["params"].clone());
    asked.questions.insert(message["id"].to_string(), question);
    Ok((fate != Some(Fate::Vanishes)).then(|| message.to_string()))
}

fn answer(text: &str, asked: &mut Asked, lie: Option<&Lie>) -> anyhow::Result<Option<String>> {
    let mut message: Value = serde_json::from_str(text)?;
    let (question, result) = if message.get("id").is_some() {
        let question = asked.questions.remove(&message["id"].to_string());
        if let (Some(question), Some(Value::String(id))) = (&question, message.get("result")) {
            asked.subscriptions.insert(id.clone(), question.clone());
        }
        (question, message.get_mut("result"))
    } else {
        let id = message["params"]["subscription"].as_str().unwrap_or_default();
        let question = asked.subscriptions.get(id).cloned();
        (question, message["params"].get_mut("result"))
    };
    let fate = match (lie, question, result) {
        (Some(lie), Some((method, params)), Some(result)) => {
            lie(Passing::Answer(&method, &params, result))
        }
        _ => Fate::Passes,
    };
    Ok((fate == Fate::Passes).then(|| message.to_string()))
}

//! A line between a client and its server that a test disturbs at a call of its choice.

mod frames;
mod line;

use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpListener;
use tokio::sync::watch;

/// What happens to the call for which a trap is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The server does it, and then the connection is cut, with the answer.
    LoseAnswer,
    /// The server does it, and the answer comes when it is let go.
    HoldAnswer,
    /// The client's side of the connection is cut, and the server hears of the call when it is let go.
    Delay,
}

/// A proxy in front of a server. It ends when this is dropped.
#[derive(Debug)]
pub struct Proxy {
    /// The URL that it was started for, by way of it.
    pub url: String,
    traps: Arc<Traps>,
    accepting: tokio::task::JoinHandle<()>,
}

/// What is to happen, and what has.
#[derive(Debug, Default)]
struct Traps {
    set: Mutex<Option<(String, Fate)>>,
    /// Whether new connections hear that the server starts.
    starting: watch::Sender<bool>,
    /// So many were told so.
    refused: watch::Sender<usize>,
    sprung: watch::Sender<usize>,
    let_go: watch::Sender<usize>,
    /// So many late calls were done by the server.
    done: watch::Sender<usize>,
}

impl Traps {
    /// What is to become of a call of this statement.
    fn fate_of(&self, statement: &str) -> Option<Fate> {
        let mut set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, fate) = set.take_if(|(text, _)| statement.contains(text.as_str()))?;
        Some(fate)
    }
}

impl Proxy {
    /// Starts a proxy in front of the server of the URL, which names its host and port.
    ///
    /// # Panics
    /// When the URL does not, or no port is free.
    pub async fn start(url: &str) -> Self {
        let (before, after) = url.split_once('@').expect("the URL names a user");
        let (server, rest) = after.split_once('/').expect("the URL names a database");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let place = listener.local_addr().expect("the listener has a port");
        let traps = Arc::new(Traps::default());
        let accepting = tokio::spawn(line::accept(listener, server.to_owned(), Arc::clone(&traps)));
        Self { url: format!("{before}@{place}/{rest}"), traps, accepting }
    }

    /// The next call whose statement contains this text meets this fate.
    pub fn set_trap(&self, text: &str, fate: Fate) {
        *self.traps.set.lock().unwrap_or_else(PoisonError::into_inner) = Some((text.to_owned(), fate));
    }

    /// Waits until the fate has come over as many calls as traps were set: what was to be lost is lost, and what was to be held is.
    ///
    /// # Panics
    /// When the proxy has ended.
    pub async fn sprung(&self, times: usize) {
        at_least(&self.traps.sprung, times).await;
    }

    /// Lets go what it holds.
    pub fn let_go(&self) {
        self.traps.let_go.send_modify(|times| *times += 1);
    }

    /// Waits until the server has done as many calls that reached it late.
    ///
    /// # Panics
    /// When the proxy has ended.
    pub async fn done_late(&self, times: usize) {
        at_least(&self.traps.done, times).await;
    }

    /// Whether those who connect hear that the server starts, and are let in later.
    pub fn set_starting(&self, starting: bool) {
        self.traps.starting.send_replace(starting);
    }

    /// Waits until so many connections were told that the server starts.
    ///
    /// # Panics
    /// When the proxy has ended.
    pub async fn refused(&self, times: usize) {
        at_least(&self.traps.refused, times).await;
    }
}

async fn at_least(count: &watch::Sender<usize>, times: usize) {
    let reached = count.subscribe().wait_for(|count| *count >= times).await.map(drop);
    reached.expect("the proxy lives");
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

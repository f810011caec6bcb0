use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use jobwork::{Error, Result};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::weather::{Delay, Fails, Fate, Sky};

/// The line between one actor and the store.
///
/// What was sent goes on its way even if nobody waits for the answer any more, as it does in a network.
#[derive(Debug)]
pub(super) struct Link {
    sky: Arc<Sky>,
    /// What workers hold their jobs by, which some calls outlast.
    lease: Duration,
    state: Mutex<State>,
    cut: CancellationToken,
}

#[derive(Debug)]
struct State {
    rng: Rng,
    stalled_until: Instant,
}

impl Link {
    pub(super) fn new(sky: Arc<Sky>, lease: Duration, rng: Rng) -> Arc<Self> {
        let state = Mutex::new(State { rng, stalled_until: Instant::now() });
        Arc::new(Self { sky, lease, state, cut: CancellationToken::new() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing passes until this time has gone by: neither calls nor answers, nor hints.
    pub(super) fn stall(&self, time: Duration) {
        self.state().stalled_until = Instant::now() + time;
    }

    /// Nothing passes ever again: for the store, the actor has died.
    pub(super) fn cut(&self) {
        self.cut.cancel();
    }

    /// Waits until nothing passes any more.
    pub(super) async fn is_cut(&self) {
        self.cut.cancelled().await;
    }

    /// Whether a hint gets through now.
    pub(super) fn passes_hint(&self) -> bool {
        let mut state = self.state();
        let open = state.stalled_until <= Instant::now() && !self.cut.is_cancelled();
        self.sky.get().hint(&mut state.rng) && open
    }

    async fn pass(&self, delay: Delay) {
        delay.pass().await;
        loop {
            if self.cut.is_cancelled() {
                return std::future::pending().await;
            }
            let until = self.state().stalled_until;
            if until <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(until).await;
        }
    }

    /// Makes a call, whose answer nobody needs if nobody hears it.
    pub(super) async fn carry<T: Send + 'static>(
        self: &Arc<Self>,
        call: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        self.carry_or(call, async |_| {}).await
    }

    /// Makes a call; an answer that nobody hears, since it was lost or nobody waits any more, goes to `unheard`.
    pub(super) async fn carry_or<T, U>(
        self: &Arc<Self>,
        call: impl Future<Output = Result<T>> + Send + 'static,
        unheard: impl FnOnce(T) -> U + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        U: Future<Output = ()> + Send,
    {
        let fate = self.sky.get().fate(&mut self.state().rng, self.lease);
        let (heard, answer) = oneshot::channel();
        let link = Arc::clone(self);
        tokio::spawn(async move {
            if let Some(lost) = link.exchange(fate, call, heard).await {
                unheard(lost).await;
            }
        });
        match answer.await {
            Ok(answer) => answer,
            // The task is gone, and so is the runtime.
            Err(_) => std::future::pending().await,
        }
    }

    /// Returns the answer that nobody heard.
    async fn exchange<T>(
        &self,
        fate: Fate,
        call: impl Future<Output = Result<T>>,
        heard: oneshot::Sender<Result<T>>,
    ) -> Option<T> {
        self.pass(fate.before).await;
        if fate.fails == Some(Fails::Before) {
            // Whoever called may have gone.
            let _ = heard.send(Err(Error::store("the simulation did not let the call through")));
            return None;
        }
        let answer = call.await;
        self.pass(fate.after).await;
        if fate.fails == Some(Fails::After) {
            let _ = heard.send(Err(Error::store("the simulation lost the answer")));
            return answer.ok();
        }
        heard.send(answer).err().and_then(Result::ok)
    }
}

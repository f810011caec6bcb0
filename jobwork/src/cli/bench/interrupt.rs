use std::io;

use tokio_util::sync::CancellationToken;

use crate::cli::exit::{Exit, Failure};

/// Whether somebody wants it to end: by Ctrl-C, or on Unix by SIGTERM.
#[derive(Clone, Debug, Default)]
pub(super) struct Interrupt {
    asked: CancellationToken,
    insisted: CancellationToken,
}

impl Interrupt {
    /// Listens to the signals of the system from now on.
    ///
    /// # Errors
    /// When the handlers can't be installed.
    pub(super) fn listen() -> Result<Self, Failure> {
        let failed = |error| Failure::new(Exit::Failed, format!("can't listen to Ctrl-C: {error}"));
        let (interrupt, mut signals) = (Self::default(), Signals::new().map_err(failed)?);
        let told = interrupt.clone();
        tokio::spawn(async move {
            signals.next().await;
            told.asked.cancel();
            signals.next().await;
            told.insisted.cancel();
        });
        Ok(interrupt)
    }

    /// Waits until it is to end. Cancel safe.
    pub(super) async fn asked(&self) {
        self.asked.cancelled().await;
    }

    /// Waits until it is to end without tidying up. Cancel safe.
    pub(super) async fn insisted(&self) {
        self.insisted.cancelled().await;
    }

    pub(super) fn is_asked(&self) -> bool {
        self.asked.is_cancelled()
    }

    /// Fails when it is to end.
    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.is_asked() { Err(Failure::new(Exit::Failed, "interrupted before it was done")) } else { Ok(()) }
    }
}

#[cfg(unix)]
struct Signals([tokio::signal::unix::Signal; 2]);

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self([signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?]))
    }

    async fn next(&mut self) {
        let [interrupt, terminate] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

use tokio::sync::mpsc;

use super::report::StopReason;
use super::supervisor::Order;

/// Turns the operating system's signals into orders, until it is dropped.
///
/// The first SIGTERM or SIGINT asks for a stop, the second skips the grace time, the third skips the cleanup time too.
/// SIGTSTP makes the worker quiet, SIGCONT lets it resume.
///
/// # Errors
/// When the handlers can't be installed.
#[cfg(unix)]
pub(crate) fn listen(
    orders: mpsc::UnboundedSender<Order>,
) -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut quiet = signal(SignalKind::from_raw(libc::SIGTSTP))?;
    let mut resume = signal(SignalKind::from_raw(libc::SIGCONT))?;
    Ok(async move {
        let mut stops = Stops::default();
        loop {
            let order = tokio::select! {
                Some(()) = terminate.recv() => stops.next("SIGTERM"),
                Some(()) = interrupt.recv() => stops.next("SIGINT"),
                Some(()) = quiet.recv() => Order::Quiet,
                Some(()) = resume.recv() => Order::Resume,
                else => return,
            };
            if orders.send(order).is_err() {
                return;
            }
        }
    })
}

/// Turns Ctrl-C into orders, until it is dropped: the first asks for a stop, the second skips the grace time, the third
/// skips the cleanup time too.
///
/// # Errors
/// Never here: a handler that can't be installed ends the future.
#[cfg(not(unix))]
pub(crate) fn listen(
    orders: mpsc::UnboundedSender<Order>,
) -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    Ok(async move {
        let mut stops = Stops::default();
        while tokio::signal::ctrl_c().await.is_ok() {
            if orders.send(stops.next("Ctrl-C")).is_err() {
                return;
            }
        }
    })
}

/// How many stop signals have come.
#[derive(Debug, Default)]
struct Stops(u32);

impl Stops {
    fn next(&mut self, signal: &'static str) -> Order {
        self.0 += 1;
        match self.0 {
            1 => {
                tracing::info!(signal, "stopping; running jobs may finish (again to tell them to stop now)");
                Order::Stop(StopReason::Signal)
            }
            2 => {
                tracing::info!(signal, "telling the running jobs to stop (again to exit now)");
                Order::Hurry
            }
            _ => {
                tracing::info!(signal, "handing back the running jobs and exiting now");
                Order::Exit
            }
        }
    }
}

//! The one connection of a process that is not in the pool: it hears notifications, has the locks that show that workers live, and
//! carries their beats, which so wait for nobody's claims or outcomes.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio_postgres::AsyncMessage;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::connection::{Connection, Line};
use super::failure::Failed;
use super::hints::{Hints, channel};
use super::server::Server;

/// After the connection is lost it is dialled again this soon, and then less and less often.
const SOON: Duration = Duration::from_millis(50);

/// The longest pause between two tries.
const LATEST: Duration = Duration::from_secs(2);

/// A beat waits so long for the session to come back, and is then made on any other connection.
const PATIENCE: Duration = Duration::from_millis(300);

/// The session, which is dialled when it is first used, and again whenever it is lost.
#[derive(Debug, Default)]
pub(super) struct Session {
    current: watch::Sender<Option<Current>>,
    begun: Mutex<bool>,
    /// The workers of this process.
    workers: Mutex<Vec<Uuid>>,
}

/// A session that lives.
#[derive(Clone, Debug)]
struct Current {
    connection: Arc<Connection>,
    /// Which one it is, counted from 1.
    number: u64,
}

impl Session {
    /// Sees to it that there is a session from now on.
    pub(super) fn begin(self: &Arc<Self>, server: &Arc<Server>) {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(&mut *begun, true) {
            let keep = keep(Arc::clone(self), Arc::downgrade(server));
            server.thread.handle().spawn(keep);
        }
    }

    /// Which session this is; another number means that it was lost in between.
    pub(super) fn number(&self) -> Option<u64> {
        self.current.borrow().as_ref().map(|current| current.number)
    }

    /// A worker that joins, and whose lock is held from now on; or one that leaves.
    pub(super) fn remember(&self, worker: Uuid, joins: bool) {
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        workers.retain(|known| *known != worker);
        workers.extend(joins.then_some(worker));
    }

    /// The session's connection, unless it is lost and does not come back soon.
    pub(super) async fn connection(&self, server: &Server) -> Result<Option<Arc<Connection>>, Failed> {
        server.migrate().await?;
        let mut current = self.current.subscribe();
        let there = tokio::time::timeout(PATIENCE, current.wait_for(Option::is_some)).await;
        Ok(there
            .ok()
            .and_then(Result::ok)
            .and_then(|current| current.as_ref().map(|current| Arc::clone(&current.connection))))
    }
}

/// Keeps a session as long as the server is used.
async fn keep(session: Arc<Session>, server: Weak<Server>) {
    let (mut pause, mut number) = (SOON, 0);
    while let Some(server) = server.upgrade() {
        number += 1;
        match open(&session, &server, number).await {
            Ok(served) => {
                pause = SOON;
                // Whatever was changed while nobody listened.
                server.hints.waker.wake_all();
                drop(server);
                // It ends when the connection is lost.
                let _ = served.await;
            }
            Err(failed) => {
                tracing::debug!(error = failed.problem(), "the job store can't be listened to; trying again");
            }
        }
        session.current.send_replace(None);
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LATEST);
    }
}

/// Dials, listens, and takes the locks of this process's workers again.
async fn open(session: &Session, server: &Arc<Server>, number: u64) -> Result<tokio::task::JoinHandle<()>, Failed> {
    server.migrate().await?;
    let (client, line, _) = server.dialler.dial().await?;
    let heard = (!server.options.pooled).then(|| Arc::clone(&server.hints));
    let served = server.thread.handle().spawn(serve(line, heard, server.number));
    let connection = Arc::new(Connection::new(client, server.options.pooled));
    if !server.options.pooled {
        let listen = format!("LISTEN \"{}\"", channel(&server.options.schema));
        connection.client.batch_execute(&listen).await?;
        let workers = session.workers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let locked = connection.ask(&server.sql("SELECT @.lock_workers($1)"), &[(&workers, Type::UUID_ARRAY)]).await?;
        if !locked.first().is_some_and(|row| row.get(0)) {
            return Err(Failed::Ours("the server has not noticed yet that the last session was lost".to_owned()));
        }
    }
    session.current.send_replace(Some(Current { connection, number }));
    Ok(served)
}

/// Serves the connection, and passes on what it hears.
async fn serve(mut line: Line, hints: Option<Arc<Hints>>, sender: u32) {
    while let Some(message) = poll_fn(|context| line.poll_message(context)).await {
        match (message, &hints) {
            (Ok(AsyncMessage::Notification(news)), Some(hints)) => hints.hear(news.payload(), sender),
            (Ok(_), _) => {}
            (Err(error), _) => {
                tracing::debug!(%error, "the connection that listens to the job store was lost");
                return;
            }
        }
    }
}

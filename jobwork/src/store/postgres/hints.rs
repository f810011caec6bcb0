//! Hints: to those who wait in this process, and by NOTIFY to the other ones.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_postgres::types::Type;

use super::server::Server;
use crate::store::{Topic, Waker};

/// Other processes are told no more often than this, so that a busy one doesn't wake them with each of its commits.
const EVERY: Duration = Duration::from_millis(2);

/// Who waits in this process, and what others have not been told yet.
#[derive(Debug, Default)]
pub(super) struct Hints {
    pub(super) waker: Waker,
    /// A bit for each topic.
    untold: AtomicU8,
    news: Notify,
}

/// The letter that stands for a topic in a notification.
fn letter(topic: Topic) -> &'static str {
    match topic {
        Topic::Ready => "r",
        Topic::Settled => "s",
        Topic::Signals => "c",
    }
}

/// Tells what was committed before; this itself need not reach the disk before it is heard.
const TELL: &str =
    "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, news) FROM unnest($2::text[]) AS news";

/// All of them.
pub(super) const TOPICS: [Topic; 3] = [Topic::Ready, Topic::Settled, Topic::Signals];

impl Hints {
    /// Something of this topic was committed.
    pub(super) fn tell(&self, topic: Topic) {
        self.waker.wake(topic);
        self.untold.fetch_or(1 << topic as u8, Ordering::Relaxed);
        self.news.notify_one();
    }

    /// Tells other processes, for as long as the server is used.
    pub(super) async fn serve(self: Arc<Self>, server: Weak<Server>) {
        loop {
            self.news.notified().await;
            let Some(server) = server.upgrade() else { return };
            let untold = self.untold.swap(0, Ordering::Relaxed);
            let topics = TOPICS.into_iter().filter(|topic| untold & (1 << *topic as u8) != 0);
            let news: Vec<String> = topics.map(|topic| format!("{} {}", letter(topic), server.number)).collect();
            let channel = channel(&server.options.schema);
            // Whoever misses a hint polls.
            if let Err(failed) = server.call(TELL, &[(&channel as _, Type::TEXT), (&news as _, Type::TEXT_ARRAY)]).await
            {
                tracing::debug!(error = failed.problem(), "other processes could not be told of news");
            }
            drop(server);
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Takes a notification; those of `sender` were told here before.
    pub(super) fn hear(&self, news: &str, sender: u32) {
        let (letter_heard, told_by) = news.split_once(' ').unwrap_or((news, ""));
        if told_by == sender.to_string() {
            return;
        }
        let topic = TOPICS.into_iter().find(|topic| letter(*topic) == letter_heard);
        topic.into_iter().for_each(|topic| self.waker.wake(topic));
    }
}

/// The channel of a schema.
pub(super) fn channel(schema: &str) -> String {
    format!("jobwork:{schema}")
}

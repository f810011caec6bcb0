//! Forgetting jobs that were kept long enough.

use serde_json::{Map, Value, json};
use tokio_postgres::types::Type;

use super::failure::Failed;
use super::rows::{duration, millis};
use super::server::Server;
use crate::job::JobState;
use crate::store::{Keep, Prune};

/// The numbers of the states in which jobs are kept.
const ENDS: [(i16, JobState); 4] =
    [(3, JobState::Completed), (4, JobState::Cancelled), (5, JobState::Discarded), (6, JobState::Dead)];

/// Forgets jobs, and says how many.
pub(super) async fn prune(server: &Server, prune: &Prune) -> Result<usize, Failed> {
    let rules: Vec<Value> = ENDS.into_iter().map(|end| rules(prune, end)).collect();
    let most = i64::try_from(prune.limit).unwrap_or(i64::MAX);
    let text = Value::Array(rules).to_string();
    let params = [(&text as _, Type::TEXT), (&most as _, Type::INT8), (&millis(prune.now) as _, Type::INT8)];
    let pruned = server.call_one("SELECT @.prune($1::text::jsonb, $2, $3)", &params).await?;
    Ok(usize::try_from(pruned.get::<_, i64>(0)).unwrap_or(0))
}

fn rules(prune: &Prune, (state, end): (i16, JobState)) -> Value {
    let jobs: Map<String, Value> =
        prune.retention.names().map(|name| (name.to_owned(), keep(prune.retention.of(name, end)))).collect();
    // No job has an empty name.
    json!({ "state": state, "rule": keep(prune.retention.of("", end)), "jobs": jobs })
}

fn keep(keep: Keep) -> Value {
    let mut rule = Map::new();
    keep.age.into_iter().for_each(|age| drop(rule.insert("age".to_owned(), json!(duration(age)))));
    keep.count.into_iter().for_each(|count| {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        drop(rule.insert("count".to_owned(), json!(count)));
    });
    Value::Object(rule)
}

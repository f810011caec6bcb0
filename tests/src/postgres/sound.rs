use super::{Schema, connect};
use crate::sound::{Tables, Unsound};

/// The jobs that run, and under which claim: `running (seq, claim)`.
const RUNNING: &str = "SELECT j.seq, c.id AS claim FROM jobs j JOIN claims c ON c.id > j.claim
    JOIN LATERAL unnest(c.firsts, c.lasts) AS run (first, last) ON j.seq BETWEEN run.first AND run.last WHERE j.state = 1";

/// What no row may be. Besides the tables there are the view `stored` of all jobs, and `running`.
const UNSOUND: [Unsound; 34] = [
    (
        "a job whose row says that it is ready and that is not in the line nor runs, or does both, or twice",
        "SELECT seq FROM jobs j WHERE state = 1
         AND (SELECT count(*) FROM ready r WHERE r.seq = j.seq) + (SELECT count(*) FROM running r WHERE r.seq = j.seq) <> 1",
    ),
    (
        "a place in the line that is not that of a ready job",
        "SELECT ctid FROM ready EXCEPT SELECT r.ctid FROM ready r JOIN jobs j USING (seq) LEFT JOIN details d ON d.job = j.seq
         WHERE j.state = 1 AND (j.queue, j.priority, j.run_at, j.name, j.version) = (r.queue, r.priority, r.run_at, r.name, r.version)
         AND r.special = (j.flags & 20516 <> 0)
         AND r.expires_at IS NOT DISTINCT FROM CASE WHEN j.flags & 4096 <> 0 THEN d.expires_at END",
    ),
    ("a job that is open and has ended", "SELECT seq FROM jobs JOIN ended USING (seq)"),
    (
        "a job in a state that it can't have where it stands",
        "SELECT seq FROM jobs WHERE state NOT IN (-1, 0, 1) UNION ALL SELECT seq FROM ended WHERE state NOT IN (3, 4, 5, 6)",
    ),
    (
        "a job that is to be cancelled and does not run, or has ended and still is to be",
        "SELECT seq FROM jobs WHERE cancel <> 0 AND seq NOT IN (SELECT seq FROM running)
         UNION ALL SELECT seq FROM ended WHERE cancel = 1",
    ),
    (
        "a held job without a place behind a gate, or with another's",
        "SELECT seq FROM jobs WHERE state = -1 EXCEPT SELECT seq FROM held h JOIN jobs j ON j.seq = h.job
         WHERE NOT h.let_out AND j.flags & 16384 <> 0
         AND (j.queue, j.priority, j.run_at, j.name, j.version) = (h.queue, h.priority, h.run_at, h.name, h.version)",
    ),
    (
        "a place behind a gate of a job that is not held, nor a candidate",
        "SELECT job FROM held EXCEPT SELECT seq FROM held h JOIN jobs j ON j.seq = h.job
         WHERE CASE WHEN h.let_out THEN j.seq IN (SELECT seq FROM ready) ELSE j.state = -1 END",
    ),
    (
        "a held job without a gate, or with two",
        "SELECT job FROM held h WHERE NOT let_out AND (SELECT count(*) FROM gates g
         WHERE (g.key, g.queue, g.name, g.version) = (h.key, h.queue, h.name, h.version)) <> 1",
    ),
    (
        "a gate with nothing behind it that is not due",
        "SELECT key FROM gates g WHERE wake_at IS DISTINCT FROM 0 AND NOT EXISTS (SELECT FROM held h
         WHERE (g.key, g.queue, g.name, g.version) = (h.key, h.queue, h.name, h.version) AND NOT h.let_out)",
    ),
    (
        "a gate that nothing will open, though its key has room and nobody is let out",
        "SELECT key FROM gates g WHERE wake_at IS NULL AND candidates(g, 1) = 0 AND (next_room(first_held(g), g.key, 0)).wake_at IS NULL
         AND room(first_held(g), g.key, 0) > 0
         AND NOT EXISTS (SELECT FROM pauses p WHERE p.kind = 'job' AND p.name = g.name AND g.key = name_key(g.name) AND p.until IS NULL)",
    ),
    (
        "a gate that is worth a look and never due, or the other way round",
        "SELECT key FROM gates WHERE (wake_at IS NULL) <> (look_at IS NULL)",
    ),
    (
        "details of no job, or of one that does not say that it has any, or the other way round",
        "SELECT coalesce(d.job, j.seq) FROM details d FULL JOIN (SELECT seq FROM stored WHERE flags & 1024 <> 0) AS j ON j.seq = d.job
         WHERE d.job IS NULL OR j.seq IS NULL",
    ),
    (
        "a job that may expire and has started or ended, or the other way round",
        "SELECT job FROM details d WHERE may_expire <> (expires_at IS NOT NULL AND job IN (SELECT seq FROM jobs)
         AND job NOT IN (SELECT seq FROM running))",
    ),
    (
        "a job that is in the order of a key and not open, or the other way round",
        "SELECT job FROM details d JOIN stored j ON j.seq = d.job WHERE ordered IS NOT NULL AND (in_line IS NULL) <> (j.state > 2)
         OR ordered IS NULL AND in_line IS NOT NULL",
    ),
    (
        "a key whose open jobs have no one or more than one before them",
        "SELECT ordered FROM details WHERE in_line IS NOT NULL GROUP BY ordered HAVING count(*) FILTER (WHERE NOT in_line) <> 1",
    ),
    (
        "a job that says that it waits for more or less than it does",
        "SELECT seq FROM stored j LEFT JOIN details d ON d.job = j.seq WHERE waits <> coalesce(d.in_line, false)::integer
         + (SELECT count(*) FROM links l WHERE l.child = j.seq AND NOT l.done
            AND NOT EXISTS (SELECT FROM ended e WHERE e.seq = l.parent AND e.state = 3))
         + (SELECT count(*) FROM batches b WHERE b.on_complete = j.seq AND b.completed_at IS NULL)
         + (SELECT count(*) FROM batches b WHERE b.on_success = j.seq AND b.succeeded_at IS NULL)
         + (SELECT count(*) FROM batches b WHERE b.on_death = j.seq AND b.died_at IS NULL)",
    ),
    ("a job that waits for nothing, or does not wait for something", "SELECT seq FROM jobs WHERE (state = 0) <> (waits > 0)"),
    (
        "a job that waits for one that was cancelled, discarded or deleted",
        "SELECT child FROM links l JOIN jobs j ON j.seq = l.child WHERE NOT l.done AND l.parent NOT IN (SELECT seq FROM jobs)
         AND l.parent NOT IN (SELECT seq FROM ended WHERE state IN (3, 6))",
    ),
    (
        "a link of no job, or of one that does not say that others wait for it",
        "SELECT child FROM links WHERE child NOT IN (SELECT seq FROM stored) OR done AND parent NOT IN (SELECT seq FROM stored)
         OR parent IN (SELECT seq FROM stored WHERE flags & 1 = 0)",
    ),
    (
        "a job that is kept until some time and has not ended, or has and says itself how long it is kept",
        "SELECT job FROM details d JOIN stored j ON j.seq = d.job WHERE (kept_until IS NOT NULL) <> (retain IS NOT NULL AND j.state > 2)",
    ),
    ("a key that two jobs have", "SELECT unique_key FROM details WHERE has_key GROUP BY unique_key HAVING count(*) > 1"),
    (
        "a job that ended and has a key that it does not keep",
        "SELECT job FROM details d JOIN ended j ON j.seq = d.job WHERE has_key AND unique_states & (1 << (state + 1)) = 0",
    ),
    ("a job that has a key and does not say so", "SELECT job FROM details d JOIN stored j ON j.seq = d.job WHERE has_key AND flags & 2 = 0"),
    (
        "a slot of a job that does not run, or a second one",
        "SELECT job FROM slots WHERE job NOT IN (SELECT seq FROM running) UNION ALL SELECT job FROM slots GROUP BY job, key HAVING count(*) > 1",
    ),
    (
        "a slot of a job that does not say that it has limits",
        "SELECT job FROM slots s JOIN jobs j ON j.seq = s.job WHERE j.flags & 32 = 0",
    ),
    (
        "a running job without a slot that its own limits or those of its queue ask for",
        "SELECT r.seq FROM running r JOIN jobs j USING (seq), LATERAL (
             SELECT value ->> 'key' AS key FROM jsonb_array_elements(limits_of(j.seq)) WHERE value -> 'rule' ? 'concurrency'
             UNION ALL SELECT queue_key(q.queue) FROM queue_limits q WHERE q.queue = j.queue AND q.rule::jsonb -> 'concurrency' <> 'null'
         ) AS needed WHERE NOT EXISTS (SELECT FROM slots s WHERE s.job = r.seq AND s.key = needed.key)",
    ),
    (
        "a claim that counts its running jobs wrong, or of no worker",
        "SELECT id FROM claims c WHERE running < 1 OR running <> (SELECT count(*) FROM running r WHERE r.claim = c.id)
             + (SELECT count(*) FROM finished_in f WHERE f.claim = c.id)
         OR worker NOT IN (SELECT key FROM workers)",
    ),
    (
        "a wrong number of completed jobs",
        "SELECT 1 WHERE (SELECT coalesce(sum(completed), 0) FROM totals) <> (SELECT count(*) FROM ended WHERE state = 3)",
    ),
    (
        "a member that has come to something else than its batch was told",
        "SELECT job FROM details d JOIN stored j ON j.seq = d.job
         WHERE standing IS NOT NULL AND standing <> standing_after(standing, j.state, j.attempt)",
    ),
    (
        "a batch that counts its members wrong, those that were deleted left aside",
        "SELECT b.seq FROM batches b, LATERAL (
             SELECT count(*) AS kept, count(standing) AS known, count(*) FILTER (WHERE standing & 1 <> 0) AS ran,
                 count(*) FILTER (WHERE standing & 2 <> 0) AS ended, count(*) FILTER (WHERE standing & 4 <> 0) AS succeeded,
                 count(*) FILTER (WHERE standing & 8 <> 0) AS dead, count(*) FILTER (WHERE standing & 16 <> 0) AS cancelled
             FROM (SELECT standing FROM details WHERE batch = b.seq
                 UNION ALL SELECT standing FROM batches WHERE parent = b.seq) AS standings
         ) AS members
         WHERE b.kept <> members.kept OR b.total < members.known
             OR b.ran - members.ran NOT BETWEEN 0 AND b.total - members.known
             OR b.ended - members.ended NOT BETWEEN 0 AND b.total - members.known
             OR b.succeeded - members.succeeded NOT BETWEEN 0 AND b.total - members.known
             OR b.dead - members.dead NOT BETWEEN 0 AND b.total - members.known
             OR b.cancelled - members.cancelled NOT BETWEEN 0 AND b.total - members.known",
    ),
    (
        "a batch that has come to something else than its counts say",
        "SELECT seq FROM batches WHERE (finished_at IS NOT NULL) <> (ended = total) OR completed_at IS NULL AND ran = total
         OR succeeded_at IS NULL AND succeeded = total OR died_at IS NULL AND dead > 0",
    ),
    ("a member of no batch", "SELECT job FROM details WHERE batch IS NOT NULL AND batch NOT IN (SELECT seq FROM batches)"),
    (
        "a past attempt of no job, or of one that does not say that it has a history",
        "SELECT job FROM attempts WHERE job NOT IN (SELECT seq FROM stored WHERE flags & 8192 <> 0)",
    ),
    (
        "notes or lines of no job, or of one that does not say that it has any",
        "SELECT job FROM (SELECT job FROM notes UNION ALL SELECT job FROM logs) AS said
         WHERE job NOT IN (SELECT seq FROM stored WHERE flags & 256 <> 0)",
    ),
];

impl Tables for Schema {
    const UNSOUND: &[Unsound] = &UNSOUND;

    fn count(&self, queries: &[&str]) -> Vec<i64> {
        let counts: Vec<String> = queries
            .iter()
            .map(|rows| format!("(WITH running AS ({RUNNING}) SELECT count(*) FROM ({rows}) AS found)"))
            .collect();
        let statement = format!("SELECT ARRAY[{}]", counts.join(", "));
        // All of it as it was at one time.
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        let ask = async {
            let server = connect(&self.url).await;
            server.batch_execute(begin).await.expect("a transaction can be begun");
            let found = server.query_one(&statement, &[]).await.expect("the tables can be looked at");
            server.batch_execute("COMMIT").await.expect("a transaction can be ended");
            found.get(0)
        };
        // Whoever asks may be inside of a runtime.
        let run = || {
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts").block_on(ask)
        };
        std::thread::scope(|scope| scope.spawn(run).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    }
}

-- Jobs as people look at them.

-- All jobs, whether they have ended or not.
CREATE VIEW stored AS
    SELECT seq, created_at, run_at, claim, priority, retries, version, flags, attempt, rescues, waits, state, cancel, started_at,
        NULL::bigint AS finished_at, name, queue, args, NULL::text AS output, NULL::text AS reason
    FROM jobs
    UNION ALL
    SELECT seq, created_at, run_at, claim, priority, retries, version, flags, attempt, rescues, waits, state, cancel, started_at,
        finished_at, name, queue, args, output, reason
    FROM ended;

-- Whether a waiting job waits, directly or not, for a dead one, or for the success of a batch with a dead member.
CREATE FUNCTION is_blocked(_seq bigint) RETURNS boolean LANGUAGE sql STABLE @path@ AS $$
    WITH RECURSIVE above (seq) AS (
        SELECT parent FROM links WHERE child = _seq AND NOT done
        UNION SELECT l.parent FROM above JOIN links l ON l.child = above.seq WHERE NOT l.done)
    SELECT EXISTS (SELECT FROM above JOIN ended e ON e.seq = above.seq WHERE e.state = 6) OR EXISTS (
        SELECT FROM details d JOIN batches b ON b.seq = d.batch
        WHERE d.job = _seq AND b.on_success = _seq AND b.succeeded_at IS NULL AND b.dead > 0)
$$;

-- The claim that a job runs under, if it runs.
CREATE FUNCTION claim_of(_seq bigint, _last bigint) RETURNS bigint LANGUAGE sql STABLE @path@ AS $$
    SELECT c.id FROM claims c, unnest(c.firsts, c.lasts) AS run (first, last)
    WHERE c.id > _last AND _seq BETWEEN run.first AND run.last ORDER BY c.id DESC LIMIT 1
$$;

-- Everything that is told of a job. One runs if its row says that it is ready and it is not in the line.
CREATE VIEW records AS
    SELECT j.seq, j.created_at, j.run_at, j.flags, j.priority, j.retries, j.version, j.rescues, j.cancel, j.name, j.queue, j.args, j.output,
        j.reason, j.finished_at, j.attempt + CASE WHEN c.id IS NULL THEN 0 ELSE 1 END AS attempt,
        CASE WHEN c.id IS NULL THEN j.state ELSE 2::smallint END AS state, j.state AS stored_state, coalesce(c.at, j.started_at) AS started_at,
        w.id AS worker, d.tags, d.chain, d.position AS place, d.on_error, d.expires_at, d.retry_until,
        coalesce(d.retain, CASE WHEN j.flags & @fleeting@ <> 0 THEN 0 END) AS retain, d.unique_key, d.ordered, d.batch, d.standing,
        (SELECT b.created_at FROM batches b WHERE b.seq = d.batch) AS batch_at,
        CASE WHEN j.state = -1 THEN h.key END AS held_by, n.fraction, n.message, n.at AS said_at,
        j.state = 0 AND is_blocked(j.seq) AS blocked
    FROM stored j
    LEFT JOIN details d ON d.job = j.seq
    LEFT JOIN claims c ON c.id = CASE WHEN j.state = 1 AND NOT EXISTS (
        SELECT FROM ready r WHERE (r.queue, r.priority, r.run_at, r.seq) = (j.queue, j.priority, j.run_at, j.seq))
        THEN claim_of(j.seq, j.claim) END
    LEFT JOIN workers w ON w.key = c.worker
    LEFT JOIN held h ON h.job = j.seq
    LEFT JOIN notes n ON n.job = j.seq;

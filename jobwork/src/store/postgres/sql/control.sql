-- Pauses, and the limits of queues.

-- What is held by a pause has to be looked at: it may go, or another time counts for it.
CREATE FUNCTION look_again(_kind text, _name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM wake('r');
    IF _kind = 'job' THEN
        PERFORM open_gates(name_key(_name));
    END IF;
END $$;

-- Pauses `everything`, a `queue` or a `job`, until a time or until it is resumed. No claim that was begun before ends afterwards.
CREATE FUNCTION pause(_kind text, _name text, _until bigint) RETURNS void LANGUAGE plpgsql @entry@ AS $$
BEGIN
    PERFORM stop_claims(ARRAY(SELECT key FROM workers));
    PERFORM lock_flow();
    INSERT INTO pauses (kind, name, until) VALUES (_kind, _name, _until)
    ON CONFLICT (kind, name) DO UPDATE SET until = excluded.until;
    PERFORM look_again(_kind, _name);
END $$;

-- Ends a pause, and says whether there was one.
CREATE FUNCTION resume(_kind text, _name text, _now bigint) RETURNS boolean LANGUAGE plpgsql @entry@ AS $$
DECLARE
    _paused boolean;
BEGIN
    PERFORM lock_flow();
    DELETE FROM pauses WHERE kind = _kind AND name = _name RETURNING coalesce(until > _now, true) INTO _paused;
    PERFORM look_again(_kind, _name);
    RETURN coalesce(_paused, false);
END $$;

-- Sets what the jobs of a queue share; what a worker's start sets counts only where it differs from what the last start set.
CREATE FUNCTION limit_queue(_queue text, _rule text, _is_empty boolean, _at_start boolean, _has_concurrency boolean) RETURNS void
LANGUAGE plpgsql @entry@ AS $$
BEGIN
    IF _at_start AND EXISTS (SELECT FROM queue_limits WHERE queue = _queue AND at_start = _rule) THEN
        RETURN;
    END IF;
    -- What runs stands still for a moment, so that all of it is counted, and nothing that does not run any more.
    PERFORM stop_claims(ARRAY(SELECT key FROM workers));
    PERFORM lock_flow();
    PERFORM FROM claims ORDER BY id FOR NO KEY UPDATE;
    INSERT INTO queue_limits (queue, rule, at_start)
    VALUES (_queue, CASE WHEN NOT _is_empty THEN _rule END, CASE WHEN _at_start THEN _rule END)
    ON CONFLICT (queue) DO UPDATE SET rule = excluded.rule, at_start = coalesce(excluded.at_start, queue_limits.at_start);
    -- Those that run already have slots too.
    IF _has_concurrency THEN
        WITH run AS (
            SELECT j.seq FROM workers w CROSS JOIN LATERAL running_jobs(w.key) AS r CROSS JOIN LATERAL (
                -- From those that run to their rows, and never the other way round.
                SELECT seq FROM jobs WHERE seq = r.seq AND queue = _queue OFFSET 0) AS j
        ), flagged AS (
            UPDATE jobs SET flags = flags | @limited@ WHERE seq = ANY (ARRAY(SELECT seq FROM run)) RETURNING seq
        )
        INSERT INTO slots (key, job)
        SELECT queue_key(_queue), f.seq FROM flagged f
        WHERE NOT EXISTS (SELECT FROM slots s WHERE s.job = f.seq AND s.key = queue_key(_queue));
    END IF;
    PERFORM wake('r');
END $$;

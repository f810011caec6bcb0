-- Jobs that have ended.

CREATE FUNCTION count_completed(_jobs bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO totals (completed) VALUES (_jobs);
END $$;

-- Sums up the totals.
CREATE FUNCTION sum_totals() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) FROM totals) > 1 THEN
        WITH gone AS (DELETE FROM totals WHERE ctid = ANY (ARRAY(SELECT ctid FROM totals FOR UPDATE SKIP LOCKED)) RETURNING completed)
        INSERT INTO totals (completed) SELECT sum(completed) FROM gone HAVING count(*) > 0;
    END IF;
END $$;

-- A job that stands in no line has ended: it ran until now as `_attempt` and `_claim` say, or did not run.
CREATE FUNCTION write_end(
    _seq bigint, _state integer, _output text, _reason text, _at bigint,
    _attempt integer DEFAULT NULL, _claim bigint DEFAULT NULL, _started_at bigint DEFAULT NULL
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _flags integer;
BEGIN
    WITH gone AS (DELETE FROM jobs WHERE seq = _seq RETURNING *)
    INSERT INTO ended (seq, created_at, run_at, claim, finished_at, priority, retries, version, flags, attempt, rescues, waits,
        state, cancel, started_at, name, queue, args, output, reason)
    SELECT seq, created_at, run_at, coalesce(_claim, claim), _at, priority, retries, version,
        -- What became of a run otherwise than by completing is in the history, or may be.
        CASE WHEN _claim IS NULL OR _state = 3 THEN flags ELSE flags | @remembered@ END,
        coalesce(_attempt, attempt), rescues, waits, _state, CASE WHEN cancel = 0 THEN 0 ELSE 2 END,
        coalesce(_started_at, started_at), name, queue, args, _output, _reason
    FROM gone RETURNING flags INTO _flags;
    IF _state = 3 THEN
        PERFORM count_completed(1);
    END IF;
    -- It may expire no more, and says how long it is kept if that is its own matter.
    IF _flags & @expires@ <> 0 THEN
        PERFORM cannot_expire(_seq);
    END IF;
    IF _flags & (@retained@ | @fleeting@) <> 0 THEN
        UPDATE details SET kept_until = _at + retain WHERE job = _seq;
        IF NOT FOUND THEN
            -- One that was to be gone when it completes may have no details, and ended otherwise.
            INSERT INTO details (job, retain, kept_until) VALUES (_seq, 0, _at);
            UPDATE ended SET flags = flags | @detailed@ WHERE seq = _seq;
        END IF;
    END IF;
    -- What it shared with others is theirs.
    IF _flags & @keyed@ <> 0 THEN
        PERFORM end_key(_seq, _state);
    END IF;
    IF _flags & @ordered@ <> 0 THEN
        PERFORM end_ordered(_seq, _at);
    END IF;
    IF _flags & @batched@ <> 0 THEN
        PERFORM follow_batch(_seq, _at);
    END IF;
    PERFORM wake('s');
END $$;

-- A job that doesn't run will not go on by itself.
CREATE FUNCTION end_job(_seq bigint, _state integer, _reason text, _at bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM withdraw_held(_seq);
    PERFORM leave_ready(_seq);
    PERFORM write_end(_seq, _state, NULL, _reason, _at);
END $$;

-- A job starts or ends: it can't expire any more.
CREATE FUNCTION cannot_expire(_seq bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE details SET may_expire = false WHERE job = _seq AND may_expire;
END $$;

-- Ends a job that has expired and does not run, with those that wait for it.
CREATE FUNCTION end_expired(_seq bigint, _now bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    _job jobs;
BEGIN
    -- It may have been cancelled a moment ago, with one that it waited for.
    SELECT * FROM jobs WHERE seq = _seq FOR UPDATE INTO _job;
    IF NOT FOUND OR runs(_job) THEN
        RETURN false;
    END IF;
    PERFORM end_job(_seq, 5, 'expired', _now);
    PERFORM cancel_waiters(_seq,
        format('chain member %s was discarded: expired', public_id(_seq, _job.created_at)), _now);
    RETURN true;
END $$;

-- Ends jobs that have expired, those first that did first, and says how many.
CREATE FUNCTION expire(_now bigint, _most bigint) RETURNS bigint LANGUAGE plpgsql @entry@ AS $$
DECLARE
    _seq bigint;
    _count bigint := 0;
BEGIN
    IF NOT EXISTS (SELECT FROM details WHERE may_expire AND expires_at <= _now) THEN
        RETURN 0;
    END IF;
    PERFORM lock_flow();
    FOR _seq IN SELECT job FROM details WHERE may_expire AND expires_at <= _now ORDER BY expires_at, job LIMIT _most LOOP
        IF end_expired(_seq, _now) THEN
            _count := _count + 1;
        END IF;
    END LOOP;
    RETURN _count;
END $$;

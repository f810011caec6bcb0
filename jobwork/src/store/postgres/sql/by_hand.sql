-- Jobs changed by hand. All of these have the lock of `lock_flow`, and lock the rows of their jobs in the order of dispatch.

-- The rows of these jobs are ours until the end. Those that run are locked with their claims, as outcomes lock them, and those that have
-- ended too: who prunes does not wait for the lock of `lock_flow`.
CREATE FUNCTION lock_jobs(_ids uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _seqs bigint[] := ARRAY(SELECT number_of(id) FROM unnest(_ids) AS id);
BEGIN
    PERFORM lock_flow();
    PERFORM FROM claims c WHERE EXISTS (
        SELECT FROM unnest(c.firsts, c.lasts) AS run (first, last), unnest(_seqs) AS seq WHERE seq BETWEEN run.first AND run.last)
    ORDER BY id FOR NO KEY UPDATE;
    PERFORM FROM jobs WHERE seq = ANY (_seqs) ORDER BY seq FOR UPDATE;
    PERFORM FROM ended WHERE seq = ANY (_seqs) ORDER BY seq FOR UPDATE;
END $$;

-- The state of a job: 2 if it runs, null if there is none.
CREATE FUNCTION state_of(_id uuid) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    _job jobs;
BEGIN
    SELECT * FROM jobs WHERE seq = number_of(_id) AND created_at = time_of(_id) INTO _job;
    IF FOUND THEN
        RETURN CASE WHEN runs(_job) THEN 2 ELSE _job.state END;
    END IF;
    RETURN (SELECT state FROM ended WHERE seq = number_of(_id) AND created_at = time_of(_id));
END $$;

-- Cancels jobs, and says of each `cancelled`, `requested`, `ended` or `notfound`.
CREATE FUNCTION cancel(_ids uuid[], _now bigint) RETURNS text[] LANGUAGE plpgsql @entry@ AS $$
DECLARE
    _answers text[];
    _id uuid;
    _job jobs;
BEGIN
    PERFORM lock_jobs(_ids);
    -- Nobody begins one of them from here on: their places in the line are ours too.
    PERFORM FROM ready r JOIN jobs j ON (r.queue, r.priority, r.run_at, r.seq) = (j.queue, j.priority, j.run_at, j.seq)
    WHERE j.seq = ANY (ARRAY(SELECT number_of(id) FROM unnest(_ids) AS id)) FOR UPDATE OF r;
    -- Asked before anything changes: a job that is cancelled with an earlier one of these had not ended before.
    SELECT array_agg(CASE WHEN state IS NULL THEN 'notfound' WHEN state = 2 THEN 'requested' WHEN state < 2 THEN 'cancelled' ELSE 'ended' END
        ORDER BY place)
    FROM unnest(_ids) WITH ORDINALITY AS given (id, place), LATERAL state_of(id) AS state INTO _answers;
    FOREACH _id IN ARRAY _ids LOOP
        SELECT * FROM jobs WHERE seq = number_of(_id) AND created_at = time_of(_id) INTO _job;
        CONTINUE WHEN NOT FOUND;
        IF runs(_job) THEN
            UPDATE jobs SET cancel = 1 WHERE seq = _job.seq;
            PERFORM wake('c');
        ELSE
            PERFORM end_job(_job.seq, 4, NULL, _now);
            PERFORM cancel_waiters(_job.seq, format('chain member %s was cancelled', _id), _now);
        END IF;
    END LOOP;
    RETURN coalesce(_answers, '{}');
END $$;

-- Makes jobs ready now, with all their retries, and says of each whether it did.
CREATE FUNCTION retry(_ids uuid[], _now bigint) RETURNS boolean[] LANGUAGE plpgsql @entry@ AS $$
BEGIN
    PERFORM lock_jobs(_ids);
    RETURN ARRAY(SELECT retry_job(id, _now) FROM unnest(_ids) WITH ORDINALITY AS given (id, place) ORDER BY place);
END $$;

CREATE FUNCTION retry_job(_id uuid, _now bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    _seq bigint := number_of(_id);
    _state integer := state_of(_id);
    _job jobs;
BEGIN
    IF _state IS NULL OR _state IN (-1, 0, 2) OR EXISTS (SELECT FROM obstacle(_seq)) OR is_spoiled(_seq) THEN
        RETURN false;
    END IF;
    IF _state = 1 THEN
        SELECT * FROM jobs WHERE seq = _seq INTO _job;
        -- Only one that is due later has anything to gain, and nobody may have begun it meanwhile.
        IF _job.run_at <= _now OR NOT leave_ready(_seq) THEN
            RETURN false;
        END IF;
    ELSE
        IF take_key_again(_seq, _now) IS NOT NULL THEN
            RETURN false;
        END IF;
        PERFORM enter_ordered_again(_seq);
        IF _state = 3 THEN
            -- It has nothing to go on from.
            PERFORM count_completed(-1);
            DELETE FROM notes WHERE job = _seq;
            PERFORM let_waiters_go(_seq);
        END IF;
        UPDATE ended SET run_at = _now, attempt = 0, rescues = 0, cancel = 0 WHERE seq = _seq;
    END IF;
    UPDATE jobs SET run_at = _now, attempt = 0, rescues = 0, cancel = 0 WHERE seq = _seq;
    IF _state = 1 THEN
        UPDATE details SET may_expire = coalesce(expires_at > _now, false),
            expires_at = CASE WHEN expires_at > _now THEN expires_at END,
            retry_until = CASE WHEN retry_until > _now THEN retry_until END
        WHERE job = _seq;
        PERFORM enter_ready(_seq);
        PERFORM wake('r');
        IF _job.flags & @batched@ <> 0 THEN
            PERFORM follow_batch(_seq, _now);
        END IF;
    ELSE
        PERFORM revive(_seq, _now);
    END IF;
    PERFORM revive_below(_seq, _now);
    RETURN true;
END $$;

-- Moves jobs to another queue, and says of each whether it did.
CREATE FUNCTION requeue(_ids uuid[], _queue text, _now bigint) RETURNS boolean[] LANGUAGE plpgsql @entry@ AS $$
BEGIN
    PERFORM lock_jobs(_ids);
    RETURN ARRAY(SELECT requeue_job(id, _queue, _now) FROM unnest(_ids) WITH ORDINALITY AS given (id, place) ORDER BY place);
END $$;

CREATE FUNCTION requeue_job(_id uuid, _queue text, _now bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    _seq bigint := number_of(_id);
    _state integer := state_of(_id);
    _job jobs;
BEGIN
    IF _state IS NULL OR _state = 2 THEN
        RETURN false;
    END IF;
    IF _state >= 3 AND NOT retry_job(_id, _now) THEN
        RETURN false;
    END IF;
    SELECT * FROM jobs WHERE seq = _seq INTO _job;
    -- It stands behind a gate of its old queue.
    PERFORM withdraw_held(_seq);
    IF _job.state <> 0 AND NOT leave_ready(_seq) THEN
        -- Somebody has begun it.
        RETURN false;
    END IF;
    UPDATE jobs SET queue = _queue WHERE seq = _seq;
    PERFORM enter_ready(_seq);
    PERFORM wake('r');
    RETURN true;
END $$;

-- Forgets jobs that aren't running, and says of each whether it did.
CREATE FUNCTION delete(_ids uuid[], _now bigint) RETURNS boolean[] LANGUAGE plpgsql @entry@ AS $$
BEGIN
    PERFORM lock_jobs(_ids);
    RETURN ARRAY(
        SELECT CASE WHEN state_of(id) IS NULL THEN false ELSE delete_job(number_of(id), _now) END
        FROM unnest(_ids) WITH ORDINALITY AS given (id, place) ORDER BY place);
END $$;

CREATE FUNCTION delete_job(_seq bigint, _now bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    _id uuid := id_of(_seq);
    _job jobs;
    _state integer;
    _flags integer;
BEGIN
    SELECT * FROM jobs WHERE seq = _seq INTO _job;
    IF FOUND THEN
        PERFORM withdraw_held(_seq);
        IF _job.state <> 0 AND NOT leave_ready(_seq) THEN
            RETURN false;
        END IF;
        _flags := _job.flags;
    ELSE
        SELECT state, flags FROM ended WHERE seq = _seq INTO _state, _flags;
        IF NOT FOUND THEN
            RETURN false;
        END IF;
    END IF;
    IF _flags & ~@remembered@ <> 0 THEN
        IF _state = 3 THEN
            PERFORM let_waiters_go(_seq);
        END IF;
        PERFORM cancel_waiters(_seq, format('chain member %s was deleted', _id), _now);
        IF _flags & @batched@ <> 0 THEN
            PERFORM forget_member(_seq, _now);
        END IF;
        IF _state IS NULL THEN
            PERFORM end_ordered(_seq, _now);
        END IF;
        DELETE FROM details WHERE job = _seq;
        DELETE FROM notes WHERE job = _seq;
        DELETE FROM logs WHERE job = _seq;
        -- A link that is not done stays, and says to whoever retries the child that nothing can complete it.
        DELETE FROM links WHERE child = _seq;
        DELETE FROM links WHERE parent = _seq AND done;
    END IF;
    IF _flags & @remembered@ <> 0 THEN
        DELETE FROM attempts WHERE job = _seq;
    END IF;
    IF _state = 3 THEN
        PERFORM count_completed(-1);
    END IF;
    DELETE FROM jobs WHERE seq = _seq;
    DELETE FROM ended WHERE seq = _seq;
    -- Whoever waits for this job's end waits for ever unless it looks again.
    PERFORM wake('s');
    RETURN true;
END $$;

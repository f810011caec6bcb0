-- What became of runs.

-- A run that an outcome is written for.
CREATE TYPE running AS (
    seq bigint,
    created_at bigint,
    -- The number of the attempt that is running.
    attempt integer,
    -- The worker's own number.
    worker bigint,
    claim bigint,
    started_at bigint,
    run_at bigint,
    rescues integer,
    cancel smallint,
    flags integer
);

-- The jobs that a worker is running.
CREATE FUNCTION running_jobs(_worker bigint) RETURNS SETOF running LANGUAGE plpgsql STABLE @path@ AS $$
BEGIN
    RETURN QUERY
    SELECT j.seq, j.created_at, j.attempt + 1, c.worker, c.id, c.at, j.run_at, j.rescues, j.cancel, j.flags
    FROM claims c CROSS JOIN LATERAL unnest(c.firsts, c.lasts) AS run (first, last) CROSS JOIN LATERAL (
        -- From the runs to the jobs, and never the other way round.
        SELECT * FROM jobs WHERE seq BETWEEN run.first AND run.last AND claim < c.id AND state = 1 OFFSET 0) AS j
    WHERE c.worker = _worker ORDER BY j.seq;
END $$;

-- Whether this job is the claim's, and has not come back.
CREATE FUNCTION runs_under(_job jobs, _claim claims) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT _job.state = 1 AND _job.claim < _claim.id AND EXISTS (
        SELECT FROM unnest(_claim.firsts, _claim.lasts) AS run (first, last) WHERE _job.seq BETWEEN run.first AND run.last)
$$;

-- Whether a job that isn't held runs: its row says that it is ready, and it is not in the line.
CREATE FUNCTION runs(_job jobs) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN _job.state = 1 AND NOT EXISTS (SELECT FROM ready r
        WHERE (r.queue, r.priority, r.run_at, r.seq) = (_job.queue, _job.priority, _job.run_at, _job.seq));
END $$;

-- When each of these claims was made, as long as its worker is this one and still there; else -1.
CREATE FUNCTION begun_at(_claims bigint[], _workers uuid[]) RETURNS bigint[] LANGUAGE plpgsql AS $$
BEGIN
    RETURN ARRAY(
        SELECT coalesce((SELECT c.at FROM claims c JOIN workers w ON w.key = c.worker WHERE c.id = given.claim AND w.id = given.worker), -1)
        FROM unnest(_claims, _workers) WITH ORDINALITY AS given (claim, worker, place) ORDER BY place);
END $$;

-- Writes outcomes, each if its job is still running under its lease, and says of each whether it was. The claims that they come from stand
-- in arrays of their own, and `_which` says whose each one is. What is shared with others is changed by one at a time,
-- under the lock of `lock_flow`: of a job that shares something a call that is not alone says null, and has to be made again alone; a call says
-- whether there was any such job. Outcomes are numbers: 0 completed, 1 retry, 2 snoozed, 3 rate limited, 4
-- unstarted, 5 handed back, 6 cancelled, 7 discarded, 8 dead. A text is an output or a reason.
CREATE FUNCTION finish(
    _claims bigint[], _workers uuid[], _which integer[], _seqs bigint[], _created_ats bigint[], _attempts integer[],
    _outcomes integer[], _ats bigint[], _texts text[], _dues bigint[], _failures text[], _alone boolean,
    OUT stored boolean[], OUT shared boolean
) LANGUAGE plpgsql @entry@ AS $$
DECLARE
    _begun bigint[];
    _done bigint[];
    _kept bigint;
    _awaited bigint[];
    _outputs text[];
    _awaited_ats bigint[];
    _job jobs;
    _claim claims;
    _back record;
    _place bigint;
BEGIN
    IF _alone THEN
        PERFORM lock_flow();
    END IF;
    -- Nobody takes the claims for those of a dead worker meanwhile.
    PERFORM FROM claims WHERE id = ANY (_claims) ORDER BY id FOR NO KEY UPDATE;
    _begun := begun_at(_claims, _workers);
    -- Most outcomes are successes of jobs about which nothing else is to be done. What is to be gone is so only if it has no other flags. Those
    -- that others wait for are let go together below.
    WITH gone AS (
        DELETE FROM jobs j
        USING unnest(_which, _seqs, _created_ats, _attempts, _outcomes, _ats, _texts)
            WITH ORDINALITY AS f (which, seq, created_at, attempt, outcome, at, output, place)
        WHERE f.outcome = 0 AND _begun[f.which] >= 0 AND j.seq = f.seq AND j.created_at = f.created_at AND j.state = 1
            AND j.attempt + 1 = f.attempt AND j.claim < _claims[f.which] AND j.cancel = 0
            AND (j.flags & ~@passive@ = 0 OR j.flags = @fleeting@ OR _alone AND j.flags & ~(@passive@ | @awaited@) = 0)
        RETURNING j.*, f.which, f.at, f.output, f.place
    ), kept AS (
        INSERT INTO ended (seq, created_at, run_at, claim, finished_at, priority, retries, version, flags, attempt, rescues, waits,
            state, cancel, started_at, name, queue, args, output)
        SELECT seq, created_at, run_at, _claims[which], at, priority, retries, version, flags, attempt + 1, rescues, waits, 3, 0,
            _begun[which], name, queue, args, output
        FROM gone WHERE flags <> @fleeting@
    )
    SELECT array_agg(place), count(*) FILTER (WHERE flags <> @fleeting@), array_agg(seq) FILTER (WHERE flags & @awaited@ <> 0),
        array_agg(output) FILTER (WHERE flags & @awaited@ <> 0), array_agg(at) FILTER (WHERE flags & @awaited@ <> 0)
    FROM gone INTO _done, _kept, _awaited, _outputs, _awaited_ats;
    shared := _awaited IS NOT NULL;
    IF shared THEN
        PERFORM release_all(_awaited, _outputs, _awaited_ats);
    END IF;
    IF _kept > 0 THEN
        PERFORM count_completed(_kept);
    END IF;
    stored := array_fill(false, ARRAY[cardinality(_seqs)]);
    FOREACH _place IN ARRAY coalesce(_done, '{}') LOOP
        stored[_place] := true;
    END LOOP;
    IF cardinality(_done) IS DISTINCT FROM cardinality(_seqs) THEN
        FOR _place IN 1 .. cardinality(_seqs) LOOP
            CONTINUE WHEN stored[_place] OR _begun[_which[_place]] < 0;
            SELECT * FROM claims WHERE id = _claims[_which[_place]] INTO _claim;
            SELECT * FROM jobs WHERE seq = _seqs[_place] AND created_at = _created_ats[_place] AND attempt + 1 = _attempts[_place]
            FOR UPDATE INTO _job;
            IF NOT FOUND OR NOT runs_under(_job, _claim) THEN
                stored[_place] := was_finished_in(_seqs[_place], _claim.id);
                CONTINUE;
            END IF;
            shared := shared OR _job.flags & @sharing@ <> 0;
            IF _job.flags & @sharing@ <> 0 AND NOT _alone THEN
                -- It is too late to wait for the lock.
                stored[_place] := NULL;
                CONTINUE;
            END IF;
            PERFORM settle((_job.seq, _job.created_at, _job.attempt + 1, _claim.worker, _claim.id, _claim.at, _job.run_at, _job.rescues,
                _job.cancel, _job.flags)::running, _outcomes[_place], _ats[_place], _texts[_place], _dues[_place], _failures[_place]);
            stored[_place] := true;
        END LOOP;
    END IF;
    -- A claim's row goes when all its jobs have come back.
    FOR _back IN
        SELECT _claims[which] AS claim, count(*) AS jobs FROM unnest(_which, stored) AS f (which, is_stored) WHERE is_stored
        GROUP BY which ORDER BY 1
    LOOP
        UPDATE claims SET running = running - _back.jobs WHERE id = _back.claim AND running > _back.jobs;
        IF NOT FOUND THEN
            DELETE FROM claims WHERE id = _back.claim;
        END IF;
    END LOOP;
END $$;

-- Writes what became of a running job.
CREATE FUNCTION settle(_job running, _outcome integer, _at bigint, _text text, _due bigint, _failure text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF _job.flags & @limited@ <> 0 THEN
        IF _outcome = 4 THEN
            PERFORM give_tokens_back(_job.seq, _job.started_at);
        ELSIF _outcome = 3 THEN
            PERFORM drain_buckets(_job.seq, _due, _at);
        END IF;
        PERFORM free_slots(_job.seq);
    END IF;
    -- One that was asked to be cancelled does not go on by itself.
    IF _job.cancel <> 0 AND _outcome BETWEEN 1 AND 5 THEN
        _outcome := 6;
    END IF;
    IF _outcome NOT IN (0, 4) THEN
        PERFORM remember(_job, (ARRAY['failed', 'snoozed', 'rate limited', NULL, 'handed back', 'cancelled', 'discarded', 'dead'])[_outcome],
            _at, CASE WHEN _outcome <> 7 THEN _failure END);
    END IF;
    CASE
        WHEN _outcome = 0 THEN
            PERFORM complete(_job, _text, _at);
        WHEN _outcome = 1 THEN
            PERFORM run_again(_job, _job.attempt, _due);
            IF _job.flags & @batched@ <> 0 THEN
                PERFORM follow_batch(_job.seq, _at);
            END IF;
        WHEN _outcome IN (2, 3) THEN
            PERFORM run_again(_job, _job.attempt - 1, _due);
        WHEN _outcome IN (4, 5) THEN
            PERFORM run_again(_job, _job.attempt - 1, least(_job.run_at, _at));
        WHEN _outcome = 6 THEN
            PERFORM write_end(_job.seq, 4, NULL, NULL, _at, _job.attempt, _job.claim, _job.started_at);
            PERFORM cancel_waiters(_job.seq, format('chain member %s was cancelled', public_id(_job.seq, _job.created_at)), _at);
        WHEN _outcome = 7 THEN
            PERFORM write_end(_job.seq, 5, NULL, _text, _at, _job.attempt, _job.claim, _job.started_at);
            PERFORM cancel_waiters(_job.seq,
                format('chain member %s was discarded: %s', public_id(_job.seq, _job.created_at), _text), _at);
        ELSE
            PERFORM write_end(_job.seq, 6, NULL, _text, _at, _job.attempt, _job.claim, _job.started_at);
    END CASE;
END $$;

-- Puts an attempt into its job's history.
CREATE FUNCTION remember(_job running, _outcome text, _at bigint, _failure text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO attempts (job, attempt, worker, at, outcome, failure)
    SELECT _job.seq, _job.attempt, id, _at, _outcome, _failure FROM workers WHERE key = _job.worker;
END $$;

CREATE FUNCTION complete(_job running, _output text, _at bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM write_end(_job.seq, 3, _output, NULL, _at, _job.attempt, _job.claim, _job.started_at);
    IF _job.flags & @awaited@ <> 0 THEN
        PERFORM release(_job.seq, _output, _at);
    END IF;
    IF _job.flags & @fleeting@ <> 0 THEN
        PERFORM delete_job(_job.seq, _at);
    END IF;
END $$;

-- A job that ran is ready for its next attempt from `_run_at` on.
CREATE FUNCTION run_again(_job running, _attempt integer, _run_at bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- What becomes of a run otherwise than by completing is in the history, or may be.
    UPDATE jobs SET attempt = _attempt, claim = _job.claim, started_at = _job.started_at, run_at = _run_at, flags = flags | @remembered@
    WHERE seq = _job.seq;
    IF _job.flags & @expires@ <> 0 THEN
        UPDATE details SET may_expire = true WHERE job = _job.seq AND expires_at IS NOT NULL;
    END IF;
    PERFORM enter_ready(_job.seq);
    PERFORM wake('r');
END $$;

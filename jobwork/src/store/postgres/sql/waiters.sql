-- Those that wait for a job: released when it completes, cancelled when it ends otherwise, revived when it is retried.
--
-- A link says that a child waits for a parent. When the parent's output has reached the child, nothing that becomes of the parent
-- concerns the child any more. Whoever changes a parent that has completed lets its children go first, which marks its links as done.

-- Puts `_output` under the key `_slot` of the JSON object `_args`, leaving every other value as its text stands. Raises where one of them
-- isn't JSON, or the arguments are no object.
CREATE FUNCTION filled(_args text, _slot text, _output text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT '{' || string_agg(to_json(key)::text || ':' || value::text, ',' ORDER BY key COLLATE "C") || '}'
    FROM (
        SELECT * FROM (
            -- Of a key that comes twice the last one counts.
            SELECT DISTINCT ON (key) key, value FROM json_each(_args::json) WITH ORDINALITY AS field (key, value, place)
            WHERE key <> _slot ORDER BY key, place DESC
        ) AS others
        UNION ALL SELECT _slot, _output::json
    ) AS fields
$$;

-- As `filled`, but null instead of an error.
CREATE FUNCTION fill(_args text, _slot text, _output text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN filled(_args, _slot, _output);
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
    RETURN NULL;
END $$;

-- Gives the outputs of jobs to those that wait for them. Where each of those waits for one of them only, as in a chain, all are let go
-- together.
CREATE FUNCTION release_all(_seqs bigint[], _outputs text[], _ats bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _alike bigint[];
    _slots text[];
    _given text[];
    _from bigint[];
    _place bigint;
BEGIN
    SELECT array_agg(child), array_agg(slot), array_agg(output), array_agg(at) FROM (
        SELECT l.child, min(l.slot) AS slot, min(g.output) AS output, min(g.at) AS at
        FROM unnest(_seqs, _outputs, _ats) AS g (seq, output, at) JOIN links l ON l.parent = g.seq JOIN jobs j ON j.seq = l.child
        WHERE NOT l.done AND j.state = 0 GROUP BY l.child HAVING count(*) = 1) AS alike
    INTO _alike, _slots, _given, _from;
    BEGIN
        WITH let_go AS (
            UPDATE jobs j SET waits = j.waits - 1, state = CASE WHEN j.waits = 1 THEN 1 ELSE 0 END,
                run_at = CASE WHEN j.waits = 1 THEN greatest(j.run_at, w.at) ELSE j.run_at END,
                args = CASE WHEN w.slot IS NULL THEN j.args ELSE filled(j.args, w.slot, w.output) END
            FROM unnest(_alike, _slots, _given, _from) AS w (child, slot, output, at) WHERE j.seq = w.child
            RETURNING j.*
        )
        INSERT INTO ready (queue, priority, run_at, seq, name, version, special, expires_at)
        SELECT queue, priority, run_at, seq, name, version, flags & @special@ <> 0 OR is_large(args),
            CASE WHEN flags & @expires@ <> 0 THEN (SELECT expires_at FROM details WHERE job = seq) END
        FROM let_go WHERE state = 1;
    EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
        -- Somebody's arguments take no output: one after the other, so that the others do.
        _alike := NULL;
    END;
    FOR _place IN
        SELECT DISTINCT g.place FROM unnest(_seqs) WITH ORDINALITY AS g (seq, place) JOIN links l ON l.parent = g.seq
        WHERE NOT l.done AND (_alike IS NULL OR NOT l.child = ANY (_alike)) ORDER BY 1
    LOOP
        PERFORM release(_seqs[_place], _outputs[_place], _ats[_place], coalesce(_alike, '{}'));
    END LOOP;
    PERFORM wake('r');
END $$;

-- Gives a job's output to those that wait for it, and lets go those that now wait for nothing. Also a job that was cancelled meanwhile
-- takes the output: it may be retried. Those of `_but` have it.
CREATE FUNCTION release(_seq bigint, _output text, _at bigint, _but bigint[] DEFAULT '{}') RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _child bigint;
    _slots text[];
    _slot text;
    _args text;
    _filled text;
    _open boolean;
    _waiting boolean;
BEGIN
    FOR _child, _slots IN
        SELECT child, array_agg(slot ORDER BY place) FROM links WHERE parent = _seq AND NOT done AND NOT child = ANY (_but)
        GROUP BY child ORDER BY child
    LOOP
        SELECT args, true, state = 0 FROM jobs WHERE seq = _child FOR UPDATE INTO _args, _open, _waiting;
        IF NOT FOUND THEN
            SELECT args, false, false FROM ended WHERE seq = _child INTO _args, _open, _waiting;
            CONTINUE WHEN NOT FOUND;
        END IF;
        _filled := _args;
        FOREACH _slot IN ARRAY _slots LOOP
            IF _slot IS NOT NULL AND _filled IS NOT NULL THEN
                _filled := fill(_filled, _slot, _output);
            END IF;
        END LOOP;
        IF _filled IS DISTINCT FROM _args AND _filled IS NOT NULL THEN
            IF _open THEN
                UPDATE jobs SET args = _filled WHERE seq = _child;
            ELSE
                UPDATE ended SET args = _filled WHERE seq = _child;
            END IF;
        END IF;
        IF _filled IS NULL AND _waiting THEN
            UPDATE jobs SET waits = waits - cardinality(_slots) WHERE seq = _child;
            -- The parser's own words may quote the arguments.
            PERFORM end_job(_child, 6, 'undecodable: the arguments take no output by name: they are not a json object', _at);
        ELSE
            PERFORM let_go(_child, cardinality(_slots), _at);
        END IF;
    END LOOP;
END $$;

-- A job that completed will not stay so: those that took its output have nothing to do with it any more.
CREATE FUNCTION let_waiters_go(_seq bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE links SET done = true WHERE parent = _seq;
END $$;

-- Cancels all that wait for `_cause`, directly or through others.
CREATE FUNCTION cancel_waiters(_cause bigint, _why text, _at bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _seq bigint;
BEGIN
    FOR _seq IN
        WITH RECURSIVE below (seq) AS (
            SELECT l.child FROM links l JOIN jobs j ON j.seq = l.child WHERE l.parent = _cause AND NOT l.done AND j.state = 0
            UNION SELECT l.child FROM below JOIN links l ON l.parent = below.seq JOIN jobs j ON j.seq = l.child
            WHERE NOT l.done AND j.state = 0)
        SELECT seq FROM below ORDER BY seq
    LOOP
        UPDATE details SET cause = _cause WHERE job = _seq;
        PERFORM end_job(_seq, 4, _why, _at);
    END LOOP;
END $$;

-- Makes a job what it was before it ended: ready, or waiting for what it still waits for.
CREATE FUNCTION revive(_seq bigint, _now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _flags integer;
BEGIN
    -- Times that have passed no longer hold: they would end it again before it runs.
    UPDATE details SET cause = NULL, kept_until = NULL, may_expire = coalesce(expires_at > _now, false),
        expires_at = CASE WHEN expires_at > _now THEN expires_at END,
        retry_until = CASE WHEN retry_until > _now THEN retry_until END
    WHERE job = _seq;
    WITH gone AS (DELETE FROM ended WHERE seq = _seq RETURNING *)
    INSERT INTO jobs (seq, created_at, run_at, claim, priority, retries, version, flags, attempt, rescues, waits,
        state, cancel, started_at, name, queue, args)
    SELECT seq, created_at, run_at, claim, priority, retries, version, flags, attempt, rescues, waits,
        CASE WHEN waits = 0 THEN 1 ELSE 0 END, cancel, started_at, name, queue, args
    FROM gone;
    SELECT flags FROM jobs WHERE seq = _seq INTO _flags;
    PERFORM enter_ready(_seq);
    PERFORM wake('r');
    IF _flags & @batched@ <> 0 THEN
        PERFORM follow_batch(_seq, _now);
    END IF;
END $$;

-- Brings back those that were cancelled because of `_cause`.
CREATE FUNCTION revive_below(_cause bigint, _now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _below bigint[] := cancelled_by(_cause, _cause);
    _seq bigint;
    _other bigint;
    _why text;
BEGIN
    -- In the order of dispatch, so that a job is looked at after all those that it waits for, and each once.
    WHILE cardinality(_below) > 0 LOOP
        SELECT min(seq) FROM unnest(_below) AS seq INTO _seq;
        _below := array_remove(_below, _seq) || cancelled_by(_seq, _cause);
        SELECT cause, why FROM obstacle(_seq) INTO _other, _why;
        IF NOT FOUND THEN
            PERFORM revive_unless_taken(_seq, _now);
        ELSE
            UPDATE details SET cause = _other WHERE job = _seq;
            UPDATE ended SET reason = _why WHERE seq = _seq;
        END IF;
    END LOOP;
END $$;

-- Brings back a job that was cancelled because of others; one whose unique key is another job's by now stays cancelled by itself.
CREATE FUNCTION revive_unless_taken(_seq bigint, _now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _other uuid := take_key_again(_seq, _now);
BEGIN
    IF _other IS NULL THEN
        PERFORM enter_ordered_again(_seq);
        PERFORM revive(_seq, _now);
    ELSE
        UPDATE details SET cause = NULL WHERE job = _seq;
        UPDATE ended SET reason = format('job %s has its unique key', _other) WHERE seq = _seq;
    END IF;
END $$;

CREATE FUNCTION cancelled_by(_parent bigint, _cause bigint) RETURNS bigint[] LANGUAGE plpgsql AS $$
BEGIN
    RETURN ARRAY(
        SELECT e.seq FROM links l JOIN ended e ON e.seq = l.child JOIN details d ON d.job = e.seq
        WHERE l.parent = _parent AND l.child > _parent AND NOT l.done AND e.state = 4 AND d.cause = _cause);
END $$;

-- Why a job can't go on even if it is revived: something that it waits for ended without an output.
CREATE FUNCTION obstacle(_seq bigint) RETURNS TABLE (cause bigint, why text) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY
    SELECT
        CASE WHEN e.reason IS NOT NULL AND d.cause IS NOT NULL THEN d.cause ELSE l.parent END,
        CASE
            WHEN e.seq IS NULL THEN 'a chain member was deleted'
            WHEN e.reason IS NOT NULL AND d.cause IS NOT NULL THEN e.reason
            ELSE format('chain member %s was %s%s', public_id(l.parent, e.created_at),
                CASE e.state WHEN 4 THEN 'cancelled' ELSE 'discarded' END, ': ' || e.reason)
        END
    FROM links l LEFT JOIN ended e ON e.seq = l.parent LEFT JOIN details d ON d.job = l.parent
    WHERE l.child = _seq AND NOT l.done AND (e.state IN (4, 5) OR e.seq IS NULL AND NOT EXISTS (
        SELECT FROM jobs j WHERE j.seq = l.parent))
    LIMIT 1;
END $$;

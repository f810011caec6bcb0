-- Handing out jobs that are due.
--
-- Most claims look at no job closer than the line says: they take the first rows that nobody else is taking, and one row in `claims` says
-- who has them. Where there is something special in the line (limits, held jobs, expiring ones) or anything is paused or limited, the claim
-- is made closely, under the lock of `lock_flow`.

-- What a worker asks for.
CREATE TYPE claiming AS (
    worker uuid,
    -- The worker's own number.
    key bigint,
    -- Null for all.
    queues text[],
    names text[],
    -- Of each name the newest version that it understands, and the lowest of them.
    versions bigint[],
    lowest bigint,
    most bigint,
    now bigint,
    -- In milliseconds; null lets nothing age.
    ageing bigint,
    capped text[],
    caps bigint[],
    -- Behind which one a claim of all queues begins.
    last_queue text COLLATE "C"
);

-- Whether a job is for this worker.
CREATE FUNCTION serves(_claim claiming, _name text, _version bigint) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT _name = ANY (_claim.names)
        AND (_version <= _claim.lowest OR _version <= _claim.versions[array_position(_claim.names, _name)])
$$;

-- The queue that a claim looks at after this one, or first; null when it has looked at all. A worker that serves all begins behind the one
-- from which its last jobs came, so that none starves.
CREATE FUNCTION next_queue(_claim claiming, _queue text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    _next text;
BEGIN
    IF _claim.queues IS NOT NULL THEN
        RETURN _claim.queues[CASE WHEN _queue IS NULL THEN 1 ELSE array_position(_claim.queues, _queue) + 1 END];
    END IF;
    IF _queue IS NULL THEN
        _next := (SELECT queue FROM ready WHERE queue > _claim.last_queue ORDER BY queue LIMIT 1);
        RETURN coalesce(_next, (SELECT queue FROM ready ORDER BY queue LIMIT 1));
    END IF;
    _next := (SELECT queue FROM ready WHERE queue > _queue ORDER BY queue LIMIT 1);
    IF _queue > _claim.last_queue THEN
        -- Behind the end it goes on from the beginning.
        RETURN coalesce(_next, (SELECT queue FROM ready WHERE queue <= _claim.last_queue ORDER BY queue LIMIT 1));
    END IF;
    RETURN CASE WHEN _next <= _claim.last_queue THEN _next END;
END $$;

-- How many jobs a claim may get from a queue.
CREATE FUNCTION cap_of(_claim claiming, _queue text) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(_claim.caps[array_position(_claim.capped, _queue)], _claim.most)
$$;

-- The due jobs of a queue that the worker can perform and nobody else is taking, the most urgent first, at most `_room`: their rows in
-- the line, which are locked, and their numbers.
CREATE FUNCTION find_due(_claim claiming, _queue text, _room bigint, _closely boolean, OUT places tid[], OUT seqs bigint[])
LANGUAGE plpgsql AS $$
DECLARE
    _names text[] := _claim.names;
    _versions bigint[] := _claim.versions;
    _lowest bigint := _claim.lowest;
    _now bigint := _claim.now;
    _priority integer;
    _wanted bigint := _room;
    _places tid[];
    _seqs bigint[];
BEGIN
    places := ARRAY[]::tid[];
    seqs := ARRAY[]::bigint[];
    IF _room <= 0 THEN
        RETURN;
    END IF;
    SELECT priority FROM ready WHERE queue = _queue ORDER BY priority DESC LIMIT 1 INTO _priority;
    WHILE _priority IS NOT NULL LOOP
        SELECT array_agg(due.place), array_agg(due.seq) FROM (
            SELECT ctid AS place, seq FROM ready
            WHERE queue = _queue AND priority = _priority AND run_at <= _now AND name = ANY (_names)
                AND (version <= _lowest OR version <= _versions[array_position(_names, name)])
                AND (_closely OR NOT special) AND (expires_at IS NULL OR expires_at > _now)
            ORDER BY run_at, seq LIMIT _wanted FOR UPDATE SKIP LOCKED
        ) AS due INTO _places, _seqs;
        IF _seqs IS NOT NULL THEN
            places := places || _places;
            seqs := seqs || _seqs;
        END IF;
        -- Where jobs age, every level may have the most urgent; a level's own order is theirs in any case.
        IF _claim.ageing IS NULL THEN
            _wanted := _room - cardinality(seqs);
            EXIT WHEN _wanted <= 0;
        END IF;
        SELECT priority FROM ready WHERE queue = _queue AND priority < _priority ORDER BY priority DESC LIMIT 1 INTO _priority;
    END LOOP;
    IF _claim.ageing IS NOT NULL AND cardinality(seqs) > 0 THEN
        SELECT array_agg(urgent.place), array_agg(urgent.seq) FROM (
            SELECT ctid AS place, seq FROM ready WHERE ctid = ANY (places)
            ORDER BY priority + greatest(0, _now - run_at) / greatest(1, _claim.ageing) DESC, run_at, seq LIMIT _room
        ) AS urgent INTO places, seqs;
    END IF;
END $$;

-- When the first job of a queue that is due later, and for this worker, falls due.
CREATE FUNCTION next_due(_claim claiming, _queue text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    _names text[] := _claim.names;
    _versions bigint[] := _claim.versions;
    _lowest bigint := _claim.lowest;
    _now bigint := _claim.now;
    _priority integer;
    _next bigint;
BEGIN
    SELECT priority FROM ready WHERE queue = _queue ORDER BY priority DESC LIMIT 1 INTO _priority;
    WHILE _priority IS NOT NULL LOOP
        _next := least(_next, (
            SELECT run_at FROM ready
            WHERE queue = _queue AND priority = _priority AND run_at > _now AND name = ANY (_names)
                AND (version <= _lowest OR version <= _versions[array_position(_names, name)])
            ORDER BY run_at LIMIT 1));
        SELECT priority FROM ready WHERE queue = _queue AND priority < _priority ORDER BY priority DESC LIMIT 1 INTO _priority;
    END LOOP;
    RETURN _next;
END $$;

-- Writes down that a worker has these jobs, as runs of numbers that follow one another, and says which claim that is.
CREATE FUNCTION start_claim(_worker bigint, _seqs bigint[], _now bigint, _token bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    _claim bigint := nextval('claim_number');
BEGIN
    INSERT INTO claims (id, worker, at, running, token, firsts, lasts)
    SELECT _claim, _worker, _now, cardinality(_seqs), _token, array_agg(first ORDER BY first), array_agg(last ORDER BY first) FROM (
        SELECT min(seq) AS first, max(seq) AS last FROM (
            SELECT seq, seq - row_number() OVER (ORDER BY seq) AS run FROM unnest(_seqs) AS seq) AS numbered
        GROUP BY run) AS runs;
    RETURN _claim;
END $$;

-- The claim of a job that a worker gets, of which the job's own row stays as it is. The last row names no job, but says when the next one
-- may be ready for this worker, where there were fewer than were asked for. By the token, a number that no other claim of the worker has,
-- the claim can be given back when its answer was lost.
CREATE FUNCTION claim(
    _worker uuid, _queues text[], _names text[], _versions bigint[], _most bigint, _now bigint, _ageing bigint,
    _capped text[], _caps bigint[], _last_queue text, _token bigint
) RETURNS TABLE (
    seq bigint, created_at bigint, claim bigint, name text, queue text, args text, attempt integer, priority integer,
    retries bigint, rescues integer, run_at bigint, version bigint, tags text[], chain bigint, place bigint, on_error text,
    retry_until bigint, batch bigint, batch_at bigint, checkpoint text, next_due bigint
) LANGUAGE plpgsql @entry@ AS $$
#variable_conflict use_column
DECLARE
    _claim claiming;
    _seqs bigint[] := '{}';
    _number bigint;
    _next bigint;
    _pause record;
BEGIN
    -- As long as this is not over, nobody takes the worker for dead, and misses this claim.
    SELECT _worker, w.key, _queues, _names, _versions, (SELECT min(v) FROM unnest(_versions) AS v), _most, _now, _ageing, _capped, _caps, _last_queue
    FROM workers w WHERE w.id = _worker AND (_token = ANY (w.refused)) IS NOT TRUE FOR KEY SHARE INTO _claim;
    IF NOT FOUND OR _most <= 0 THEN
        RETURN;
    END IF;
    SELECT until FROM pause_of('everything', '', _now) INTO _pause;
    IF FOUND THEN
        RETURN QUERY SELECT NULL::bigint, NULL::bigint, NULL::bigint, NULL::text, NULL::text, NULL::text, NULL::integer, NULL::integer,
            NULL::bigint, NULL::integer, NULL::bigint, NULL::bigint, NULL::text[], NULL::bigint, NULL::bigint, NULL::text,
            NULL::bigint, NULL::bigint, NULL::bigint, NULL::text, _pause.until;
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM ready r WHERE r.special AND (_queues IS NULL OR r.queue = ANY (_queues)))
        OR EXISTS (SELECT FROM gates g WHERE g.wake_at <= _now)
        OR EXISTS (SELECT FROM pauses) OR EXISTS (SELECT FROM queue_limits)
    THEN
        SELECT seqs, next FROM take_closely(_claim) INTO _seqs, _next;
    ELSE
        SELECT seqs, next FROM take(_claim) INTO _seqs, _next;
    END IF;
    IF cardinality(_seqs) > 0 THEN
        _number := start_claim(_claim.key, _seqs, _now, _token);
        RETURN QUERY
        SELECT j.seq, j.created_at, _number, j.name, j.queue, j.args, j.attempt + 1, j.priority, j.retries, j.rescues, j.run_at,
            j.version, d.tags, d.chain, d.position, d.on_error, d.retry_until, d.batch,
            (SELECT b.created_at FROM batches b WHERE b.seq = d.batch),
            CASE WHEN j.flags & 256 <> 0 THEN (SELECT n.checkpoint FROM notes n WHERE n.job = j.seq) END, NULL::bigint
        FROM unnest(_seqs) WITH ORDINALITY AS taken (number, place)
        JOIN jobs j ON j.seq = taken.number LEFT JOIN details d ON d.job = CASE WHEN j.flags & 1024 <> 0 THEN j.seq END
        ORDER BY taken.place;
    END IF;
    IF _next IS NOT NULL AND cardinality(_seqs) < _most THEN
        RETURN QUERY SELECT NULL::bigint, NULL::bigint, NULL::bigint, NULL::text, NULL::text, NULL::text, NULL::integer, NULL::integer,
            NULL::bigint, NULL::integer, NULL::bigint, NULL::bigint, NULL::text[], NULL::bigint, NULL::bigint, NULL::text,
            NULL::bigint, NULL::bigint, NULL::bigint, NULL::text, _next;
    END IF;
END $$;

-- Takes what is due out of the line.
CREATE FUNCTION take(_claim claiming, OUT seqs bigint[], OUT next bigint) LANGUAGE plpgsql AS $$
DECLARE
    _queue text COLLATE "C" := next_queue(_claim, NULL);
    _found record;
    _room bigint;
BEGIN
    seqs := ARRAY[]::bigint[];
    WHILE _queue IS NOT NULL LOOP
        _room := least(cap_of(_claim, _queue), _claim.most - cardinality(seqs));
        _found := find_due(_claim, _queue, _room, false);
        IF cardinality(_found.seqs) > 0 THEN
            DELETE FROM ready WHERE ctid = ANY (_found.places);
            seqs := seqs || _found.seqs;
        END IF;
        EXIT WHEN cardinality(seqs) >= _claim.most;
        IF cardinality(_found.seqs) < _room THEN
            next := least(next, next_due(_claim, _queue));
        END IF;
        _queue := next_queue(_claim, _queue);
    END LOOP;
    IF cardinality(seqs) < _claim.most THEN
        next := least(next, next_gate(_claim));
    END IF;
END $$;

-- Handing out jobs that are due.
--
-- Most claims look at no job closer than the line says: they take the first rows that nobody else is taking, and one row in `claims` says
-- who has them. Where something special is due (limits, held jobs, expiring ones, large ones), anything is paused or limited, or jobs age, the claim is made
-- closely, under the lock of `lock_flow`.

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

-- Writes down that a worker has these jobs, as runs of numbers that follow one another, and says which claim that is.
CREATE FUNCTION start_claim(_worker bigint, _seqs bigint[], _now bigint, _token bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    _claim bigint := nextval('claim_number');
    _first bigint := _seqs[1];
    _last bigint := _seqs[1];
BEGIN
    IF cardinality(_seqs) > 1 THEN
        SELECT min(seq), max(seq) FROM unnest(_seqs) AS seq INTO _first, _last;
    END IF;
    IF _last - _first + 1 = cardinality(_seqs) THEN
        INSERT INTO claims (id, worker, at, running, token, firsts, lasts)
        VALUES (_claim, _worker, _now, cardinality(_seqs), _token, ARRAY[_first], ARRAY[_last]);
        RETURN _claim;
    END IF;
    INSERT INTO claims (id, worker, at, running, token, firsts, lasts)
    SELECT _claim, _worker, _now, cardinality(_seqs), _token, array_agg(first ORDER BY first), array_agg(last ORDER BY first) FROM (
        SELECT min(seq) AS first, max(seq) AS last FROM (
            SELECT seq, seq - row_number() OVER (ORDER BY seq) AS run FROM unnest(_seqs) AS seq) AS numbered
        GROUP BY run) AS runs;
    RETURN _claim;
END $$;

-- The jobs that a worker gets, whose own rows stay as they are. The last row names no job, but says when the next one may be ready for this
-- worker, where there were fewer than were asked for. By the token, a number that no other claim of the worker has, the claim can be given
-- back when its answer was lost. For the heads see `take`.
CREATE FUNCTION claim(
    _worker uuid, _queues text[], _names text[], _versions bigint[], _most bigint, _now bigint, _ageing bigint,
    _capped text[], _caps bigint[], _last_queue text, _token bigint,
    _head_queues text[], _head_priorities integer[], _head_run_ats bigint[], _head_seqs bigint[]
) RETURNS TABLE (
    seq bigint, created_at bigint, claim bigint, name text, queue text, args text, attempt integer, priority integer,
    retries bigint, rescues integer, run_at bigint, version bigint, tags text[], chain bigint, place bigint, on_error text,
    retry_until bigint, batch bigint, batch_at bigint, checkpoint text, next_due bigint
) LANGUAGE plpgsql @entry@ AS $$
#variable_conflict use_column
DECLARE
    _key bigint;
    _lowest bigint;
    _gates boolean;
    _closely boolean;
    _asked claiming;
    _took record;
    _seqs bigint[];
    _number bigint;
    _next bigint;
BEGIN
    -- As long as this is not over, nobody takes the worker for dead, and misses this claim.
    SELECT w.key, (SELECT min(v) FROM unnest(_versions) AS v), EXISTS (SELECT FROM gates),
        _ageing IS NOT NULL
            OR EXISTS (SELECT FROM ready r WHERE r.special AND r.run_at <= _now AND (_queues IS NULL OR r.queue = ANY (_queues)))
            OR EXISTS (SELECT FROM pauses) OR EXISTS (SELECT FROM queue_limits) OR EXISTS (SELECT FROM gates g WHERE g.wake_at <= _now)
    FROM workers w WHERE w.id = _worker AND (_token = ANY (w.refused)) IS NOT TRUE
    FOR KEY SHARE OF w INTO _key, _lowest, _gates, _closely;
    IF NOT FOUND OR _most <= 0 THEN
        RETURN;
    END IF;
    IF _gates OR _closely THEN
        _asked := (_worker, _key, _queues, _names, _versions, _lowest, _most, _now, _ageing, _capped, _caps, _last_queue)::claiming;
    END IF;
    IF _closely THEN
        _took := take_closely(_asked);
    ELSE
        _took := take(_queues, _names, _versions, _lowest, _most, _now, _capped, _caps, _last_queue,
            _head_queues, _head_priorities, _head_run_ats, _head_seqs);
        IF cardinality(_took.seqs) = 0 AND cardinality(_head_queues) > 0 THEN
            _took := take(_queues, _names, _versions, _lowest, _most, _now, _capped, _caps, _last_queue, '{}', '{}', '{}', '{}');
        END IF;
    END IF;
    _seqs := _took.seqs;
    _next := _took.next;
    IF _gates AND NOT _closely AND cardinality(_seqs) < _most THEN
        _next := least(_next, next_gate(_asked));
    END IF;
    IF cardinality(_seqs) > 0 THEN
        _number := start_claim(_key, _seqs, _now, _token);
        RETURN QUERY
        SELECT j.seq, j.created_at, _number, j.name, j.queue, j.args, j.attempt + 1, j.priority, j.retries, j.rescues, j.run_at,
            j.version, d.tags, d.chain, d.position, d.on_error, d.retry_until, d.batch,
            CASE WHEN d.batch IS NOT NULL THEN (SELECT b.created_at FROM batches b WHERE b.seq = d.batch) END,
            CASE WHEN j.flags & @noted@ <> 0 THEN (SELECT n.checkpoint FROM notes n WHERE n.job = j.seq) END, NULL::bigint
        FROM unnest(_seqs) WITH ORDINALITY AS taken (number, place)
        JOIN jobs j ON j.seq = taken.number LEFT JOIN details d ON d.job = CASE WHEN j.flags & @detailed@ <> 0 THEN j.seq END
        ORDER BY taken.place;
    END IF;
    IF _next IS NOT NULL AND cardinality(_seqs) < _most THEN
        next_due := _next;
        RETURN NEXT;
    END IF;
END $$;

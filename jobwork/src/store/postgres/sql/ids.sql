-- Ids, words and locks.
--
-- In all functions names with an underscore before them are parameters and variables, all others are columns.

-- The public id of a job or a batch: a UUID of version 8 made of its number and the time of its dispatch.
CREATE FUNCTION public_id(_seq bigint, _created_at bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex(_created_at & 281474976710655), 12, '0') || '8000'
        || to_hex(_seq | (-9223372036854775808)))::uuid
$$;

-- The number that a public id was made of.
CREATE FUNCTION number_of(_id uuid) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT ('x' || right(replace(_id::text, '-', ''), 16))::bit(64)::bigint & 4611686018427387903
$$;

-- The time of dispatch that a public id was made of; -1 for an id that was made otherwise.
CREATE FUNCTION time_of(_id uuid) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN substr(_id::text, 15, 1) = '8'
        THEN ('x0000' || left(replace(_id::text, '-', ''), 12))::bit(64)::bigint ELSE -1 END
$$;

-- Tells all processes, once this is committed, that something they may wait for has happened: `r` (ready), `s` (settled), `c` (a command
-- or a cancel).
CREATE FUNCTION wake(_topic text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('jobwork:' || current_schema(), _topic);
END $$;

-- Whoever changes what jobs share (limits, keys, orders, batches, links) does it alone.
--
-- Locks are taken in one order, so that nobody waits for what is held by somebody who waits for him: rows of workers, this one, rows of
-- claims, of jobs, of ended jobs, and places in the line.
CREATE FUNCTION lock_flow() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(1785687650, hashtext(current_schema()));
END $$;

-- No claim of these workers is under way any more, nor begins before the end of this transaction: a claim shares its worker's row.
CREATE FUNCTION stop_claims(_workers bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM workers WHERE key = ANY (_workers) ORDER BY key FOR UPDATE;
END $$;

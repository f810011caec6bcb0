-- The line of ready jobs, in the order in which claims take them.
--
-- A job whose row says that it is ready is in this line, or it runs. Whoever starts jobs takes them out of the line and writes nothing
-- else of theirs, and whoever changes a ready job by other means takes it out first: the line's row is the lock between the two.

-- Whether arguments are so large that a claim counts their bytes.
CREATE FUNCTION is_large(_args text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT octet_length(_args) > @large@
$$;

-- Puts a job into the line, if its row says that it is ready. It is special if a claim has to look closer at it: it has limits, was
-- held, gives up its key when it starts, may expire, or is large.
CREATE FUNCTION enter_ready(_seq bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ready (queue, priority, run_at, seq, name, version, special, expires_at)
    SELECT queue, priority, run_at, seq, name, version, flags & @special@ <> 0 OR is_large(args),
        CASE WHEN flags & @expires@ <> 0 THEN (SELECT expires_at FROM details WHERE job = _seq) END
    FROM jobs WHERE seq = _seq AND state = 1;
END $$;

-- Takes a job out of the line, and says whether it was in it. Waits for whoever is about to claim it.
CREATE FUNCTION leave_ready(_seq bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM ready r USING jobs j
    WHERE j.seq = _seq AND (r.queue, r.priority, r.run_at, r.seq) = (j.queue, j.priority, j.run_at, j.seq);
    RETURN FOUND;
END $$;

-- A job is ready from this time on if it waits for nothing any more.
CREATE FUNCTION let_go(_seq bigint, _fewer integer, _at bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE jobs SET waits = waits - _fewer,
        state = CASE WHEN state = 0 AND waits = _fewer THEN 1 ELSE state END,
        run_at = CASE WHEN state = 0 AND waits = _fewer THEN greatest(run_at, _at) ELSE run_at END
    WHERE seq = _seq;
    IF FOUND THEN
        PERFORM enter_ready(_seq);
        PERFORM wake('r');
    ELSE
        -- It has ended meanwhile, and may be retried.
        UPDATE ended SET waits = waits - _fewer WHERE seq = _seq;
    END IF;
END $$;

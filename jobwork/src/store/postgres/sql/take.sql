-- Taking what is due out of the line, where nothing in it is special.
--
-- What was taken leaves dead entries in the index of the line until it is vacuumed, which whoever begins at the front has to pass. So a process
-- remembers where it took last in each level, which is a queue and a priority: its heads. A claim that is given heads begins there, and at the
-- front only if it finds nothing. It does not see what has come before them meanwhile, and so now and then a claim is given none.

-- The queue with ready jobs after this one, or the first; known ones are taken to have some.
CREATE FUNCTION queue_after(_queue text, _known text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    _next text;
    _nearer text;
BEGIN
    IF cardinality(_known) > 0 THEN
        SELECT min(known COLLATE "C") FROM unnest(_known) AS known WHERE _queue IS NULL OR known COLLATE "C" > _queue INTO _next;
    END IF;
    -- Each is a plan of one node, which one for all cases would not be.
    IF _queue IS NULL AND _next IS NULL THEN
        SELECT queue FROM ready ORDER BY queue LIMIT 1 INTO _nearer;
    ELSIF _queue IS NULL THEN
        SELECT queue FROM ready WHERE queue < _next ORDER BY queue LIMIT 1 INTO _nearer;
    ELSIF _next IS NULL THEN
        SELECT queue FROM ready WHERE queue > _queue ORDER BY queue LIMIT 1 INTO _nearer;
    ELSE
        SELECT queue FROM ready WHERE queue > _queue AND queue < _next ORDER BY queue LIMIT 1 INTO _nearer;
    END IF;
    RETURN coalesce(_nearer, _next);
END $$;

-- The queue that a claim looks at next, with its place; null when it has looked at all. Places begin with 0, before the first one. A worker that
-- serves all begins behind the queue from which its last jobs came, so that none starves, and goes on from the first one in place 2.
CREATE FUNCTION next_queue(_queues text[], _last_queue text, _known text[], INOUT place integer, INOUT queue text) LANGUAGE plpgsql AS $$
BEGIN
    IF _queues IS NOT NULL THEN
        place := place + 1;
        queue := _queues[place];
        RETURN;
    END IF;
    IF place < 2 THEN
        queue := queue_after(CASE place WHEN 0 THEN _last_queue ELSE queue END, _known);
        place := 1;
        IF queue IS NOT NULL THEN
            RETURN;
        END IF;
    END IF;
    queue := queue_after(CASE place WHEN 2 THEN queue END, _known);
    place := 2;
    IF queue COLLATE "C" > _last_queue THEN
        queue := NULL;
    END IF;
END $$;

-- The place of the head with the highest priority in this queue that is lower than this one; null where there is none.
CREATE FUNCTION head_below(_queue text, _priority bigint, _head_queues text[], _head_priorities integer[]) RETURNS integer
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    _head integer;
BEGIN
    FOR _place IN 1 .. cardinality(_head_queues) LOOP
        IF _head_queues[_place] = _queue AND _head_priorities[_place] < _priority
            AND (_head IS NULL OR _head_priorities[_place] > _head_priorities[_head])
        THEN
            _head := _place;
        END IF;
    END LOOP;
    RETURN _head;
END $$;

-- When to look at a level again: when its first later job for this worker is due, or behind a hundred for others, when those are.
CREATE FUNCTION due_after(_queue text, _priority integer, _names text[], _versions bigint[], _lowest bigint, _now bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
    RETURN coalesce(
        (SELECT run_at FROM (
            SELECT run_at, name, version FROM ready WHERE queue = _queue AND priority = _priority AND run_at > _now
            ORDER BY run_at LIMIT 100) AS later
        WHERE name = ANY (_names) AND (version <= _lowest OR version <= _versions[array_position(_names, name)])
        ORDER BY run_at LIMIT 1),
        (SELECT run_at FROM ready WHERE queue = _queue AND priority = _priority AND run_at > _now ORDER BY run_at OFFSET 99 LIMIT 1));
END $$;

-- Takes due jobs, the queues in their order; if there are fewer than were asked for, says when the next one is due. Most claims find a few jobs of
-- one level, so there is one statement to a level: each one costs more than what it looks at.
CREATE FUNCTION take(
    _queues text[], _names text[], _versions bigint[], _lowest bigint, _most bigint, _now bigint, _capped text[], _caps bigint[],
    _last_queue text, _head_queues text[], _head_priorities integer[], _head_run_ats bigint[], _head_seqs bigint[],
    OUT seqs bigint[], OUT next bigint
) LANGUAGE plpgsql AS $$
DECLARE
    _at record;
    _queue text COLLATE "C";
    _room bigint;
    _priority integer;
    _head integer;
    _head_run_at bigint;
    _head_seq bigint;
    _lower integer;
    _due bigint;
    _taken bigint[];
BEGIN
    seqs := ARRAY[]::bigint[];
    _at := next_queue(_queues, _last_queue, _head_queues, 0, NULL);
    WHILE _at.queue IS NOT NULL LOOP
        _queue := _at.queue;
        _room := least(coalesce(_caps[array_position(_capped, _queue)], _most), _most - cardinality(seqs));
        -- More than any priority.
        _head := head_below(_queue, 2147483648, _head_queues, _head_priorities);
        SELECT priority FROM ready WHERE queue = _queue AND priority > coalesce(_head_priorities[_head], -2147483649)
        ORDER BY priority DESC LIMIT 1 INTO _priority;
        _priority := coalesce(_priority, _head_priorities[_head]);
        WHILE _room > 0 AND _priority IS NOT NULL LOOP
            _head_run_at := -1;
            _head_seq := -1;
            IF _priority = _head_priorities[_head] THEN
                _head_run_at := _head_run_ats[_head];
                _head_seq := _head_seqs[_head];
                _head := head_below(_queue, _priority, _head_queues, _head_priorities);
            END IF;
            WITH due AS MATERIALIZED (
                SELECT ctid AS place, seq FROM ready
                WHERE queue = _queue AND priority = _priority AND run_at <= _now AND (run_at, seq) >= (_head_run_at, _head_seq)
                    AND name = ANY (_names) AND (version <= _lowest OR version <= _versions[array_position(_names, name)]) AND NOT special
                ORDER BY run_at, seq LIMIT _room FOR UPDATE SKIP LOCKED
            ), gone AS (
                DELETE FROM ready WHERE ctid = ANY (ARRAY(SELECT place FROM due))
            )
            SELECT array_agg(seq),
                CASE WHEN count(*) < _room THEN due_after(_queue, _priority, _names, _versions, _lowest, _now) END,
                CASE WHEN count(*) < _room THEN (SELECT priority FROM ready
                    WHERE queue = _queue AND priority < _priority AND priority > coalesce(_head_priorities[_head], -2147483649)
                    ORDER BY priority DESC LIMIT 1) END
            FROM due INTO _taken, _due, _lower;
            seqs := seqs || _taken;
            _room := _room - coalesce(cardinality(_taken), 0);
            next := least(next, _due);
            _priority := coalesce(_lower, _head_priorities[_head]);
        END LOOP;
        EXIT WHEN cardinality(seqs) >= _most;
        _at := next_queue(_queues, _last_queue, _head_queues, _at.place, _queue);
    END LOOP;
END $$;

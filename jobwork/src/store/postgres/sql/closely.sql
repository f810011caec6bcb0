-- Claims that look closer: pauses, limits of queues and keys, jobs that may have expired, jobs that age, and large ones.

-- How many jobs a claim may get from a queue.
CREATE FUNCTION cap_of(_claim claiming, _queue text) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(_claim.caps[array_position(_claim.capped, _queue)], _claim.most)
$$;

-- The places in the line of the due jobs of a queue that the worker can perform and nobody else is taking, the most urgent first, at most
-- `_room`. They are locked.
CREATE FUNCTION find_due(_claim claiming, _queue text, _room bigint) RETURNS tid[] LANGUAGE plpgsql AS $$
DECLARE
    _names text[] := _claim.names;
    _versions bigint[] := _claim.versions;
    _lowest bigint := _claim.lowest;
    _now bigint := _claim.now;
    _priority integer;
    _wanted bigint := _room;
    _level tid[];
    _found tid[] := ARRAY[]::tid[];
BEGIN
    SELECT priority FROM ready WHERE queue = _queue ORDER BY priority DESC LIMIT 1 INTO _priority;
    WHILE _priority IS NOT NULL AND _wanted > 0 LOOP
        SELECT array_agg(place) FROM (
            SELECT ctid AS place FROM ready
            WHERE queue = _queue AND priority = _priority AND run_at <= _now AND name = ANY (_names)
                AND (version <= _lowest OR version <= _versions[array_position(_names, name)])
                AND (expires_at IS NULL OR expires_at > _now)
            ORDER BY run_at, seq LIMIT _wanted FOR UPDATE SKIP LOCKED
        ) AS due INTO _level;
        _found := _found || coalesce(_level, '{}');
        -- Where jobs age, every level may have the most urgent; a level's own order is theirs in any case.
        IF _claim.ageing IS NULL THEN
            _wanted := _room - cardinality(_found);
        END IF;
        SELECT priority FROM ready WHERE queue = _queue AND priority < _priority ORDER BY priority DESC LIMIT 1 INTO _priority;
    END LOOP;
    RETURN ARRAY(
        SELECT ctid FROM ready WHERE ctid = ANY (_found)
        ORDER BY priority + CASE WHEN _claim.ageing IS NULL THEN 0 ELSE greatest(0, _now - run_at) / greatest(1, _claim.ageing) END DESC,
            run_at, seq
        LIMIT _room);
END $$;

-- When the first job of a queue that is due later, and for this worker, falls due.
CREATE FUNCTION next_due(_claim claiming, _queue text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    _priority integer;
    _next bigint;
BEGIN
    SELECT priority FROM ready WHERE queue = _queue ORDER BY priority DESC LIMIT 1 INTO _priority;
    WHILE _priority IS NOT NULL LOOP
        _next := least(_next, due_after(_queue, _priority, _claim.names, _claim.versions, _claim.lowest, _claim.now));
        SELECT priority FROM ready WHERE queue = _queue AND priority < _priority ORDER BY priority DESC LIMIT 1 INTO _priority;
    END LOOP;
    RETURN _next;
END $$;

-- The limits of a queue, as limits of a key, or null.
CREATE FUNCTION limits_of_queue(_queue text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    _rule jsonb := (SELECT rule FROM queue_limits WHERE queue = _queue);
BEGIN
    RETURN (SELECT jsonb_agg(jsonb_build_object('key', queue_key(_queue), 'rule', jsonb_build_object(key, value)))
        FROM jsonb_each(_rule) WHERE value <> 'null');
END $$;

-- How many more jobs of a queue may start; where there are none, when it is worth looking again.
CREATE FUNCTION queue_room(_queue text, _now bigint, OUT room bigint, OUT look_at bigint) LANGUAGE plpgsql AS $$
DECLARE
    _limits jsonb;
BEGIN
    room := 0;
    SELECT until FROM pause_of('queue', _queue, _now) INTO look_at;
    IF FOUND THEN
        RETURN;
    END IF;
    _limits := limits_of_queue(_queue);
    IF _limits IS NULL THEN
        room := 9223372036854775807;
        RETURN;
    END IF;
    room := room(_limits, queue_key(_queue), _now);
    IF room = 0 THEN
        look_at := (next_room(_limits, queue_key(_queue), _now)).look_at;
    END IF;
END $$;

-- Takes what a due job needs of its limits, or holds it; says whether it may start.
CREATE FUNCTION admit(_seq bigint, _now bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    _job jobs;
    _held text;
    _limits jsonb := '[]';
    _shared jsonb;
    _key text;
BEGIN
    SELECT * FROM jobs WHERE seq = _seq INTO _job;
    IF _job.flags & @held@ <> 0 THEN
        SELECT key FROM held WHERE job = _seq INTO _held;
    END IF;
    IF _job.flags & @limited@ <> 0 THEN
        _limits := limits_of(_seq);
    END IF;
    IF EXISTS (SELECT FROM pause_of('job', _job.name, _now)) THEN
        _key := name_key(_job.name);
    ELSE
        _key := full_key(_limits, _now);
    END IF;
    IF _key IS NOT NULL THEN
        PERFORM hold_job(_seq, _key);
        IF _held IS DISTINCT FROM _key THEN
            PERFORM settle_gate(_held, _job.queue, _job.name, _job.version, _now);
        END IF;
        PERFORM settle_gate(_key, _job.queue, _job.name, _job.version, _now);
        RETURN false;
    END IF;
    PERFORM take_limits(_seq, _limits, _now);
    _shared := limits_of_queue(_job.queue);
    IF _shared IS NOT NULL THEN
        PERFORM take_limits(_seq, _shared, _now);
        UPDATE jobs SET flags = flags | @limited@ WHERE seq = _seq AND flags & @limited@ = 0;
    END IF;
    IF _held IS NOT NULL THEN
        DELETE FROM held WHERE job = _seq;
        PERFORM settle_gate(_held, _job.queue, _job.name, _job.version, _now);
    END IF;
    -- It gives its key up if it has it only until it starts, and can't expire any more.
    IF _job.flags & @key_until_started@ <> 0 THEN
        PERFORM give_up_key(_seq);
    END IF;
    IF _job.flags & @expires@ <> 0 THEN
        PERFORM cannot_expire(_seq);
    END IF;
    RETURN true;
END $$;

-- Ends jobs that this worker would get had they not expired, and says how many. At most 500; the next claim goes on.
CREATE FUNCTION end_expired_ready(_claim claiming) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    _seq bigint;
    _count bigint := 0;
BEGIN
    FOR _seq IN
        SELECT d.job FROM details d JOIN jobs j ON j.seq = d.job
        WHERE d.may_expire AND d.expires_at <= _claim.now AND j.state = 1 AND j.run_at <= _claim.now
            AND (_claim.queues IS NULL OR j.queue = ANY (_claim.queues)) AND serves(_claim, j.name, j.version)
            AND cap_of(_claim, j.queue) > 0
        ORDER BY d.expires_at, d.job LIMIT 500
    LOOP
        IF end_expired(_seq, _claim.now) THEN
            _count := _count + 1;
        END IF;
    END LOOP;
    RETURN _count;
END $$;

-- Takes what is due and may start out of the line.
CREATE FUNCTION take_closely(_claim claiming, OUT seqs bigint[], OUT next bigint) LANGUAGE plpgsql AS $$
DECLARE
    _queue text COLLATE "C";
    _place integer := 0;
    _limited text;
    _found tid[];
    _at tid;
    _seq bigint;
    _room bigint;
    _look_at bigint;
    _of_queue bigint;
    _held bigint := 0;
    _held_before bigint;
    _expired bigint;
    _bytes bigint := 0;
BEGIN
    seqs := ARRAY[]::bigint[];
    SELECT until FROM pause_of('everything', '', _claim.now) INTO next;
    IF FOUND THEN
        RETURN;
    END IF;
    PERFORM lock_flow();
    PERFORM release_gates(_claim);
    _expired := end_expired_ready(_claim);
    LOOP
        SELECT place, queue FROM next_queue(_claim.queues, _claim.last_queue, '{}', _place, _queue) INTO _place, _queue;
        EXIT WHEN _queue IS NULL;
        SELECT room, look_at FROM queue_room(_queue, _claim.now) INTO _room, _look_at;
        IF _room = 0 THEN
            next := least(next, _look_at);
            CONTINUE;
        END IF;
        _room := least(_room, cap_of(_claim, _queue), _claim.most - cardinality(seqs));
        _of_queue := 0;
        -- Others are looked for in the place of those that turn out to be held.
        LOOP
            _held_before := _held;
            _found := find_due(_claim, _queue, _room - _of_queue);
            EXIT WHEN cardinality(_found) = 0;
            FOREACH _at IN ARRAY _found LOOP
                EXIT WHEN _bytes >= @bytes_at_most@;
                -- Also one that is held leaves where it was found, even if it should stand elsewhere: or it would be found again.
                DELETE FROM ready WHERE ctid = _at RETURNING seq INTO _seq;
                CONTINUE WHEN NOT FOUND;
                IF admit(_seq, _claim.now) THEN
                    seqs := seqs || _seq;
                    _of_queue := _of_queue + 1;
                    _bytes := _bytes + (SELECT octet_length(args) FROM jobs WHERE seq = _seq);
                ELSE
                    _held := _held + 1;
                END IF;
            END LOOP;
            EXIT WHEN _held = _held_before OR _of_queue >= _room OR _held >= 1000 OR _bytes >= @bytes_at_most@;
        END LOOP;
        EXIT WHEN cardinality(seqs) >= _claim.most;
        -- So many are held, or are large, in one claim; the next one goes on.
        IF _held >= 1000 OR _bytes >= @bytes_at_most@ THEN
            next := _claim.now;
            EXIT;
        END IF;
        IF _of_queue < _room THEN
            next := least(next, next_due(_claim, _queue));
        END IF;
    END LOOP;
    -- The end of those that expired may have made others ready.
    IF _expired > 0 THEN
        next := _claim.now;
    END IF;
    IF cardinality(seqs) < _claim.most THEN
        next := least(next, next_gate(_claim));
        FOR _limited IN
            SELECT queue FROM queue_limits WHERE rule IS NOT NULL AND (_claim.queues IS NULL OR queue = ANY (_claim.queues))
        LOOP
            next := least(next, (queue_room(_limited, _claim.now)).look_at);
        END LOOP;
    END IF;
END $$;

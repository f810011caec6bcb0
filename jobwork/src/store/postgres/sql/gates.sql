-- Jobs over a limit, and those of a paused name: held out of the line of ready jobs, so that they cost nothing to pass.
--
-- A row of `held` names the key that holds a job. Rows of one key, queue, name and version stand behind one gate, so that those which a
-- worker doesn't serve never stand in front of those which it does. A claim lets due gates' best jobs into the line again, as many as the
-- key has room for; there they are candidates until they leave: they keep their row, and are counted, so that no more are let
-- out than can start.
--
-- The invariant: behind a gate with held rows, the gate is due, or due at a time at which its key has room, or its key has no slot (and
-- freeing one makes it due), or its name is paused (and the resume makes it due), or a candidate of it is ready (and its claim, and
-- its leaving in any other way, look at the gate again). So nobody is held for ever, and nobody polls.

-- What keeps the jobs of a name back, and what the jobs of a queue share. Keys of our own begin with a character that no other key does.
CREATE FUNCTION name_key(_name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT chr(1) || 'job ' || _name $$;
CREATE FUNCTION queue_key(_queue text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT chr(1) || 'queue ' || _queue $$;

-- One of the key's held rows, a job may have room now.
CREATE FUNCTION open_gates(_key text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE gates SET wake_at = 0, look_at = 0 WHERE hashtextextended(key, 0) = hashtextextended(_key, 0) AND key = _key;
    IF FOUND THEN
        PERFORM wake('r');
    END IF;
END $$;

-- A job that may be held or a candidate leaves its gate otherwise than by a claim: others may take its place.
CREATE FUNCTION withdraw_held(_seq bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _key text;
BEGIN
    DELETE FROM held WHERE job = _seq RETURNING key INTO _key;
    IF FOUND THEN
        UPDATE jobs SET state = 1 WHERE seq = _seq AND state = -1;
        IF FOUND THEN
            PERFORM enter_ready(_seq);
        END IF;
        PERFORM open_gates(_key);
    END IF;
END $$;

-- Holds a ready job.
CREATE FUNCTION hold_job(_seq bigint, _key text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM leave_ready(_seq);
    UPDATE jobs SET state = -1, flags = flags | @held@ WHERE seq = _seq;
    INSERT INTO held (job, key, queue, name, version, priority, run_at)
    SELECT seq, _key, queue, name, version, priority, run_at FROM jobs WHERE seq = _seq
    ON CONFLICT (job) DO UPDATE SET key = excluded.key, queue = excluded.queue, name = excluded.name, version = excluded.version,
        priority = excluded.priority, run_at = excluded.run_at, let_out = false;
    INSERT INTO gates (key, queue, name, version)
    SELECT _key, queue, name, version FROM jobs j WHERE seq = _seq AND NOT EXISTS (
        SELECT FROM gates g WHERE hashtextextended(g.key, 0) = hashtextextended(_key, 0) AND g.key = _key
        AND (g.queue, g.name, g.version) = (j.queue, j.name, j.version));
END $$;

-- Whether a name is paused now, and until when.
CREATE FUNCTION pause_of(_kind text, _name text, _now bigint) RETURNS TABLE (until bigint) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT p.until FROM pauses p WHERE p.kind = _kind AND p.name = _name AND (p.until IS NULL OR p.until > _now);
END $$;

-- How many jobs of a name a key has room for.
CREATE FUNCTION gate_room(_gate gates, _limits jsonb, _now bigint) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    IF _gate.key = name_key(_gate.name) AND EXISTS (SELECT FROM pause_of('job', _gate.name, _now)) THEN
        RETURN 0;
    END IF;
    RETURN room(_limits, _gate.key, _now);
END $$;

-- The limits of the job that is the first to be let out; null where none is held.
CREATE FUNCTION first_held(_gate gates) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    _job bigint;
BEGIN
    SELECT h.job FROM held h
    WHERE hashtextextended(h.key, 0) = hashtextextended(_gate.key, 0) AND h.key = _gate.key
        AND h.queue = _gate.queue AND h.name = _gate.name AND h.version = _gate.version AND NOT h.let_out
    ORDER BY h.priority DESC, h.run_at, h.job LIMIT 1 INTO _job;
    RETURN CASE WHEN FOUND THEN limits_of(_job) END;
END $$;

-- How many have been let out and wait for their claim; counted up to `_most`.
CREATE FUNCTION candidates(_gate gates, _most bigint) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT count(*) FROM (
        SELECT FROM held h
        WHERE hashtextextended(h.key, 0) = hashtextextended(_gate.key, 0) AND h.key = _gate.key
            AND h.queue = _gate.queue AND h.name = _gate.name AND h.version = _gate.version AND h.let_out
        LIMIT _most) AS out);
END $$;

-- Says when a gate is due, so that the invariant holds; a gate with nothing behind it is forgotten.
CREATE FUNCTION settle_gate(_key text, _queue text, _name text, _version bigint, _now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _gate gates;
    _limits jsonb;
    _wake_at bigint := 0;
    _look_at bigint := 0;
BEGIN
    SELECT * FROM gates WHERE hashtextextended(key, 0) = hashtextextended(_key, 0) AND key = _key
        AND queue = _queue AND name = _name AND version = _version INTO _gate;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    _limits := first_held(_gate);
    IF _limits IS NULL THEN
        DELETE FROM gates WHERE hashtextextended(key, 0) = hashtextextended(_key, 0) AND key = _key
            AND queue = _queue AND name = _name AND version = _version;
        RETURN;
    END IF;
    IF gate_room(_gate, _limits, _now) = 0 THEN
        IF _key = name_key(_name) AND EXISTS (SELECT FROM pause_of('job', _name, _now)) THEN
            SELECT until, until FROM pause_of('job', _name, _now) INTO _wake_at, _look_at;
        ELSE
            SELECT wake_at, look_at FROM next_room(_limits, _key, _now) INTO _wake_at, _look_at;
        END IF;
    ELSIF candidates(_gate, 1) > 0 THEN
        _wake_at := NULL;
        _look_at := NULL;
    END IF;
    UPDATE gates SET wake_at = _wake_at, look_at = _look_at
    WHERE hashtextextended(key, 0) = hashtextextended(_key, 0) AND key = _key
        AND queue = _queue AND name = _name AND version = _version AND (wake_at, look_at) IS DISTINCT FROM (_wake_at, _look_at);
END $$;

-- Lets the best held jobs for a worker out of due gates.
CREATE FUNCTION release_gates(_claim claiming) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _gate gates;
    _limits jsonb;
    _room bigint;
    _seq bigint;
BEGIN
    -- So many gates are looked at in one claim; the next one goes on.
    FOR _gate IN
        SELECT * FROM gates WHERE wake_at <= _claim.now AND (_claim.queues IS NULL OR queue = ANY (_claim.queues))
            AND serves(_claim, name, version)
        ORDER BY wake_at LIMIT 256
    LOOP
        _limits := first_held(_gate);
        IF _limits IS NOT NULL THEN
            _room := least(gate_room(_gate, _limits, _claim.now), _claim.most);
            _room := greatest(0, _room - candidates(_gate, _room));
            FOR _seq IN
                SELECT h.job FROM held h
                WHERE hashtextextended(h.key, 0) = hashtextextended(_gate.key, 0) AND h.key = _gate.key
                    AND h.queue = _gate.queue AND h.name = _gate.name AND h.version = _gate.version AND NOT h.let_out
                ORDER BY h.priority DESC, h.run_at, h.job LIMIT _room
            LOOP
                UPDATE held SET let_out = true WHERE job = _seq;
                UPDATE jobs SET state = 1 WHERE seq = _seq;
                PERFORM enter_ready(_seq);
            END LOOP;
        END IF;
        PERFORM settle_gate(_gate.key, _gate.queue, _gate.name, _gate.version, _claim.now);
    END LOOP;
END $$;

-- When the first gate with jobs for this worker is worth a look: at once, if it is due.
CREATE FUNCTION next_gate(_claim claiming) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT CASE WHEN wake_at <= _claim.now THEN _claim.now ELSE look_at END FROM gates
        WHERE wake_at IS NOT NULL AND (_claim.queues IS NULL OR queue = ANY (_claim.queues)) AND serves(_claim, name, version)
        ORDER BY wake_at, look_at LIMIT 1);
END $$;

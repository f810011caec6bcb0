-- The life of workers.

-- Says that a worker lives: `_kind` is `join`, `live` or `leave`. Most beats find nothing to write.
CREATE FUNCTION beat(
    _id uuid, _kind text, _info text, _state text, _running bigint, _lease bigint, _now bigint, _locked boolean,
    OUT gone boolean, OUT command text, OUT cancel uuid[]
) LANGUAGE plpgsql @entry@ AS $$
DECLARE
    _worker workers;
    _job running;
BEGIN
    gone := false;
    IF _kind = 'join' THEN
        INSERT INTO workers (id, last_beat, expires_at, running, locked, state, info)
        VALUES (_id, _now, _now, 0, _locked, 'starting', _info)
        ON CONFLICT (id) DO UPDATE SET info = excluded.info, locked = excluded.locked;
    ELSIF _kind = 'leave' THEN
        PERFORM stop_claims(ARRAY(SELECT key FROM workers WHERE id = _id));
        PERFORM lock_flow();
    END IF;
    SELECT * FROM workers WHERE id = _id INTO _worker;
    IF NOT FOUND THEN
        gone := true;
        RETURN;
    END IF;
    -- A worker that was made known on another connection than its session has no lock yet.
    IF _locked AND (_kind = 'join' OR NOT _worker.locked) THEN
        PERFORM pg_try_advisory_lock(worker_lock(), _worker.key::integer);
    ELSIF _kind = 'leave' AND _worker.locked THEN
        PERFORM pg_advisory_unlock(worker_lock(), _worker.key::integer)
        WHERE EXISTS (SELECT FROM pg_locks l WHERE l.pid = pg_backend_pid() AND l.locktype = 'advisory' AND l.objsubid = 2
            AND l.classid = worker_lock()::oid AND l.objid = _worker.key::integer::oid);
    END IF;
    IF _kind = 'leave' THEN
        -- Jobs that it should still have are ready again, as if it had handed them back.
        PERFORM FROM claims WHERE worker = _worker.key ORDER BY id FOR UPDATE;
        FOR _job IN SELECT * FROM running_jobs(_worker.key) LOOP
            PERFORM settle(_job, 5, _now, NULL, NULL, NULL);
        END LOOP;
        PERFORM forget_worker(_worker.key);
        RETURN;
    END IF;
    -- A third of the lease has passed since it was renewed, or something is new.
    IF _kind = 'join' OR _worker.command IS NOT NULL OR _worker.state <> _state OR _worker.locked <> _locked
        OR _now + _lease * 2 / 3 >= _worker.expires_at
    THEN
        UPDATE workers SET state = _state, running = _running, last_beat = _now, expires_at = _now + _lease, command = NULL,
            locked = _locked
        WHERE id = _id RETURNING _worker.command INTO command;
        IF NOT FOUND THEN
            gone := true;
            RETURN;
        END IF;
    END IF;
    cancel := ARRAY(
        SELECT public_id(j.seq, j.created_at) FROM jobs j WHERE j.cancel = 1 AND j.state = 1 AND EXISTS (
            SELECT FROM claims c, unnest(c.firsts, c.lasts) AS run (first, last)
            WHERE c.worker = _worker.key AND c.id > j.claim AND j.seq BETWEEN run.first AND run.last)
        ORDER BY j.seq);
END $$;

-- Gives back the claims of these tokens, whose answers never came: their jobs are ready again as if they had not been claimed. What
-- claims are under way is waited for, and those that are still to come get nothing, so this need not be done again.
CREATE FUNCTION give_back(_id uuid, _tokens bigint[], _now bigint) RETURNS bigint LANGUAGE plpgsql @entry@ AS $$
DECLARE
    _worker bigint;
    _job running;
    _count bigint := 0;
BEGIN
    -- A claim has its worker's row before it takes the lock of `lock_flow`.
    SELECT key FROM workers WHERE id = _id FOR UPDATE INTO _worker;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    PERFORM lock_flow();
    UPDATE workers SET refused = (refused || _tokens)[greatest(1, cardinality(refused || _tokens) - 999):] WHERE key = _worker;
    PERFORM FROM claims WHERE worker = _worker AND token = ANY (_tokens) ORDER BY id FOR UPDATE;
    FOR _job IN
        SELECT r.* FROM running_jobs(_worker) r JOIN claims c ON c.id = r.claim WHERE c.token = ANY (_tokens) ORDER BY r.seq
    LOOP
        PERFORM settle(_job, 4, _now, NULL, NULL, NULL);
        _count := _count + 1;
    END LOOP;
    DELETE FROM claims WHERE worker = _worker AND token = ANY (_tokens);
    RETURN _count;
END $$;

-- Says of outcomes whose first answer was lost, and that are too late now, whether they had been stored: as one that completed and ended
-- by that very run, or was deleted then; or otherwise because its worker is known, and so nobody else has ended the run.
CREATE FUNCTION were_stored(
    _workers uuid[], _claims bigint[], _seqs bigint[], _created_ats bigint[], _outcomes integer[], _ats bigint[]
) RETURNS boolean[] LANGUAGE plpgsql @entry@ AS $$
BEGIN
    RETURN ARRAY(
        SELECT EXISTS (
            SELECT FROM ended e
            WHERE e.seq = f.seq AND e.created_at = f.created_at AND e.claim = f.claim AND e.finished_at = f.at)
        OR EXISTS (SELECT FROM workers w WHERE w.id = f.worker) AND (f.outcome <> 0
            OR NOT EXISTS (SELECT FROM jobs j WHERE j.seq = f.seq) AND NOT EXISTS (SELECT FROM ended e WHERE e.seq = f.seq))
        FROM unnest(_workers, _claims, _seqs, _created_ats, _outcomes, _ats)
            WITH ORDINALITY AS f (worker, claim, seq, created_at, outcome, at, place)
        ORDER BY f.place);
END $$;

-- Removes a worker that has no jobs any more.
CREATE FUNCTION forget_worker(_key bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM workers WHERE key = _key;
    DELETE FROM finished_in f USING claims c WHERE c.worker = _key AND f.claim = c.id;
    DELETE FROM claims WHERE worker = _key;
    PERFORM wake('c');
END $$;

-- The class of the locks that show that workers live; the second half of such a lock is the worker's own number.
CREATE FUNCTION worker_lock() RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT hashtext('jobwork worker ' || current_schema())
$$;

-- Takes the locks of a process's workers again, in a new session, and says whether it has them all. If the server has not noticed that the
-- last session was lost, it ends it, and the locks can be taken in a moment.
CREATE FUNCTION lock_workers(_ids uuid[]) RETURNS boolean LANGUAGE plpgsql @entry@ AS $$
BEGIN
    IF (SELECT bool_and(pg_try_advisory_lock(worker_lock(), key::integer)) FROM workers WHERE id = ANY (_ids)) IS NOT FALSE THEN
        RETURN true;
    END IF;
    PERFORM pg_terminate_backend(l.pid)
    FROM workers w JOIN pg_locks l ON l.objid = w.key::integer::oid
    WHERE w.id = ANY (_ids) AND l.locktype = 'advisory' AND l.objsubid = 2 AND l.classid = worker_lock()::oid
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND l.pid <> pg_backend_pid();
    RETURN false;
EXCEPTION WHEN insufficient_privilege THEN
    RETURN false;
END $$;

-- Takes the jobs of dead workers from them, and forgets the workers: those whose lease has run out, and those of `_dead` that still have
-- no lock. Says also which workers have none, and who they are, and when the next job expires.
CREATE FUNCTION rescue(
    _poison_after bigint, _now bigint, _dead bigint[], OUT rescued uuid[], OUT unlocked bigint[], OUT infos text[],
    OUT next_expiry bigint
)
LANGUAGE plpgsql @entry@ AS $$
DECLARE
    _stopped bigint[];
    _worker bigint;
    _job running;
BEGIN
    rescued := '{}';
    next_expiry := (SELECT expires_at FROM details WHERE may_expire ORDER BY expires_at LIMIT 1);
    SELECT coalesce(array_agg(key), '{}'), coalesce(array_agg(info), '{}') FROM workers
    WHERE locked AND NOT EXISTS (
        SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.classid = worker_lock()::oid
        AND l.objid = key::integer::oid AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))
    INTO unlocked, infos;
    _dead := ARRAY(SELECT key FROM unnest(_dead) AS key WHERE key = ANY (unlocked));
    IF NOT EXISTS (SELECT FROM workers WHERE expires_at <= _now OR key = ANY (_dead)) THEN
        RETURN;
    END IF;
    _stopped := ARRAY(SELECT key FROM workers WHERE expires_at <= _now OR key = ANY (_dead));
    PERFORM stop_claims(_stopped);
    PERFORM lock_flow();
    -- Who said meanwhile that it lives is left alone, and who died meanwhile is the next one's.
    FOR _worker IN SELECT key FROM workers WHERE key = ANY (_stopped) AND (expires_at <= _now OR key = ANY (_dead)) ORDER BY key LOOP
        PERFORM FROM claims WHERE worker = _worker ORDER BY id FOR UPDATE;
        FOR _job IN SELECT * FROM running_jobs(_worker) LOOP
            PERFORM rescue_job(_job, _poison_after, _now);
            rescued := rescued || public_id(_job.seq, _job.created_at);
        END LOOP;
        PERFORM forget_worker(_worker);
    END LOOP;
END $$;

CREATE FUNCTION rescue_job(_job running, _poison_after bigint, _at bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _rescues integer := _job.rescues + 1;
    _poison boolean := _poison_after > 0 AND _rescues >= _poison_after;
BEGIN
    UPDATE jobs SET rescues = _rescues WHERE seq = _job.seq;
    IF _job.cancel <> 0 THEN
        PERFORM settle(_job, 6, _at, NULL, NULL, NULL);
        RETURN;
    END IF;
    IF _poison THEN
        PERFORM remember(_job, 'dead', _at, json_build_object('kind', 'poison', 'message',
            format('%s workers died while they ran it', _rescues), 'detail', NULL, 'middleware', NULL)::text);
    ELSE
        PERFORM remember(_job, 'rescued', _at, NULL);
    END IF;
    IF _job.flags & @limited@ <> 0 THEN
        PERFORM free_slots(_job.seq);
    END IF;
    IF _poison THEN
        -- The attempt counts no more than that of any other job whose worker died.
        PERFORM write_end(_job.seq, 6, NULL, 'poison pill', _at, _job.attempt - 1, _job.claim, _job.started_at);
    ELSE
        PERFORM run_again(_job, _job.attempt - 1, _job.run_at);
    END IF;
END $$;

-- Leaves a command for a worker; says whether there is such a worker.
CREATE FUNCTION command(_id uuid, _command text) RETURNS boolean LANGUAGE plpgsql @entry@ AS $$
BEGIN
    PERFORM wake('c');
    UPDATE workers SET command = _command WHERE id = _id;
    RETURN FOUND;
END $$;

-- New jobs.
--
-- Rows are made of arrays in a list of selected values and not in a FROM, where they would all be written down first.

-- Stores jobs about which nothing is special, but that they may be gone when they have completed, and returns their numbers in
-- their order.
CREATE FUNCTION push_plain(
    _names text[], _queues text[], _args text[], _priorities integer[], _retries bigint[], _versions bigint[], _flags integer[],
    _run_ats bigint[], _created_ats bigint[]
) RETURNS bigint[] LANGUAGE plpgsql @entry@ AS $$
DECLARE
    _seqs bigint[] := ARRAY(SELECT nextval('job_number') FROM generate_series(1, cardinality(_names)));
BEGIN
    INSERT INTO jobs (seq, created_at, run_at, priority, retries, version, flags, state, name, queue, args)
    SELECT seq, created_at, run_at, priority, retries, version, flags, 1, name, queue, args
    FROM (
        SELECT unnest(_seqs) AS seq, unnest(_created_ats) AS created_at, unnest(_run_ats) AS run_at, unnest(_priorities) AS priority,
            unnest(_retries) AS retries, unnest(_versions) AS version, unnest(_flags) AS flags, unnest(_names) AS name,
            unnest(_queues) AS queue, unnest(_args) AS args) AS new;
    INSERT INTO ready (run_at, seq, version, priority, special, queue, name)
    SELECT unnest(_run_ats), unnest(_seqs), unnest(_versions), unnest(_priorities), is_large(unnest(_args)), unnest(_queues), unnest(_names);
    RETURN _seqs;
END $$;

-- Stores such jobs that differ in their arguments only.
CREATE FUNCTION push_alike(
    _name text, _queue text, _args text[], _priority integer, _retries bigint, _version bigint, _flags integer, _created_ats bigint[]
) RETURNS bigint[] LANGUAGE plpgsql @path@ AS $$
DECLARE
    _seqs bigint[] := ARRAY(SELECT nextval('job_number') FROM generate_series(1, cardinality(_args)));
BEGIN
    INSERT INTO jobs (seq, created_at, run_at, priority, retries, version, flags, state, name, queue, args)
    SELECT seq, created_at, created_at, _priority, _retries, _version, _flags, 1, _name, _queue, args
    FROM (SELECT unnest(_seqs) AS seq, unnest(_created_ats) AS created_at, unnest(_args) AS args) AS new;
    INSERT INTO ready (run_at, seq, version, priority, special, queue, name)
    SELECT unnest(_created_ats), unnest(_seqs), _version, _priority, is_large(unnest(_args)), _queue, _name;
    RETURN _seqs;
END $$;

-- Stores one such job, in half the time.
CREATE FUNCTION push_one(
    _name text, _queue text, _args text, _priority integer, _retries bigint, _version bigint, _flags integer, _run_at bigint,
    _created_at bigint
) RETURNS bigint LANGUAGE plpgsql @path@ AS $$
DECLARE
    _seq bigint := nextval('job_number');
BEGIN
    INSERT INTO jobs (seq, created_at, run_at, priority, retries, version, flags, state, name, queue, args)
    VALUES (_seq, _created_at, _run_at, _priority, _retries, _version, _flags, 1, _name, _queue, _args);
    INSERT INTO ready (run_at, seq, version, priority, special, queue, name)
    VALUES (_run_at, _seq, _version, _priority, is_large(_args), _queue, _name);
    RETURN _seq;
END $$;

-- A worker's own number, if jobs can be handed to it that never stand in the line: it is known, has not refused the token, and nothing is paused or
-- limited. Until the end of the transaction nobody takes it for dead.
CREATE FUNCTION takes_jobs(_worker uuid, _token bigint) RETURNS bigint LANGUAGE sql AS $$
    SELECT w.key FROM workers w
    WHERE w.id = _worker AND (_token = ANY (w.refused)) IS NOT TRUE AND NOT EXISTS (SELECT FROM pauses) AND NOT EXISTS (SELECT FROM queue_limits)
    FOR KEY SHARE OF w
$$;

-- Stores jobs as `push_alike` does, and hands a worker the first of them, at most so many. Says which claim that is, if it gets any.
CREATE FUNCTION hand_alike(
    _name text, _queue text, _args text[], _priority integer, _retries bigint, _version bigint, _flags integer, _created_ats bigint[],
    _worker uuid, _token bigint, _most bigint, OUT seqs bigint[], OUT claim bigint
) LANGUAGE plpgsql @path@ AS $$
DECLARE
    _key bigint := takes_jobs(_worker, _token);
    _handed integer := CASE WHEN _key IS NULL THEN 0 ELSE least(_most, cardinality(_args)) END;
BEGIN
    seqs := ARRAY(SELECT nextval('job_number') FROM generate_series(1, cardinality(_args)));
    INSERT INTO jobs (seq, created_at, run_at, priority, retries, version, flags, state, name, queue, args)
    SELECT seq, created_at, created_at, _priority, _retries, _version, _flags, 1, _name, _queue, args
    FROM (SELECT unnest(seqs) AS seq, unnest(_created_ats) AS created_at, unnest(_args) AS args) AS new;
    IF _handed > 0 THEN
        claim := start_claim(_key, seqs[:_handed], (SELECT max(at) FROM unnest(_created_ats) AS at), _token);
    END IF;
    IF _handed < cardinality(_args) THEN
        INSERT INTO ready (run_at, seq, version, priority, special, queue, name)
        SELECT unnest(_created_ats[_handed + 1:]), unnest(seqs[_handed + 1:]), _version, _priority, is_large(unnest(_args[_handed + 1:])),
            _queue, _name;
    END IF;
END $$;

-- The same of one job, as `push_one` stores it.
CREATE FUNCTION hand_one(
    _name text, _queue text, _args text, _priority integer, _retries bigint, _version bigint, _flags integer, _run_at bigint,
    _created_at bigint, _worker uuid, _token bigint, _most bigint, OUT seqs bigint[], OUT claim bigint
) LANGUAGE plpgsql @path@ AS $$
DECLARE
    _seq bigint := nextval('job_number');
    _key bigint := takes_jobs(_worker, _token);
BEGIN
    seqs := ARRAY[_seq];
    INSERT INTO jobs (seq, created_at, run_at, priority, retries, version, flags, state, name, queue, args)
    VALUES (_seq, _created_at, _run_at, _priority, _retries, _version, _flags, 1, _name, _queue, _args);
    IF _key IS NULL OR _most <= 0 THEN
        INSERT INTO ready (run_at, seq, version, priority, special, queue, name)
        VALUES (_run_at, _seq, _version, _priority, is_large(_args), _queue, _name);
    ELSE
        claim := start_claim(_key, seqs, _created_at, _token);
    END IF;
END $$;

-- Stores any jobs, each push whole or not at all, and says of each push what became of it:
-- `{"jobs": [seq, ...], "existing": {"index": [seq, created_at]}, "batches": [seq, ...]}`, or `{"refused": {...}}`.
CREATE FUNCTION push_all(_pushes jsonb) RETURNS jsonb LANGUAGE plpgsql @entry@ AS $$
DECLARE
    _push jsonb;
    _stored jsonb := '[]';
    _state text;
    _detail text;
BEGIN
    -- Other special jobs share nothing with jobs that are stored already.
    IF EXISTS (
        SELECT FROM jsonb_array_elements(_pushes) AS push WHERE push -> 'batches' -> 0 IS NOT NULL OR EXISTS (
            SELECT FROM jsonb_array_elements(push -> 'jobs') AS job WHERE job ?| ARRAY['unique', 'ordered', 'batch']))
    THEN
        PERFORM lock_flow();
    END IF;
    FOR _push IN SELECT * FROM jsonb_array_elements(_pushes) LOOP
        BEGIN
            _stored := _stored || jsonb_build_array(push(_push));
        EXCEPTION WHEN SQLSTATE 'JW001' OR SQLSTATE 'JW002' OR SQLSTATE 'JW003' THEN
            GET STACKED DIAGNOSTICS _state = RETURNED_SQLSTATE, _detail = PG_EXCEPTION_DETAIL;
            _stored := _stored || jsonb_build_array(jsonb_build_object('refused', _state, 'detail', _detail::jsonb));
        END;
    END LOOP;
    RETURN _stored;
END $$;

-- Stores the jobs and batches of one push; refuses by an exception of the class `JW`. Where it has unique or ordered jobs or any batch, the
-- caller has the lock of `lock_flow`.
CREATE FUNCTION push(_push jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    _now bigint := _push ->> 'now';
    _jobs jsonb[] := ARRAY(SELECT value FROM jsonb_array_elements(_push -> 'jobs') WITH ORDINALITY AS job (value, place) ORDER BY place);
    _batches jsonb[] := ARRAY(
        SELECT value FROM jsonb_array_elements(coalesce(_push -> 'batches', '[]')) WITH ORDINALITY AS batch (value, place) ORDER BY place);
    _new_batches bigint[] := ARRAY(SELECT nextval('batch_number') FROM generate_series(1, cardinality(_batches)));
    _seqs bigint[] := ARRAY(SELECT nextval('job_number') FROM generate_series(1, cardinality(_jobs)));
    _awaited boolean[] := array_fill(false, ARRAY[cardinality(_jobs)]);
    -- The batch that calls each job back, and for how many things that happen to it.
    _callers bigint[] := array_fill(NULL::bigint, ARRAY[cardinality(_jobs)]);
    _calls integer[] := array_fill(0, ARRAY[cardinality(_jobs)]);
    _stored bigint[] := _seqs;
    _existing jsonb := '{}';
    _batch bigint;
    _holder bigint;
    _needed boolean;
    _on integer;
BEGIN
    FOR _on IN SELECT (wait ->> 'on')::integer FROM unnest(_jobs) AS job, jsonb_array_elements(coalesce(job -> 'waits', '[]')) AS wait LOOP
        _awaited[_on + 1] := true;
    END LOOP;
    FOR _index IN 1 .. cardinality(_batches) LOOP
        PERFORM open_batch(_batches[_index] -> 'parent');
        FOR _on IN SELECT job::integer FROM unnest(ARRAY[_batches[_index] ->> 'on_complete', _batches[_index] ->> 'on_success',
            _batches[_index] ->> 'on_death']) AS job WHERE job IS NOT NULL
        LOOP
            _callers[_on + 1] := _new_batches[_index];
            _calls[_on + 1] := _calls[_on + 1] + 1;
        END LOOP;
    END LOOP;
    PERFORM open_batch(job -> 'batch') FROM unnest(_jobs) AS job WHERE job ? 'batch';
    FOR _index IN 1 .. cardinality(_batches) LOOP
        PERFORM insert_batch(_new_batches[_index], _batches[_index], place_of(_batches[_index] -> 'parent', _new_batches), _seqs, _now);
    END LOOP;
    FOR _index IN 1 .. cardinality(_jobs) LOOP
        _needed := _awaited[_index] OR _jobs[_index] ? 'chain' OR _jobs[_index] ? 'waits' OR _callers[_index] IS NOT NULL;
        _holder := stand_in(_jobs[_index], _needed, _seqs[1], _now);
        IF _holder IS NOT NULL THEN
            _stored[_index] := _holder;
            _existing := _existing || jsonb_build_object(_index - 1, time_of(id_of(_holder)));
        ELSE
            _batch := coalesce(_callers[_index], place_of(_jobs[_index] -> 'batch', _new_batches));
            PERFORM insert_job(_seqs[_index], _jobs[_index], _seqs, _awaited[_index], _batch, _callers[_index] IS NOT NULL, _calls[_index], _now);
        END IF;
    END LOOP;
    -- The inner ones first: an outer one may hold nothing but empty ones.
    FOR _index IN REVERSE cardinality(_batches) .. 1 LOOP
        PERFORM count_member(_new_batches[_index], 0, 0, '', _now);
    END LOOP;
    RETURN jsonb_build_object('jobs', _stored, 'existing', _existing, 'batches', _new_batches);
END $$;

-- The number of the batch at this place: `{"new": index}` of the same push, or `{"seq": .., "created_at": .., "id": ".."}`.
CREATE FUNCTION place_of(_place jsonb, _new bigint[]) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN _place ? 'new' THEN _new[(_place ->> 'new')::integer + 1] ELSE (_place ->> 'seq')::bigint END
$$;

-- Refuses a place in a batch that isn't there or has ended.
CREATE FUNCTION open_batch(_place jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _finished_at bigint;
BEGIN
    IF _place IS NULL OR _place ? 'new' THEN
        RETURN;
    END IF;
    SELECT finished_at FROM batches
    WHERE seq = (_place ->> 'seq')::bigint AND created_at = (_place ->> 'created_at')::bigint INTO _finished_at;
    IF NOT FOUND THEN
        RAISE SQLSTATE 'JW002' USING MESSAGE = 'there is no such batch', DETAIL = jsonb_build_object('batch', _place ->> 'id');
    ELSIF _finished_at IS NOT NULL THEN
        RAISE SQLSTATE 'JW003' USING MESSAGE = 'the batch is closed', DETAIL = jsonb_build_object('batch', _place ->> 'id');
    END IF;
END $$;

CREATE FUNCTION insert_batch(_seq bigint, _new jsonb, _parent bigint, _jobs bigint[], _now bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO batches (seq, created_at, description, parent, on_complete, on_success, on_death)
    VALUES (_seq, _now, _new ->> 'description', _parent, _jobs[(_new ->> 'on_complete')::integer + 1],
        _jobs[(_new ->> 'on_success')::integer + 1], _jobs[(_new ->> 'on_death')::integer + 1]);
    UPDATE batches SET total = total + 1, kept = kept + 1 WHERE seq = _parent;
END $$;

-- Stores one new job. What is special about it stands in its flags.
CREATE FUNCTION insert_job(
    _seq bigint, _new jsonb, _seqs bigint[], _awaited boolean, _batch bigint, _is_callback boolean, _calls integer, _now bigint
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _unique jsonb := _new -> 'unique';
    _waits integer := jsonb_array_length(coalesce(_new -> 'waits', '[]')) + _calls;
    _in_line boolean;
    _flags integer := @detailed@;
BEGIN
    IF _new ? 'ordered' THEN
        _in_line := leader_of(_new ->> 'ordered') IS NOT NULL;
        _waits := _waits + _in_line::integer;
    END IF;
    _flags := _flags | CASE WHEN _awaited THEN @awaited@ ELSE 0 END | CASE WHEN _unique IS NULL THEN 0 ELSE @keyed@ END
        | CASE WHEN (_unique ->> 'states')::integer = 7 THEN @key_until_started@ ELSE 0 END
        | CASE WHEN _new ? 'ordered' THEN @ordered@ ELSE 0 END | CASE WHEN _batch IS NULL THEN 0 ELSE @batched@ END
        | CASE WHEN _new ? 'limits' THEN @limited@ ELSE 0 END
        | CASE WHEN _new ->> 'retain' = '0' THEN @fleeting@ WHEN _new ? 'retain' THEN @retained@ ELSE 0 END
        | CASE WHEN _new ? 'expires_at' THEN @expires@ ELSE 0 END;
    INSERT INTO jobs (seq, created_at, run_at, priority, retries, version, flags, waits, state, name, queue, args)
    VALUES (_seq, _now, coalesce((_new ->> 'run_at')::bigint, _now), (_new ->> 'priority')::integer, (_new ->> 'retries')::bigint,
        (_new ->> 'version')::bigint, _flags, _waits, CASE WHEN _waits = 0 THEN 1 ELSE 0 END, _new ->> 'name', _new ->> 'queue', _new ->> 'args');
    INSERT INTO details (job, tags, chain, position, on_error, expires_at, may_expire, retry_until, retain, batch, standing, limits,
        ordered, in_line, unique_key, has_key, unique_states, unique_until)
    VALUES (_seq, ARRAY(SELECT value FROM jsonb_array_elements_text(_new -> 'tags') WITH ORDINALITY AS tag (value, place) ORDER BY place),
        _seqs[(_new #>> '{chain,first}')::integer + 1], (_new #>> '{chain,position}')::bigint, _new #>> '{chain,on_error}',
        (_new ->> 'expires_at')::bigint, _new ? 'expires_at', (_new ->> 'retry_until')::bigint, (_new ->> 'retain')::bigint,
        _batch, CASE WHEN _batch IS NOT NULL AND NOT _is_callback THEN 0 END, _new ->> 'limits', _new ->> 'ordered', _in_line,
        _unique ->> 'key', _unique IS NOT NULL, (_unique ->> 'states')::integer, _now + (_unique ->> 'window')::bigint);
    UPDATE batches SET total = total + CASE WHEN _is_callback THEN 0 ELSE 1 END, kept = kept + 1 WHERE seq = _batch;
    INSERT INTO links (parent, child, place, slot)
    SELECT _seqs[(wait ->> 'on')::integer + 1], _seq, place, wait ->> 'slot'
    FROM jsonb_array_elements(_new -> 'waits') WITH ORDINALITY AS waits (wait, place);
    PERFORM enter_ready(_seq);
END $$;

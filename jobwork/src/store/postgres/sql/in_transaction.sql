-- What is done in transactions of other people: dispatching and completing jobs in the same commit as whatever else they change.
--
-- Nothing here commits: a job is there, and workers are told of it, once the caller's transaction is committed. A unique
-- key, an order and a batch are changed under the lock of `lock_flow`, which the caller's transaction then has until it ends: let it be short.

-- Stores the jobs and batches of one push, and says what became of it as `push_all` does. A refusal is an answer and no error, and
-- changes nothing: the caller's transaction can go on.
CREATE FUNCTION push_in(_push jsonb) RETURNS jsonb LANGUAGE plpgsql @entry@ AS $$
DECLARE
    _answer jsonb;
BEGIN
    IF is_plain_push(_push) THEN
        _answer := jsonb_build_object('jobs', push_plain_in(_push), 'existing', '{}'::jsonb, 'batches', '[]'::jsonb);
    ELSE
        _answer := push_all(jsonb_build_array(_push)) -> 0;
    END IF;
    IF NOT _answer ? 'refused' THEN
        PERFORM wake('r');
    END IF;
    RETURN _answer;
END $$;

-- Whether nothing is special about any job of a push.
CREATE FUNCTION is_plain_push(_push jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_array_length(coalesce(_push -> 'batches', '[]')) = 0 AND NOT EXISTS (
        SELECT FROM jsonb_array_elements(_push -> 'jobs') AS job
        WHERE job ?| ARRAY['expires_at', 'retry_until', 'tags', 'waits', 'chain', 'unique', 'ordered', 'limits', 'batch']
            OR (job ->> 'retain')::bigint > 0)
$$;

CREATE FUNCTION push_plain_in(_push jsonb) RETURNS bigint[] LANGUAGE sql AS $$
    SELECT push_plain(
        array_agg(job ->> 'name' ORDER BY place), array_agg(job ->> 'queue' ORDER BY place), array_agg(job ->> 'args' ORDER BY place),
        array_agg((job ->> 'priority')::integer ORDER BY place), array_agg((job ->> 'retries')::bigint ORDER BY place),
        array_agg((job ->> 'version')::bigint ORDER BY place), array_agg(CASE WHEN job ? 'retain' THEN @fleeting@ ELSE 0 END ORDER BY place),
        array_agg(coalesce((job ->> 'run_at')::bigint, (_push ->> 'now')::bigint) ORDER BY place),
        array_agg((_push ->> 'now')::bigint ORDER BY place))
    FROM jsonb_array_elements(_push -> 'jobs') WITH ORDINALITY AS jobs (job, place)
$$;

-- Completes a running job in the caller's transaction, if it still runs under this lease, and says whether it does. The lease and the
-- outcome are `{"worker": "..", "claim": .., "seq": .., "created_at": .., "attempt": .., "at": .., "output": ".."}`.
--
-- The job's claim is not counted here but when the worker says what became of the run, so that outcomes of other jobs of the same claim
-- don't wait for the caller's transaction.
CREATE FUNCTION finish_in(_finished jsonb) RETURNS boolean LANGUAGE plpgsql @entry@ AS $$
DECLARE
    _seq bigint := (_finished ->> 'seq')::bigint;
    _created_at bigint := (_finished ->> 'created_at')::bigint;
    _alone boolean;
    _claim claims;
    _job jobs;
BEGIN
    _alone := EXISTS (SELECT FROM jobs WHERE seq = _seq AND flags & @sharing@ <> 0);
    IF _alone THEN
        PERFORM lock_flow();
    END IF;
    -- As long as this is not over, nobody takes the claim for one of a dead worker.
    SELECT c.* FROM claims c JOIN workers w ON w.key = c.worker
    WHERE c.id = (_finished ->> 'claim')::bigint AND w.id = (_finished ->> 'worker')::uuid FOR KEY SHARE OF c INTO _claim;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    SELECT * FROM jobs WHERE seq = _seq AND created_at = _created_at AND attempt + 1 = (_finished ->> 'attempt')::integer
    FOR UPDATE INTO _job;
    IF NOT FOUND OR NOT runs_under(_job, _claim) THEN
        RETURN false;
    END IF;
    IF _job.flags & @sharing@ <> 0 AND NOT _alone THEN
        RAISE SQLSTATE '40001' USING MESSAGE = 'a job began to share something with others';
    END IF;
    PERFORM settle((_job.seq, _job.created_at, _job.attempt + 1, _claim.worker, _claim.id, _claim.at, _job.run_at, _job.rescues,
        _job.cancel, _job.flags)::running, 0, (_finished ->> 'at')::bigint, _finished ->> 'output', NULL, NULL);
    INSERT INTO finished_in (job, claim) VALUES (_seq, _claim.id);
    RETURN true;
END $$;

-- Whether a job was completed in a transaction of its own under this claim, which is to be counted now.
CREATE FUNCTION was_finished_in(_seq bigint, _claim bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM finished_in WHERE job = _seq AND claim = _claim;
    RETURN FOUND;
END $$;

-- Dispatches a job from any language, in the caller's transaction, and returns the job's id. Only the name has to be said:
--
--     SELECT jobwork.dispatch('send_email', '{"to": "ann@example.com"}', queue => 'mail', delay => '5 minutes');
--
-- `args` are an object by the names of the job's parameters, or an array in their order. `delay` and `expires_after` count from now, or
-- for the latter from the later time that the job is due; `run_at` is a time instead of a delay. Of jobs with one `unique_key` only the first
-- is stored, until it has ended, and no longer than `unique_for` after its dispatch where that is said: the others' dispatches return
-- its id. Jobs with one `ordered` key run one after the other. `retain` is how long the job is kept after its end.
--
-- What the job's own program says of its queue, priority, retries and keys is not known here: what differs from the defaults is to be said.
CREATE FUNCTION dispatch(
    name text, args jsonb DEFAULT '{}', queue text DEFAULT 'default', priority integer DEFAULT 0, delay interval DEFAULT NULL,
    run_at timestamptz DEFAULT NULL, retries integer DEFAULT 25, unique_key text DEFAULT NULL, unique_for interval DEFAULT NULL,
    ordered text DEFAULT NULL, tags text[] DEFAULT NULL, expires_after interval DEFAULT NULL, retain interval DEFAULT NULL,
    version integer DEFAULT 1
) RETURNS uuid LANGUAGE plpgsql @entry@ AS $$
#variable_conflict use_variable
DECLARE
    _now bigint := milliseconds(clock_timestamp());
    _due bigint;
    _job jsonb;
    _stored jsonb;
BEGIN
    PERFORM check_dispatch(name, args, queue, priority, delay, run_at, retries, unique_key, unique_for, expires_after, retain, tags, version);
    _due := coalesce(milliseconds(run_at), _now + milliseconds(delay));
    _job := jsonb_build_object('name', name, 'queue', queue, 'args', stored_text(args::text), 'priority', priority, 'retries', retries,
        'version', version) || jsonb_strip_nulls(jsonb_build_object('run_at', _due, 'ordered', stored_text(ordered),
        'expires_at', greatest(_due, _now) + milliseconds(expires_after), 'retain', milliseconds(retain),
        'tags', CASE WHEN cardinality(tags) > 0 THEN to_jsonb(tags) END));
    IF unique_key IS NOT NULL THEN
        _job := _job || jsonb_build_object('unique', jsonb_build_object('key', stored_text(unique_key), 'states', 15,
            'window', milliseconds(unique_for), 'on_conflict', 'skip'));
    END IF;
    _stored := push_in(jsonb_build_object('now', _now, 'jobs', jsonb_build_array(_job)));
    RETURN public_id((_stored #>> '{jobs,0}')::bigint, coalesce((_stored #>> '{existing,0}')::bigint, _now));
END $$;

-- Milliseconds since 1970.
CREATE FUNCTION milliseconds(_time timestamptz) RETURNS bigint LANGUAGE sql STABLE STRICT AS $$
    SELECT greatest(0, floor(extract(epoch FROM _time) * 1000)::bigint)
$$;

-- A length of time in milliseconds.
CREATE FUNCTION milliseconds(_time interval) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT floor(extract(epoch FROM _time) * 1000)::bigint
$$;

-- A text as the store keeps it, which keeps one character for itself.
CREATE FUNCTION stored_text(_text text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT replace(_text, chr(64976), chr(64976) || '1')
$$;

-- Refuses what can't be dispatched, and says what is wrong with it.
CREATE FUNCTION check_dispatch(
    _name text, _args jsonb, _queue text, _priority integer, _delay interval, _run_at timestamptz, _retries integer, _unique_key text,
    _unique_for interval, _expires_after interval, _retain interval, _tags text[], _version integer
) RETURNS void LANGUAGE plpgsql STABLE AS $$
DECLARE
    _problem text := CASE
        WHEN _name IS NULL OR _name = '' THEN 'the name of the job is missing'
        WHEN octet_length(_name) > 1000 THEN format('the name has %s bytes, expected at most 1000', octet_length(_name))
        WHEN _args IS NULL OR jsonb_typeof(_args) NOT IN ('object', 'array') THEN format(
            'args are %s, expected an object by parameter name, such as {"to": "ann"}, or an array in parameter order', coalesce(_args::text, 'null'))
        WHEN octet_length(_args::text) > 10000000 THEN format(
            'the args have %s bytes of JSON, expected at most 10000000: keep what is large in a file or a table and pass its name',
            octet_length(_args::text))
        WHEN _queue IS NULL OR _queue = '' THEN 'the queue is empty, expected a name such as default'
        WHEN octet_length(_queue) > 1000 THEN format('the queue has %s bytes, expected at most 1000', octet_length(_queue))
        WHEN _priority IS NULL THEN 'the priority is null, expected a number'
        WHEN _delay IS NOT NULL AND _run_at IS NOT NULL THEN 'both delay and run_at are given, expected one of them'
        WHEN _delay < '0' THEN format('the delay is %s, expected a time that is not negative', _delay)
        WHEN _run_at IN ('infinity', '-infinity') THEN format('run_at is %s, expected a time', _run_at)
        WHEN _retries IS NULL OR _retries < 0 THEN format('retries are %s, expected 0 or more', coalesce(_retries::text, 'null'))
        WHEN _unique_for IS NOT NULL AND _unique_key IS NULL THEN 'unique_for is given, but no unique_key'
        WHEN _unique_for <= '0' THEN format('unique_for is %s, expected a time that is more than zero', _unique_for)
        WHEN _expires_after < '0' THEN format('expires_after is %s, expected a time that is not negative', _expires_after)
        WHEN _retain < '0' THEN format('retain is %s, expected a time that is not negative', _retain)
        WHEN array_position(_tags, NULL) IS NOT NULL THEN 'one of the tags is null, expected texts'
        WHEN _version IS NULL OR _version < 1 THEN format('the version is %s, expected 1 or more', coalesce(_version::text, 'null'))
    END;
BEGIN
    IF _problem IS NOT NULL THEN
        RAISE invalid_parameter_value USING MESSAGE = 'can''t dispatch the job ' || coalesce(quote_ident(_name), 'null') || ': ' || _problem;
    END IF;
END $$;

-- Unique keys. A job has its key while its details say so; who gives or takes keys has the lock of `lock_flow`.

-- Who has a key now. One whose window is over gives it up, and one that has expired is ended first.
CREATE FUNCTION key_holder(_key text, _now bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    _holder record;
BEGIN
    LOOP
        SELECT job, unique_until, expires_at, may_expire FROM details
        WHERE has_key AND hashtextextended(unique_key, 0) = hashtextextended(_key, 0) AND unique_key = _key INTO _holder;
        IF NOT FOUND THEN
            RETURN NULL;
        ELSIF _holder.unique_until <= _now THEN
            PERFORM give_up_key(_holder.job);
            RETURN NULL;
        ELSIF _holder.may_expire AND _holder.expires_at <= _now AND end_expired(_holder.job, _now) THEN
            -- It may have kept its key all the same, or not.
            CONTINUE;
        END IF;
        RETURN _holder.job;
    END LOOP;
END $$;

-- The id of a job, wherever it stands.
CREATE FUNCTION id_of(_seq bigint) RETURNS uuid LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT public_id(_seq, created_at) FROM (
        SELECT created_at FROM jobs WHERE seq = _seq UNION ALL SELECT created_at FROM ended WHERE seq = _seq) AS job);
END $$;

-- The job that stands in for a new one because it has its key, if there is one: it takes over from the new one what that says.
CREATE FUNCTION stand_in(_new jsonb, _needed boolean, _first bigint, _now bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    _unique jsonb := _new -> 'unique';
    _holder bigint;
    _job jobs;
BEGIN
    IF _unique IS NULL THEN
        RETURN NULL;
    END IF;
    _holder := key_holder(_unique ->> 'key', _now);
    IF _holder IS NULL THEN
        RETURN NULL;
    END IF;
    IF _needed OR _unique ->> 'on_conflict' = 'error' THEN
        RAISE SQLSTATE 'JW001' USING MESSAGE = 'another job has the unique key', DETAIL = jsonb_build_object('job', _new ->> 'name',
            'existing', CASE WHEN _holder < _first THEN id_of(_holder) END);
    END IF;
    SELECT * FROM jobs WHERE seq = _holder FOR UPDATE INTO _job;
    -- One that has begun or ended goes on as it is.
    IF _unique #> '{on_conflict,replace}' IS NOT NULL AND _job.name = _new ->> 'name' THEN
        IF stop_waiting(_job) THEN
            PERFORM replace_job(_job, _new, _unique #> '{on_conflict,replace}', _now);
        END IF;
    END IF;
    RETURN _holder;
END $$;

-- Takes a job that has not begun out of wherever it stands, and says whether it had not.
CREATE FUNCTION stop_waiting(_job jobs) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM withdraw_held(_job.seq);
    RETURN _job.state = 0 OR leave_ready(_job.seq);
END $$;

CREATE FUNCTION replace_job(_job jobs, _new jsonb, _what jsonb, _now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _expires_at bigint := (_new ->> 'expires_at')::bigint;
BEGIN
    IF (_what ->> 'args')::boolean THEN
        UPDATE jobs SET args = _new ->> 'args', version = (_new ->> 'version')::bigint WHERE seq = _job.seq;
    END IF;
    IF (_what ->> 'schedule')::boolean THEN
        UPDATE jobs SET
            run_at = least(coalesce((_new ->> 'run_at')::bigint, _now), created_at + (_what ->> 'at_most')::bigint),
            flags = CASE WHEN _expires_at IS NULL THEN flags ELSE flags | @expires@ END
        WHERE seq = _job.seq;
        UPDATE details SET expires_at = _expires_at, may_expire = _expires_at IS NOT NULL,
            retry_until = (_new ->> 'retry_until')::bigint
        WHERE job = _job.seq;
        PERFORM wake('r');
    END IF;
    PERFORM enter_ready(_job.seq);
END $$;

-- A job doesn't have its key any more.
CREATE FUNCTION give_up_key(_seq bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE details SET has_key = false WHERE job = _seq;
END $$;

-- A job that has ended in this state gives its key up unless it keeps it there. Bits stand for states in the order of the domain.
CREATE FUNCTION end_key(_seq bigint, _state integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE details SET has_key = false WHERE job = _seq AND unique_states & (1 << (_state + 1)) = 0;
END $$;

-- Gives a job that had ended its key again; returns who has it instead, and then changes nothing.
CREATE FUNCTION take_key_again(_seq bigint, _now bigint) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    _key text;
    _holder bigint;
BEGIN
    SELECT unique_key FROM details
    WHERE job = _seq AND unique_key IS NOT NULL AND NOT has_key AND coalesce(unique_until > _now, true) INTO _key;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    _holder := key_holder(_key, _now);
    IF _holder IS NOT NULL THEN
        RETURN id_of(_holder);
    END IF;
    UPDATE details SET has_key = true WHERE job = _seq;
    RETURN NULL;
END $$;

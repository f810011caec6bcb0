-- What jobs of one key share: slots, counted by the rows of those that run, and buckets of tokens.
--
-- A slot is written by the claim and deleted in the write that takes the job out of running, whichever that is, so the count is exact
-- after any crash. Limits are JSON, as jobs carry them: `[{"key": "k", "rule": {"concurrency": 5}}]`, or with `{"rate": {"count": 9,
-- "per": {"secs": 60, "nanos": 0}}}`. All that is kept of a bucket is the time at which it will be full, in nanoseconds.

-- A number that fits.
CREATE FUNCTION saturated(_number numeric) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT greatest(least(_number, 9223372036854775807), -9223372036854775808)::bigint
$$;

-- A quotient of whole numbers, rounded up. Of a plain quotient only some digits are kept.
CREATE FUNCTION rounded_up(_number numeric, _by numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
    SELECT div(_number + _by - 1, _by)
$$;

-- The time in which one token comes. Rounded up, so that never too many come.
CREATE FUNCTION token_time(_rate jsonb) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT greatest(1, saturated(rounded_up(
        least(9223372036854775807, (_rate #>> '{per,secs}')::numeric * 1000000000 + (_rate #>> '{per,nanos}')::numeric),
        greatest(1, (_rate ->> 'count')::numeric))))
$$;

-- The time in which an empty bucket fills.
CREATE FUNCTION fill_time(_rate jsonb) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT saturated(token_time(_rate)::numeric * greatest(1, (_rate ->> 'count')::numeric))
$$;

-- When the bucket of a key is full; 0 for one that was never used.
CREATE FUNCTION full_at(_key text) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN coalesce((SELECT full_at FROM buckets WHERE hashtextextended(key, 0) = hashtextextended(_key, 0) AND key = _key), 0);
END $$;

-- Whole tokens that are in a bucket.
CREATE FUNCTION tokens(_key text, _rate jsonb, _now bigint) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN greatest(0, fill_time(_rate) - greatest(0, saturated(full_at(_key)::numeric - _now::numeric * 1000000))) / token_time(_rate);
END $$;

-- When an empty bucket has its first token, and when it is worth looking: there may be more tokens then. In milliseconds, rounded up.
CREATE FUNCTION next_token(_key text, _rate jsonb, _now bigint, OUT wake_at bigint, OUT look_at bigint) LANGUAGE plpgsql AS $$
DECLARE
    _full_at numeric := full_at(_key);
BEGIN
    wake_at := rounded_up(greatest(0, _full_at - fill_time(_rate) + token_time(_rate)), 1000000);
    look_at := greatest(wake_at, rounded_up(greatest(0, least(_now::numeric * 1000000 + 20000000, _full_at)), 1000000)::bigint);
END $$;

-- Keeps a bucket. For each one that is kept, two are forgotten that have filled since: a full one needs no row.
CREATE FUNCTION write_bucket(_key text, _full_at numeric, _taken_at numeric, _now bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE buckets SET full_at = saturated(_full_at), taken_at = saturated(_taken_at)
    WHERE hashtextextended(key, 0) = hashtextextended(_key, 0) AND key = _key;
    IF NOT FOUND THEN
        INSERT INTO buckets (key, full_at, taken_at) VALUES (_key, saturated(_full_at), saturated(_taken_at));
    END IF;
    DELETE FROM buckets WHERE ctid = ANY (ARRAY(SELECT ctid FROM buckets WHERE full_at < saturated(_now::numeric * 1000000) LIMIT 2));
END $$;

-- So many slots of a key are taken; counted up to `_most`.
CREATE FUNCTION slots_taken(_key text, _most bigint) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT count(*) FROM (
        SELECT FROM slots WHERE hashtextextended(key, 0) = hashtextextended(_key, 0) AND key = _key LIMIT _most) AS taken);
END $$;

-- How many more jobs of a key these limits allow now.
CREATE FUNCTION room(_limits jsonb, _key text, _now bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    _rule jsonb;
    _room bigint := 9223372036854775807;
BEGIN
    FOR _rule IN SELECT value -> 'rule' FROM jsonb_array_elements(_limits) WHERE value ->> 'key' = _key LOOP
        _room := least(_room, CASE
            WHEN _rule ? 'concurrency'
            THEN greatest(0, (_rule ->> 'concurrency')::bigint - slots_taken(_key, (_rule ->> 'concurrency')::bigint))
            ELSE tokens(_key, _rule -> 'rate', _now)
        END);
    END LOOP;
    RETURN _room;
END $$;

-- The first key of these limits that has no room.
CREATE FUNCTION full_key(_limits jsonb, _now bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    _key text;
BEGIN
    FOR _key IN SELECT value ->> 'key' FROM jsonb_array_elements(_limits) LOOP
        IF room(_limits, _key, _now) = 0 THEN
            RETURN _key;
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

-- When a key without room may have some, and when it is worth looking; nothing until a slot is freed.
CREATE FUNCTION next_room(_limits jsonb, _key text, _now bigint, OUT wake_at bigint, OUT look_at bigint) LANGUAGE plpgsql AS $$
DECLARE
    _rule jsonb;
    _next record;
BEGIN
    FOR _rule IN SELECT value -> 'rule' FROM jsonb_array_elements(_limits) WHERE value ->> 'key' = _key LOOP
        IF _rule ? 'concurrency' THEN
            IF (_rule ->> 'concurrency')::bigint <= slots_taken(_key, (_rule ->> 'concurrency')::bigint) THEN
                wake_at := NULL;
                look_at := NULL;
                RETURN;
            END IF;
        ELSIF tokens(_key, _rule -> 'rate', _now) = 0 THEN
            _next := next_token(_key, _rule -> 'rate', _now);
            IF wake_at IS NULL OR (_next.wake_at, _next.look_at) > (wake_at, look_at) THEN
                wake_at := _next.wake_at;
                look_at := _next.look_at;
            END IF;
        END IF;
    END LOOP;
END $$;

-- Takes what a job needs of limits that all have room.
CREATE FUNCTION take_limits(_job bigint, _limits jsonb, _now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _key text;
    _rule jsonb;
BEGIN
    FOR _key, _rule IN SELECT value ->> 'key', value -> 'rule' FROM jsonb_array_elements(_limits) LOOP
        IF _rule ? 'concurrency' THEN
            INSERT INTO slots (key, job) SELECT _key, _job
            WHERE NOT EXISTS (SELECT FROM slots WHERE job = _job AND key = _key);
        ELSE
            PERFORM write_bucket(_key,
                greatest(full_at(_key)::numeric, _now::numeric * 1000000) + token_time(_rule -> 'rate'), _now::numeric * 1000000, _now);
        END IF;
    END LOOP;
END $$;

-- The limits that a job was dispatched with.
CREATE FUNCTION limits_of(_job bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    RETURN coalesce((SELECT limits FROM details WHERE job = _job), '[]')::jsonb;
END $$;

-- A job doesn't run any more: its slots are free.
CREATE FUNCTION free_slots(_job bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _key text;
BEGIN
    FOR _key IN DELETE FROM slots WHERE job = _job RETURNING key LOOP
        PERFORM open_gates(_key);
        -- Keys of our own begin so; that of a queue has no gate.
        IF left(_key, 1) = chr(1) THEN
            PERFORM wake('r');
        END IF;
    END LOOP;
END $$;

-- What a job that was claimed and never begun took from its buckets is in them again, unless others took of them later: they may have
-- been full before.
CREATE FUNCTION give_tokens_back(_job bigint, _taken bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _key text;
    _rule jsonb;
BEGIN
    FOR _key, _rule IN SELECT value ->> 'key', value -> 'rule' FROM jsonb_array_elements(limits_of(_job)) LOOP
        IF _rule ? 'rate' THEN
            UPDATE buckets SET full_at = saturated(full_at::numeric - token_time(_rule -> 'rate'))
            WHERE hashtextextended(key, 0) = hashtextextended(_key, 0) AND key = _key AND taken_at / 1000000 <= _taken;
            PERFORM open_gates(_key);
        END IF;
    END LOOP;
END $$;

-- The others of a job's rate keys get no tokens before `_until`.
CREATE FUNCTION drain_buckets(_job bigint, _until bigint, _now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _key text;
    _rate jsonb;
BEGIN
    FOR _key, _rate IN
        SELECT value ->> 'key', value #> '{rule,rate}' FROM jsonb_array_elements(limits_of(_job)) WHERE value -> 'rule' ? 'rate'
    LOOP
        PERFORM write_bucket(_key,
            greatest(full_at(_key)::numeric, _until::numeric * 1000000 + fill_time(_rate) - token_time(_rate)),
            _until::numeric * 1000000, _now);
    END LOOP;
END $$;

-- What may stand in columns whose types allow more. The tables refuse all else, whoever writes it: what a function can't read would fail
-- whole calls, and with them what concerns other jobs.

-- Whether this is a limit: `{"concurrency": 5}`, or `{"rate": {"count": 9, "per": {"secs": 60, "nanos": 0}}}`.
CREATE FUNCTION is_rule(_kind text, _rule jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(CASE _kind
        WHEN 'concurrency' THEN _rule::text ~ '^\d{1,10}$'
        WHEN 'rate' THEN (_rule -> 'count')::text ~ '^\d{1,10}$' AND (_rule #> '{per,secs}')::text ~ '^\d{1,20}$'
            AND (_rule #> '{per,nanos}')::text ~ '^\d{1,9}$'
    END, false)
$$;

-- Whether these are the limits of a job.
CREATE FUNCTION are_limits(_limits jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE @path@ AS $$
    SELECT bool_and(jsonb_typeof(value -> 'key') IS NOT DISTINCT FROM 'string'
        AND (SELECT count(*) = 1 AND bool_and(is_rule(r.key, r.value)) FROM jsonb_each(value -> 'rule') AS r)) IS NOT FALSE
    FROM jsonb_array_elements(_limits)
$$;

-- Whether this is what a queue's jobs share.
CREATE FUNCTION is_queue_limit(_limit jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE @path@ AS $$
    SELECT bool_and(value = 'null' OR is_rule(key, value)) IS NOT FALSE FROM jsonb_each(_limit)
$$;

-- Whether this is a list, and each of it is something.
CREATE FUNCTION is_list(_list anyarray) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(array_ndims(_list), 1) = 1 AND array_position(_list, NULL) IS NULL
$$;

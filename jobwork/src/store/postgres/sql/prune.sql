-- Forgetting jobs that were kept long enough.

-- Forgets jobs that have ended, at most `_most`, and says how many. Rules are JSON: `[{"state": 3, "rule": {"age": ms, "count": n},
-- "jobs": {"name": {..}}}, ..]`, where a missing age or count is all.
CREATE FUNCTION prune(_rules jsonb, _most bigint, _now bigint) RETURNS bigint LANGUAGE plpgsql @entry@ AS $$
DECLARE
    _found bigint[];
BEGIN
    PERFORM sum_totals();
    _found := find_all_old(_rules, _most, _now);
    IF EXISTS (SELECT FROM ended WHERE seq = ANY (_found) AND flags <> 0) THEN
        -- Who has waited looks again: a job may have been retried, and have ended anew.
        PERFORM lock_flow();
        _found := find_all_old(_rules, _most, _now);
        RETURN forget_plain(_found) + forget_others(_found, _now);
    END IF;
    RETURN forget_plain(_found);
END $$;

-- The jobs that were kept long enough, by their own word or else by the rules.
CREATE FUNCTION find_all_old(_rules jsonb, _most bigint, _now bigint) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    _found bigint[] := ARRAY(SELECT job FROM details WHERE kept_until <= _now ORDER BY kept_until LIMIT _most);
    _entry jsonb;
BEGIN
    FOR _entry IN SELECT * FROM jsonb_array_elements(_rules) LOOP
        _found := _found || find_old(_entry, _most - cardinality(_found), _now);
    END LOOP;
    RETURN _found;
END $$;

-- The jobs of one end that were kept long enough, or are too many.
CREATE FUNCTION find_old(_entry jsonb, _most bigint, _now bigint) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    _state integer := _entry ->> 'state';
    _rule jsonb;
    _name text;
    _shortest bigint;
    _many boolean;
    _ended bigint;
    _seq bigint;
    _found bigint[] := '{}';
BEGIN
    SELECT min((rule ->> 'age')::bigint), bool_or(rule ? 'count')
    FROM (SELECT _entry -> 'rule' UNION ALL SELECT value FROM jsonb_each(_entry -> 'jobs')) AS rules (rule) INTO _shortest, _many;
    IF _most <= 0 OR _shortest IS NULL AND NOT _many THEN
        RETURN _found;
    END IF;
    -- The oldest first; of each name its own rule counts.
    IF _shortest IS NOT NULL THEN
        _found := ARRAY(
            SELECT seq FROM ended WHERE finished_at <= _now - _shortest AND state = _state AND flags & (@retained@ | @fleeting@) = 0
                AND finished_at <= _now - (CASE WHEN _entry -> 'jobs' ? name THEN _entry #> ARRAY['jobs', name] ELSE _entry -> 'rule' END ->> 'age')::bigint
            ORDER BY finished_at LIMIT _most);
    END IF;
    IF NOT _many THEN
        RETURN _found;
    END IF;
    FOR _name IN SELECT DISTINCT name FROM ended WHERE state = _state AND flags & (@retained@ | @fleeting@) = 0 ORDER BY name LOOP
        _rule := CASE WHEN _entry -> 'jobs' ? _name THEN _entry #> ARRAY['jobs', _name] ELSE _entry -> 'rule' END;
        CONTINUE WHEN NOT _rule ? 'count';
        -- The newest one that is not among the newest so many. Those that are too old were found above.
        SELECT finished_at, seq FROM ended WHERE state = _state AND name = _name AND flags & (@retained@ | @fleeting@) = 0
        ORDER BY finished_at DESC, seq DESC OFFSET (_rule ->> 'count')::bigint LIMIT 1 INTO _ended, _seq;
        CONTINUE WHEN NOT FOUND;
        _found := _found || ARRAY(
            SELECT seq FROM ended WHERE state = _state AND name = _name AND flags & (@retained@ | @fleeting@) = 0
                AND (finished_at, seq) <= (_ended, _seq) AND coalesce(finished_at > _now - (_rule ->> 'age')::bigint, true)
            ORDER BY finished_at, seq LIMIT _most - cardinality(_found));
        EXIT WHEN cardinality(_found) >= _most;
    END LOOP;
    RETURN _found;
END $$;

-- Forgets those of these jobs of which nothing stands anywhere else, and which nobody is changing: most are such.
CREATE FUNCTION forget_plain(_seqs bigint[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    _count bigint;
    _completed bigint;
BEGIN
    WITH gone AS (
        DELETE FROM ended WHERE seq = ANY (ARRAY(
            SELECT seq FROM ended WHERE seq = ANY (_seqs) AND flags = 0 ORDER BY seq FOR UPDATE SKIP LOCKED))
        RETURNING state)
    SELECT count(*), count(*) FILTER (WHERE state = 3) FROM gone INTO _count, _completed;
    IF _completed > 0 THEN
        PERFORM count_completed(-_completed);
    END IF;
    IF _count > 0 THEN
        PERFORM wake('s');
    END IF;
    RETURN _count;
END $$;

-- Forgets the others of these jobs. The caller has the lock of `lock_flow`.
CREATE FUNCTION forget_others(_seqs bigint[], _now bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    _seq bigint;
    _count bigint := 0;
BEGIN
    FOR _seq IN SELECT seq FROM ended WHERE seq = ANY (_seqs) AND flags <> 0 ORDER BY seq FOR UPDATE LOOP
        IF delete_job(_seq, _now) THEN
            _count := _count + 1;
        END IF;
    END LOOP;
    RETURN _count;
END $$;

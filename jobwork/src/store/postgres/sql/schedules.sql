-- Schedules: a row each, which every change reads and writes whole. What they mean is known to the programs.

-- Puts one form of a schedule in the place of another, unless it has changed meanwhile; null is none.
CREATE FUNCTION swap_schedule(_name text, _before text, _after text) RETURNS boolean LANGUAGE plpgsql @entry@ AS $$
BEGIN
    IF _before IS NULL THEN
        INSERT INTO schedules (name, schedule) VALUES (_name, _after) ON CONFLICT (name) DO NOTHING;
    ELSIF _after IS NULL THEN
        DELETE FROM schedules WHERE name = _name AND schedule = _before;
    ELSE
        UPDATE schedules SET schedule = _after WHERE name = _name AND schedule = _before;
    END IF;
    RETURN FOUND;
END $$;

-- Stores the jobs of a tick, and notes that it was done; null, and nothing is stored, where the schedule is not what it was before.
CREATE FUNCTION fire(_name text, _before text, _after text, _push jsonb) RETURNS jsonb LANGUAGE plpgsql @entry@ AS $$
DECLARE
    _state text;
    _detail text;
BEGIN
    -- First of all: who waits for a row of another who fires must not have what that one needs.
    PERFORM lock_flow();
    BEGIN
        IF NOT swap_schedule(_name, _before, _after) THEN
            RETURN NULL;
        END IF;
        RETURN push(_push);
    EXCEPTION WHEN SQLSTATE 'JW001' OR SQLSTATE 'JW002' OR SQLSTATE 'JW003' THEN
        -- Nothing was stored, and the tick is not past.
        GET STACKED DIAGNOSTICS _state = RETURNED_SQLSTATE, _detail = PG_EXCEPTION_DETAIL;
        RETURN jsonb_build_object('refused', _state, 'detail', _detail::jsonb);
    END;
END $$;

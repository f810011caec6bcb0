-- Jobs of one key that run one after the other.
--
-- Of the open jobs of a key all but one are in line, and being in line is one more thing that a job waits for. When the one that isn't
-- ends, the first in line, by dispatch, is it. So whatever ends in the middle of a line concerns nobody else.

-- The open job of a key that is not in line.
CREATE FUNCTION leader_of(_key text) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT job FROM details
        WHERE hashtextextended(ordered, 0) = hashtextextended(_key, 0) AND ordered = _key AND in_line IS NOT NULL AND NOT in_line);
END $$;

-- Puts a job that had ended, and will be revived, back into the order of its key: before all that were dispatched later, except one
-- that may have begun.
CREATE FUNCTION enter_ordered_again(_seq bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _key text := (SELECT ordered FROM details WHERE job = _seq);
    _leader bigint;
    _behind bigint := _seq;
BEGIN
    IF _key IS NULL THEN
        RETURN;
    END IF;
    _leader := leader_of(_key);
    UPDATE details SET in_line = false WHERE job = _seq;
    IF _leader IS NULL THEN
        RETURN;
    END IF;
    -- Behind a later job that itself waits, for a chain, it could be waiting for itself.
    IF _leader > _seq AND EXISTS (SELECT FROM jobs WHERE seq = _leader AND state = 0) THEN
        _behind := _leader;
    END IF;
    UPDATE details SET in_line = true WHERE job = _behind;
    UPDATE jobs SET waits = waits + 1 WHERE seq = _behind;
    UPDATE ended SET waits = waits + 1 WHERE seq = _behind;
END $$;

-- The next job of the key takes its turn when this one, which has ended or is deleted, had it.
CREATE FUNCTION end_ordered(_seq bigint, _at bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _key text;
    _in_line boolean;
    _next bigint;
BEGIN
    SELECT ordered, in_line FROM details WHERE job = _seq AND in_line IS NOT NULL INTO _key, _in_line;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    UPDATE details SET in_line = NULL WHERE job = _seq;
    IF _in_line THEN
        UPDATE jobs SET waits = waits - 1 WHERE seq = _seq;
        UPDATE ended SET waits = waits - 1 WHERE seq = _seq;
        RETURN;
    END IF;
    SELECT job FROM details
    WHERE hashtextextended(ordered, 0) = hashtextextended(_key, 0) AND ordered = _key AND in_line ORDER BY job LIMIT 1 INTO _next;
    IF FOUND THEN
        UPDATE details SET in_line = false WHERE job = _next;
        PERFORM let_go(_next, 1, _at);
    END IF;
END $$;

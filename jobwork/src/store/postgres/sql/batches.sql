-- Batches: every change of a member is counted in the transaction that makes it.
--
-- A standing is what a member has come to, as bits, each of which its batch counts: 1 it has run once, or will not; 2 it has ended; 4 it
-- has succeeded; 8 it is dead; 16 it was cancelled.

-- The standing of a member that had this one, and is now in this state after so many attempts. An attempt that was given back is not
-- among them; what has run once has done so for good.
CREATE FUNCTION standing_after(_before integer, _state integer, _attempt integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN _state = 3 THEN 7
        WHEN _state = 6 THEN 11
        WHEN _state IN (4, 5) THEN 19
        WHEN _attempt > 0 THEN 1
        ELSE _before & 1
    END
$$;

-- Has the batch of a job count what became of it. To be called after every change that may end it or bring it back.
CREATE FUNCTION follow_batch(_seq bigint, _at bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _member record;
    _after integer;
BEGIN
    SELECT d.batch, d.standing, j.state, j.attempt, j.created_at, j.reason FROM details d JOIN (
        SELECT seq, state, attempt, created_at, NULL AS reason FROM jobs WHERE seq = _seq
        UNION ALL SELECT seq, state, attempt, created_at, reason FROM ended WHERE seq = _seq) AS j ON j.seq = d.job
    WHERE d.job = _seq AND d.standing IS NOT NULL INTO _member;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    _after := standing_after(_member.standing, _member.state, _member.attempt);
    IF _after = _member.standing THEN
        RETURN;
    END IF;
    UPDATE details SET standing = _after WHERE job = _seq;
    PERFORM count_member(_member.batch, _member.standing, _after, format('batch member %s was %s%s',
        public_id(_seq, _member.created_at),
        CASE _member.state WHEN 3 THEN 'completed' WHEN 4 THEN 'cancelled' WHEN 5 THEN 'discarded' WHEN 6 THEN 'dead' ELSE 'ready' END,
        ': ' || _member.reason), _at);
END $$;

-- Has the batch of a job that is about to be deleted count it for the last time: a success stays one.
CREATE FUNCTION forget_member(_seq bigint, _at bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _batch bigint;
    _standing integer;
    _kept bigint;
    _parent bigint;
BEGIN
    SELECT batch, standing FROM details WHERE job = _seq INTO _batch, _standing;
    IF _standing IS NOT NULL THEN
        PERFORM count_member(_batch, _standing, CASE WHEN _standing & 4 <> 0 THEN _standing ELSE 19 END,
            format('batch member %s was deleted', id_of(_seq)), _at);
    END IF;
    -- With the last row that names it a batch is forgotten, and may be the last that named its parent.
    WHILE _batch IS NOT NULL LOOP
        UPDATE batches SET kept = kept - 1 WHERE seq = _batch RETURNING kept, parent INTO _kept, _parent;
        EXIT WHEN NOT FOUND OR _kept > 0;
        DELETE FROM batches WHERE seq = _batch;
        _batch := _parent;
    END LOOP;
END $$;

-- Counts what became of one member, and so on up, as far as the batches are members themselves.
CREATE FUNCTION count_member(_batch bigint, _before integer, _after integer, _why text, _at bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _was batches;
    _is batches;
    _standing integer;
BEGIN
    WHILE _batch IS NOT NULL LOOP
        SELECT * FROM batches WHERE seq = _batch FOR UPDATE INTO _was;
        EXIT WHEN NOT FOUND;
        _is := _was;
        _is.ran := _was.ran + (_after & 1) - (_before & 1);
        _is.ended := _was.ended + (_after >> 1 & 1) - (_before >> 1 & 1);
        _is.succeeded := _was.succeeded + (_after >> 2 & 1) - (_before >> 2 & 1);
        _is.dead := _was.dead + (_after >> 3 & 1) - (_before >> 3 & 1);
        _is.cancelled := _was.cancelled + (_after >> 4 & 1) - (_before >> 4 & 1);
        _is.finished_at := CASE WHEN _is.ended = _is.total THEN coalesce(_was.finished_at, _at) END;
        -- Each callback is let go at most once.
        _is.completed_at := coalesce(_was.completed_at, CASE WHEN _is.ran = _is.total THEN _at END);
        _is.succeeded_at := coalesce(_was.succeeded_at, CASE WHEN _is.succeeded = _is.total THEN _at END);
        _is.died_at := coalesce(_was.died_at, CASE WHEN _is.dead > 0 THEN _at END);
        _is.standing := CASE WHEN _is.completed_at IS NULL THEN 0 ELSE 1 END | CASE WHEN _is.finished_at IS NULL THEN 0 ELSE 2 END
            | CASE WHEN _is.succeeded = _is.total THEN 4 ELSE 0 END | CASE WHEN _is.dead > 0 THEN 8 ELSE 0 END
            | CASE WHEN _is.cancelled > 0 THEN 16 ELSE 0 END;
        UPDATE batches SET ran = _is.ran, ended = _is.ended, succeeded = _is.succeeded, dead = _is.dead, cancelled = _is.cancelled,
            finished_at = _is.finished_at, completed_at = _is.completed_at, succeeded_at = _is.succeeded_at, died_at = _is.died_at,
            standing = _is.standing
        WHERE seq = _batch;
        PERFORM call_back(_was, _is, _why, _at);
        -- A parent has the lower number, unless somebody else wrote it: a ring would be gone round for ever.
        EXIT WHEN _was.standing = _is.standing OR _was.parent >= _batch;
        _batch := _was.parent;
        _before := _was.standing;
        _after := _is.standing;
    END LOOP;
END $$;

CREATE FUNCTION call_back(_was batches, _is batches, _why text, _at bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF _was.on_success IS NOT NULL AND _was.succeeded_at IS NULL THEN
        IF _is.cancelled > 0 AND _was.cancelled = 0 THEN
            PERFORM spoil_callback(_was.seq, _was.on_success, _why, _at);
        ELSIF _is.cancelled = 0 AND _was.cancelled > 0 THEN
            PERFORM mend_callback(_was.seq, _was.on_success, _at);
        END IF;
    END IF;
    IF _was.completed_at IS NULL AND _is.completed_at IS NOT NULL THEN
        PERFORM wake('s');
        PERFORM let_go(_was.on_complete, 1, _at);
    END IF;
    IF _was.succeeded_at IS NULL AND _is.succeeded_at IS NOT NULL THEN
        PERFORM let_go(_was.on_success, 1, _at);
    END IF;
    IF _was.died_at IS NULL AND _is.died_at IS NOT NULL THEN
        PERFORM let_go(_was.on_death, 1, _at);
    END IF;
    IF _was.succeeded_at IS NULL AND _is.succeeded_at IS NOT NULL AND _is.died_at IS NULL AND _was.on_death IS NOT NULL THEN
        PERFORM spoil_callback(_was.seq, _was.on_death, 'every member of the batch succeeded', _at);
    END IF;
END $$;

-- A callback that waits for what can't happen any more is cancelled. What stands in `cause` of a job that a batch cancelled is
-- the batch's number made negative.
CREATE FUNCTION spoil_callback(_batch bigint, _callback bigint, _why text, _at bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _created_at bigint;
BEGIN
    SELECT created_at FROM jobs WHERE seq = _callback AND state = 0 INTO _created_at;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    UPDATE details SET cause = -_batch WHERE job = _callback;
    PERFORM end_job(_callback, 4, _why, _at);
    PERFORM cancel_waiters(_callback, format('chain member %s was cancelled: %s', public_id(_callback, _created_at), _why), _at);
END $$;

-- The success callback of a batch that can succeed again is brought back.
CREATE FUNCTION mend_callback(_batch bigint, _callback bigint, _at bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM ended e JOIN details d ON d.job = e.seq WHERE e.seq = _callback AND e.state = 4 AND d.cause = -_batch) THEN
        PERFORM revive_unless_taken(_callback, _at);
        PERFORM revive_below(_callback, _at);
    END IF;
END $$;

-- Whether a job waits for what can't happen in its batch any more: success, or a death.
CREATE FUNCTION is_spoiled(_seq bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN EXISTS (SELECT FROM details d JOIN batches b ON b.seq = d.batch
        WHERE d.job = _seq AND (b.on_success = _seq AND b.succeeded_at IS NULL AND b.cancelled > 0
            OR b.on_death = _seq AND b.succeeded_at IS NOT NULL AND b.died_at IS NULL));
END $$;

-- What running jobs say about themselves.

-- Writes notes, each if its job is still running under its lease, and says of each whether it was. A note's lines are a JSON array.
CREATE FUNCTION note(
    _claims bigint[], _workers uuid[], _which integer[], _seqs bigint[], _created_ats bigint[], _attempts integer[],
    _fractions double precision[], _messages text[], _ats bigint[], _checkpoints text[], _logs text[]
) RETURNS boolean[] LANGUAGE plpgsql @entry@ AS $$
DECLARE
    _stored boolean[] := array_fill(false, ARRAY[cardinality(_seqs)]);
    _job jobs;
    _claim claims;
BEGIN
    PERFORM FROM claims WHERE id = ANY (_claims) ORDER BY id FOR SHARE;
    FOR _place IN 1 .. cardinality(_seqs) LOOP
        SELECT c.* FROM claims c JOIN workers w ON w.key = c.worker
        WHERE c.id = _claims[_which[_place]] AND w.id = _workers[_which[_place]] INTO _claim;
        CONTINUE WHEN NOT FOUND;
        SELECT * FROM jobs WHERE seq = _seqs[_place] AND created_at = _created_ats[_place] AND attempt + 1 = _attempts[_place]
        FOR UPDATE INTO _job;
        CONTINUE WHEN NOT FOUND OR NOT runs_under(_job, _claim);
        _stored[_place] := true;
        IF _job.flags & @noted@ = 0 THEN
            UPDATE jobs SET flags = flags | @noted@ WHERE seq = _job.seq;
        END IF;
        IF _fractions[_place] IS NOT NULL THEN
            INSERT INTO notes (job, fraction, message, at)
            VALUES (_job.seq, _fractions[_place], _messages[_place], _ats[_place])
            ON CONFLICT (job) DO UPDATE SET fraction = excluded.fraction, message = excluded.message, at = excluded.at;
        END IF;
        IF _checkpoints[_place] IS NOT NULL THEN
            INSERT INTO notes (job, checkpoint) VALUES (_job.seq, _checkpoints[_place])
            ON CONFLICT (job) DO UPDATE SET checkpoint = excluded.checkpoint;
        END IF;
        IF _logs[_place] IS NOT NULL THEN
            INSERT INTO logs (job, attempt, at, level, text)
            SELECT _job.seq, (line ->> 'attempt')::integer, (line ->> 'at')::bigint, line ->> 'level', line ->> 'text'
            FROM jsonb_array_elements(_logs[_place]::jsonb) WITH ORDINALITY AS lines (line, place) ORDER BY place;
            PERFORM drop_oldest_lines(_job.seq);
        END IF;
    END LOOP;
    RETURN _stored;
END $$;

-- Drops the oldest lines of a log, if there are more than 500, or more than 64 KiB of text.
CREATE FUNCTION drop_oldest_lines(_job bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM logs WHERE job = _job AND entry IN (
        SELECT entry FROM (
            SELECT entry, row_number() OVER newest AS place, sum(octet_length(text)) OVER newest AS bytes
            FROM logs WHERE job = _job WINDOW newest AS (ORDER BY entry DESC)) AS lines
        WHERE place > 500 OR bytes > 65536);
END $$;

-- What a run is explained by beside what was kept already: which workers are there, and what a wait is for.

-- A worker with its slots, until it fails to say so again. Not logged: after a crash of the database they say so anew.
CREATE UNLOGGED TABLE attendance (
    worker text PRIMARY KEY,
    slots integer NOT NULL,
    until timestamptz NOT NULL
) WITH (fillfactor = 50);

ALTER TABLE queue ADD COLUMN pause text NOT NULL DEFAULT '', ADD COLUMN failure text NOT NULL DEFAULT '';

-- The kind of a wait, and the reason of the failure that is tried again after it.
CREATE FUNCTION snooze(run uuid, with_fence bigint, delay double precision, because text, kind text, failed_by text)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF NOT snooze(run, with_fence, delay, because) THEN
        RETURN false;
    END IF;
    UPDATE queue SET pause = kind, failure = failed_by WHERE run_id = run;
    RETURN true;
END
$$;

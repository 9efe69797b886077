-- A run that needs longer than `shut` to kill its worker would never be alone when it does. So the run whose turn alone
-- a worker's life began with gets four times as long at its next turn when that life ends in a crash, up to sixty times
-- `shut`; first turns stay short, since most suspects only stood beside the culprit.
ALTER TABLE queue ADD COLUMN trials integer NOT NULL DEFAULT 0;

CREATE FUNCTION alone_for(shut double precision, trials integer) RETURNS interval LANGUAGE sql IMMUTABLE AS $$
    SELECT make_interval(secs => shut * least(4 ^ least(trials, 10), 60))
$$;

-- Once anything was taken beside it, a suspect is not alone any more: a crash says nothing against it.
CREATE OR REPLACE FUNCTION claim(to_worker text, free integer, term double precision, with_ticket bigint,
    shut double precision, patience double precision) RETURNS SETOF run_full LANGUAGE plpgsql AS $$
DECLARE
    held record;
BEGIN
    SELECT count(*) AS runs, COALESCE(bool_or(alone AND leased_at > now() - alone_for(shut, trials)), false) AS closed,
        COALESCE(bool_or(suspect_since IS NOT NULL AND leased_at > now() - make_interval(secs => shut)), false) AS tried
    INTO held FROM queue WHERE worker = to_worker AND state = 'leased';
    IF held.closed OR free <= 0 THEN
        RETURN;
    END IF;
    PERFORM wake_due();
    PERFORM fold_notices();
    IF held.runs = 0 THEN
        PERFORM claim_idle(to_worker, free, term, with_ticket, make_interval(secs => patience));
    ELSE
        PERFORM claim_beside(to_worker, free, term, with_ticket, make_interval(secs => patience), held.tried);
    END IF;
    RETURN QUERY SELECT * FROM claimed(to_worker, with_ticket);
    IF FOUND AND held.runs > 0 THEN
        UPDATE queue SET alone = false WHERE worker = to_worker AND state = 'leased' AND alone;
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION give_back(ids uuid[], delay double precision, because text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WITH back AS (
        UPDATE queue SET attempt = greatest(attempt - 1, 0), worker = NULL, fence = NULL, lease_until = NULL,
            leased_at = NULL, alone = false, why = because,
            status = CASE status WHEN 'RUNNING' THEN 'PENDING' ELSE status END,
            state = CASE WHEN delay > 0 AND status <> 'CANCELLING' THEN 'delayed' ELSE 'waiting' END,
            due_at = CASE WHEN delay > 0 THEN now() + make_interval(secs => delay) END,
            suspect_since = CASE WHEN delay > 0 THEN NULL ELSE suspect_since END,
            trials = CASE WHEN delay > 0 THEN 0 ELSE trials END
        WHERE run_id = ANY (ids)
        RETURNING org
    )
    INSERT INTO notice (org, running) SELECT org, -count(*) FROM back GROUP BY org;
    PERFORM count_waiting(cardinality(ids));
END
$$;

-- Take leases of dead workers back (the caller has locked the rows). Only a crash while alone counts against a run.
CREATE OR REPLACE FUNCTION take_back(ids uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    most constant integer := 3;
    guilty jsonb;
    returned bigint;
BEGIN
    SELECT jsonb_agg(jsonb_build_object('run', run_id, 'status', 'QUARANTINED', 'error', jsonb_build_object(
        'code', 'INTERNAL', 'reason', 'PROCESS_CRASHED', 'step', '',
        'message', format('The process died %s times while it ran this alone.', most))))
    INTO guilty FROM queue WHERE run_id = ANY (ids) AND alone AND crash_count + 1 >= most;
    IF guilty IS NOT NULL THEN
        PERFORM close_runs(guilty);
    END IF;
    WITH back AS (
        UPDATE queue SET state = 'waiting', status = CASE status WHEN 'RUNNING' THEN 'PENDING' ELSE status END,
            worker = NULL, fence = NULL, lease_until = NULL, leased_at = NULL, suspect_since = now(),
            trials = trials + COALESCE(alone_at = leased_at, false)::integer,
            crash_count = crash_count + alone::integer, alone = false
        WHERE run_id = ANY (ids)
        RETURNING org
    ), noted AS (
        INSERT INTO notice (org, running) SELECT org, -count(*) FROM back GROUP BY org
    )
    SELECT count(*) INTO returned FROM back;
    PERFORM count_waiting(returned);
END
$$;

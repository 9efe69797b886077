-- Schedules and their occurrences. Whoever looks at a schedule holds it for a while: every write of a round carries the
-- hold's fence, so that of any number of schedulers one decides about an occurrence, and a change made by a caller
-- meanwhile takes the hold away. An occurrence and its run are one commit.

CREATE TABLE schedule (
    schedule_id uuid PRIMARY KEY,
    org text NOT NULL,
    provider text NOT NULL,
    domain text NOT NULL,
    pipeline text NOT NULL,
    name text NOT NULL,
    cron text NOT NULL,
    timezone text NOT NULL,
    parameters jsonb NOT NULL,
    priority integer NOT NULL,
    active boolean NOT NULL,
    note text NOT NULL,
    catch_up text NOT NULL CHECK (catch_up IN ('none', 'latest', 'all')),
    overlap text NOT NULL CHECK (overlap IN ('skip', 'queue', 'cancel_previous')),
    jitter_seconds integer NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    next_due timestamptz,
    last_run_at timestamptz,
    last_run_status text NOT NULL DEFAULT '',
    look_at timestamptz,
    fence bigint,
    held_until timestamptz
) WITH (fillfactor = 60);
CREATE UNIQUE INDEX schedule_named ON schedule (org, provider, domain, pipeline, name) WHERE deleted_at IS NULL;
CREATE INDEX schedule_to_look_at ON schedule (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX schedule_deleted ON schedule (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE occurrence (
    schedule_id uuid NOT NULL,
    org text NOT NULL,
    due_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('DUE', 'FIRED', 'SKIPPED', 'MISSED')),
    act_at timestamptz,
    late boolean NOT NULL,
    why text NOT NULL,
    run_ids uuid[] NOT NULL DEFAULT '{}',
    run_id uuid GENERATED ALWAYS AS (run_ids[cardinality(run_ids)]) STORED,
    live boolean NOT NULL DEFAULT false,
    started boolean NOT NULL DEFAULT false,
    retry_at timestamptz,
    priority integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    decided_at timestamptz,
    PRIMARY KEY (schedule_id, due_at),
    CHECK ((state = 'FIRED') = (run_id IS NOT NULL)),
    CHECK (state = 'FIRED' OR NOT live AND retry_at IS NULL),
    CHECK ((state = 'DUE') = (decided_at IS NULL))
) WITH (fillfactor = 60);
CREATE INDEX occurrence_live ON occurrence (run_id) WHERE live;
CREATE INDEX occurrence_pending ON occurrence (schedule_id, due_at) WHERE state = 'DUE' OR live OR retry_at IS NOT NULL;
CREATE INDEX occurrence_decided ON occurrence (decided_at);
CREATE INDEX occurrence_age ON occurrence USING brin (due_at);

CREATE VIEW occurrence_now AS
SELECT o.*, r.status AS run_status, r.error AS run_error, r.end_time AS run_ended_at, r.start_time AS run_started_at
FROM occurrence o LEFT JOIN run_now r ON r.run_id = o.run_id;

CREATE FUNCTION tell_schedule(id uuid) RETURNS void LANGUAGE sql AS $$
    INSERT INTO outbox (kind, payload) VALUES ('schedule', jsonb_build_object('schedule_id', id))
$$;

CREATE FUNCTION tell_occurrence(id uuid, at timestamptz) RETURNS void LANGUAGE sql AS $$
    INSERT INTO outbox (kind, payload)
    VALUES ('occurrence', jsonb_build_object('schedule_id', id, 'due_at', to_jsonb(at)))
$$;

-- Take what was due and is no row yet out of the times that are changed: it is not lost without a word.
CREATE FUNCTION leave_time(old schedule, with_state text, because text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF old.next_due <= now() THEN
        INSERT INTO occurrence (schedule_id, org, due_at, state, late, why, priority, decided_at)
        VALUES (old.schedule_id, old.org, old.next_due, with_state, true, because, old.priority, now())
        ON CONFLICT (schedule_id, due_at) DO NOTHING;
        PERFORM tell_occurrence(old.schedule_id, old.next_due);
    END IF;
END
$$;

-- Create or replace the schedule of a pipeline and name. Without a change of its times it keeps its next one; else it
-- is due at the next of the new times, and never at once. `expected` is the version that must stand; outcome: put,
-- changed (another version stands), full.
CREATE FUNCTION put_schedule(wanted jsonb, expected bigint, most integer) RETURNS TABLE (outcome text, id uuid)
LANGUAGE plpgsql AS $$
DECLARE
    new schedule := jsonb_populate_record(NULL::schedule, wanted);
    old schedule;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(new.org, 3));
    SELECT * INTO old FROM schedule s WHERE s.org = new.org AND s.provider = new.provider AND s.domain = new.domain
        AND s.pipeline = new.pipeline AND s.name = new.name AND s.deleted_at IS NULL FOR UPDATE;
    id := COALESCE(old.schedule_id, new.schedule_id);
    IF expected IS NOT NULL AND old.version IS DISTINCT FROM expected THEN
        outcome := 'changed';
    ELSIF old.schedule_id IS NOT NULL THEN
        IF (old.cron, old.timezone, old.active) IS DISTINCT FROM (new.cron, new.timezone, new.active) THEN
            PERFORM leave_time(old, 'MISSED', 'the schedule was changed after it was due and before it was looked at');
        ELSE
            new.next_due := old.next_due;
        END IF;
        UPDATE schedule s SET cron = new.cron, timezone = new.timezone, parameters = new.parameters,
            priority = new.priority, active = new.active, note = new.note, catch_up = new.catch_up,
            overlap = new.overlap, jitter_seconds = new.jitter_seconds, version = s.version + 1, updated_at = now(),
            next_due = new.next_due, look_at = now(), fence = NULL, held_until = NULL
        WHERE s.schedule_id = old.schedule_id;
        outcome := 'put';
    ELSIF (SELECT count(*) FROM schedule s WHERE s.org = new.org AND s.deleted_at IS NULL) >= most THEN
        outcome := 'full';
    ELSE
        INSERT INTO schedule (schedule_id, org, provider, domain, pipeline, name, cron, timezone, parameters, priority,
            active, note, catch_up, overlap, jitter_seconds, next_due, look_at)
        VALUES (new.schedule_id, new.org, new.provider, new.domain, new.pipeline, new.name, new.cron, new.timezone,
            new.parameters, new.priority, new.active, new.note, new.catch_up, new.overlap, new.jitter_seconds,
            new.next_due, new.next_due);
        outcome := 'put';
    END IF;
    IF outcome = 'put' THEN
        PERFORM tell_schedule(id);
    END IF;
    RETURN NEXT;
END
$$;

-- Pause or resume; what was due meanwhile and is no row yet was skipped.
CREATE FUNCTION set_schedule_active(of_org text, id uuid, wanted boolean, because text, then_due timestamptz)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    old schedule;
BEGIN
    SELECT * INTO old FROM schedule s
    WHERE s.schedule_id = id AND s.org = of_org AND s.deleted_at IS NULL FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF wanted AND NOT old.active THEN
        PERFORM leave_time(old, 'SKIPPED', 'the schedule was paused');
    END IF;
    UPDATE schedule s SET active = wanted, note = because, version = s.version + 1, updated_at = now(), look_at = now(),
        next_due = CASE WHEN wanted AND NOT old.active THEN then_due ELSE s.next_due END, fence = NULL, held_until = NULL
    WHERE s.schedule_id = id;
    PERFORM tell_schedule(id);
    RETURN true;
END
$$;

CREATE FUNCTION delete_schedule(of_org text, id uuid) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    UPDATE schedule s SET deleted_at = now(), active = false, look_at = NULL, next_due = NULL, fence = NULL,
        held_until = NULL, version = s.version + 1, updated_at = now()
    WHERE s.schedule_id = id AND s.org = of_org AND s.deleted_at IS NULL;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM tell_schedule(id);
    PERFORM tell_occurrence(id, o.due_at) FROM occurrence o
    WHERE o.schedule_id = id AND (o.state = 'DUE' OR o.retry_at IS NOT NULL);
    UPDATE occurrence o SET state = 'SKIPPED', why = 'the schedule was deleted', decided_at = now(), act_at = NULL
    WHERE o.schedule_id = id AND o.state = 'DUE';
    UPDATE occurrence o SET retry_at = NULL, why = 'not tried again: the schedule was deleted'
    WHERE o.schedule_id = id AND o.retry_at IS NOT NULL;
    RETURN true;
END
$$;

-- Hold up to `most` schedules that must be looked at: a time has come, or the run of an occurrence has ended. What
-- others hold or are taking is theirs.
CREATE FUNCTION hold_schedules(of_org text, until timestamptz, most integer, term double precision)
RETURNS SETOF schedule LANGUAGE sql AS $$
    WITH candidates AS (
        SELECT s.schedule_id FROM schedule s WHERE s.look_at <= least(COALESCE(until, now()), now())
        UNION
        SELECT o.schedule_id FROM occurrence o JOIN run r ON r.run_id = o.run_id AND r.status <> 'PENDING' WHERE o.live
    ), free AS (
        SELECT s.schedule_id FROM schedule s WHERE s.schedule_id IN (SELECT c.schedule_id FROM candidates c)
            AND (s.held_until IS NULL OR s.held_until < now()) AND (of_org IS NULL OR s.org = of_org)
        ORDER BY s.look_at, s.schedule_id LIMIT most FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE schedule s SET fence = nextval('fence_seq'), held_until = now() + make_interval(secs => term)
    FROM free WHERE s.schedule_id = free.schedule_id
    RETURNING s.*
$$;

-- Make an occurrence a run: both or neither. `items` is one item of accept; `again` says that it is a retry.
CREATE FUNCTION fire(id uuid, with_fence bigint, at timestamptz, items jsonb, total_limit bigint, again boolean)
RETURNS TABLE (outcome text, known uuid, status text, retry_after double precision) LANGUAGE plpgsql AS $$
DECLARE
    taken record;
BEGIN
    PERFORM 1 FROM schedule s WHERE s.schedule_id = id AND s.fence = with_fence FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        outcome := 'stale';
        RETURN NEXT;
        RETURN;
    END IF;
    SELECT a.outcome, a.known, a.status, a.retry_after INTO taken FROM accept(items, total_limit) a;
    IF taken.outcome IN ('added', 'existing') THEN
        UPDATE occurrence o SET state = 'FIRED', run_ids = o.run_ids || taken.known, live = true, started = false,
            act_at = NULL, retry_at = NULL, decided_at = COALESCE(o.decided_at, now()),
            why = CASE taken.outcome WHEN 'existing' THEN 'a live run with the same parameters stands for it' ELSE '' END
        WHERE o.schedule_id = id AND o.due_at = at AND o.state = CASE WHEN again THEN 'FIRED' ELSE 'DUE' END;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'the occurrence is decided';
        END IF;
        UPDATE schedule s SET last_run_at = now(), last_run_status = 'RUNNING' WHERE s.schedule_id = id;
        PERFORM tell_occurrence(id, at), tell_schedule(id);
    END IF;
    RETURN QUERY SELECT taken.outcome, taken.known, taken.status, taken.retry_after;
END
$$;

-- Write what a round decided. items [{due_at, state, act_at, late, why, live, retry_at}]. A round that ends gives the
-- schedule back, to be looked at when the next time comes that is known by now.
CREATE FUNCTION write_round(id uuid, with_fence bigint, items jsonb, then_due timestamptz, disabled text, last_status text,
    give_back boolean) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    held schedule;
BEGIN
    SELECT * INTO held FROM schedule s WHERE s.schedule_id = id AND s.fence = with_fence FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE occurrence o SET state = i.state, act_at = i.act_at, late = i.late, why = i.why, live = i.live,
        retry_at = i.retry_at, decided_at = COALESCE(o.decided_at, CASE WHEN i.state <> 'DUE' THEN now() END)
    FROM jsonb_to_recordset(items) AS i(due_at timestamptz, state text, act_at timestamptz, late boolean, why text,
        live boolean, retry_at timestamptz)
    WHERE o.schedule_id = id AND o.due_at = i.due_at;
    INSERT INTO occurrence (schedule_id, org, due_at, state, act_at, late, why, priority, decided_at)
    SELECT id, held.org, i.due_at, i.state, i.act_at, i.late, i.why, held.priority,
        CASE WHEN i.state <> 'DUE' THEN now() END
    FROM jsonb_to_recordset(items) AS i(due_at timestamptz, state text, act_at timestamptz, late boolean, why text)
    WHERE i.state <> 'FIRED'
    ON CONFLICT (schedule_id, due_at) DO NOTHING;
    PERFORM tell_occurrence(id, i.due_at) FROM jsonb_to_recordset(items) AS i(due_at timestamptz);
    IF (then_due, last_status, disabled) IS DISTINCT FROM (held.next_due, NULL::text, NULL::text) THEN
        PERFORM tell_schedule(id);
    END IF;
    UPDATE schedule s SET next_due = then_due, last_run_status = COALESCE(last_status, s.last_run_status),
        active = s.active AND disabled IS NULL, note = COALESCE(disabled, s.note),
        version = s.version + (disabled IS NOT NULL)::integer,
        held_until = CASE WHEN give_back THEN NULL ELSE s.held_until END,
        fence = CASE WHEN give_back THEN NULL ELSE s.fence END,
        look_at = least(then_due, (SELECT min(least(o.act_at, o.retry_at)) FROM occurrence o
            WHERE o.schedule_id = id AND (o.state = 'DUE' OR o.live OR o.retry_at IS NOT NULL)))
    WHERE s.schedule_id = id;
    RETURN true;
END
$$;

-- Tell of the runs of occurrences that have started since it was last asked.
CREATE FUNCTION note_starts() RETURNS integer LANGUAGE sql AS $$
    WITH begun AS (
        UPDATE occurrence o SET started = true FROM queue q
        WHERE o.live AND NOT o.started AND q.run_id = o.run_id AND q.started_at IS NOT NULL
        RETURNING o.schedule_id, o.due_at
    ), told AS (
        INSERT INTO outbox (kind, payload)
        SELECT 'occurrence', jsonb_build_object('schedule_id', schedule_id, 'due_at', to_jsonb(due_at)) FROM begun
    )
    SELECT count(*)::integer FROM begun
$$;

-- Delete decided occurrences that were due before, and deleted schedules of which none is left.
CREATE FUNCTION prune_schedules(before timestamptz) RETURNS void LANGUAGE sql AS $$
    DELETE FROM occurrence o WHERE o.due_at < before AND o.state <> 'DUE' AND NOT o.live AND o.retry_at IS NULL;
    DELETE FROM schedule s WHERE s.deleted_at < before
        AND NOT EXISTS (SELECT 1 FROM occurrence o WHERE o.schedule_id = s.schedule_id)
$$;

-- One lane per organisation. Only claims write lanes; whoever else changes what a lane counts leaves a notice, which
-- the next claim folds in. So accepting and finishing never wait for a claim, and a claim never skips a lane for them.

CREATE TABLE lane (
    org text PRIMARY KEY,
    cap integer NOT NULL,
    weight double precision NOT NULL CHECK (weight > 0),
    running integer NOT NULL DEFAULT 0,
    vtime double precision NOT NULL DEFAULT 0,
    active boolean NOT NULL DEFAULT false
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX lane_open ON lane (vtime, org) WHERE active AND running < cap;
CREATE INDEX lane_time ON lane (vtime);

-- running: what to add; woken: what waits in the lane has changed; cap, weight: the terms that hold from now on.
CREATE TABLE notice (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org text NOT NULL,
    running integer NOT NULL DEFAULT 0,
    woken boolean NOT NULL DEFAULT true,
    cap integer,
    weight double precision
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);

-- How much waits in all, spread over rows so that connections rarely meet. Always the last lock of a transaction.
CREATE TABLE tally (
    shard integer PRIMARY KEY,
    waiting bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
INSERT INTO tally (shard) SELECT generate_series(0, 63);

CREATE FUNCTION count_waiting(change bigint) RETURNS void LANGUAGE sql AS $$
    UPDATE tally SET waiting = waiting + change WHERE shard = pg_backend_pid() & 63 AND change <> 0
$$;

-- Counters by UTC day, one table for each writer.
CREATE TABLE quota_started (
    org text NOT NULL,
    day date NOT NULL,
    started integer NOT NULL,
    PRIMARY KEY (org, day)
) WITH (fillfactor = 60);
CREATE TABLE quota_ended (
    org text NOT NULL,
    day date NOT NULL,
    succeeded integer NOT NULL,
    failed integer NOT NULL,
    PRIMARY KEY (org, day)
) WITH (fillfactor = 60);
CREATE TABLE quota_peak (
    org text NOT NULL,
    day date NOT NULL,
    running integer NOT NULL,
    PRIMARY KEY (org, day)
) WITH (fillfactor = 60);

CREATE TABLE outbox (
    parcel_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    run_id uuid,
    payload jsonb NOT NULL,
    batch uuid
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX outbox_oldest ON outbox (kind, parcel_id);
CREATE INDEX outbox_sealed ON outbox (kind, batch) WHERE batch IS NOT NULL;

-- When a worker last began to run a suspect alone; see 0004.
CREATE TABLE solitude (
    worker text PRIMARY KEY,
    began_at timestamptz NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE budget (
    key text PRIMARY KEY,
    tokens double precision NOT NULL,
    counted_at timestamptz NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

CREATE FUNCTION today() RETURNS date LANGUAGE sql STABLE AS $$ SELECT (now() AT TIME ZONE 'UTC')::date $$;

CREATE FUNCTION has_heads(of_org text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM queue WHERE org = of_org AND state = 'waiting' AND suspect_since IS NULL)
$$;

-- Fold notices into the lanes that nobody holds. A lane that wakes, or comes back from its cap, starts at the present:
-- it owes nothing for the time it did not ask, and is owed nothing either (start-time fair queueing).
CREATE FUNCTION fold_notices() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    held text[];
    least_open double precision;
    present double precision;
BEGIN
    SELECT array_agg(l.org) INTO held FROM (
        SELECT org FROM lane WHERE org IN (SELECT n.org FROM notice n) ORDER BY org FOR NO KEY UPDATE SKIP LOCKED
    ) l;
    IF held IS NULL THEN
        RETURN;
    END IF;
    SELECT min(vtime) INTO least_open FROM lane WHERE active AND running < cap;
    IF least_open IS NULL THEN
        SELECT max(vtime) INTO present FROM lane;
    ELSE
        present := least_open;
    END IF;
    WITH gone AS (
        DELETE FROM notice WHERE org = ANY (held) RETURNING *
    ), sums AS (
        SELECT org, sum(running)::integer AS change, bool_or(woken) AS woken,
            (array_agg(cap ORDER BY id DESC) FILTER (WHERE cap IS NOT NULL))[1] AS cap,
            (array_agg(weight ORDER BY id DESC) FILTER (WHERE weight IS NOT NULL))[1] AS weight
        FROM gone GROUP BY org
    )
    UPDATE lane l SET running = greatest(l.running + s.change, 0), cap = COALESCE(s.cap, l.cap),
        weight = COALESCE(s.weight, l.weight),
        active = CASE WHEN s.woken THEN has_heads(l.org) ELSE l.active END,
        vtime = CASE
            WHEN NOT l.active AND s.woken THEN greatest(l.vtime, present)
            WHEN l.active AND l.running >= l.cap THEN greatest(l.vtime, COALESCE(least_open, l.vtime))
            ELSE l.vtime END
    FROM sums s WHERE l.org = s.org;
END
$$;

-- What the journal keeps. Hot rows (queue, lane, notice) stay few: a run leaves the queue when it ends.

CREATE SEQUENCE run_seq;
CREATE SEQUENCE fence_seq;

-- History. While a run lives, its status, attempt and start stand in the queue; the view run_now puts both together.
CREATE TABLE run (
    run_id uuid PRIMARY KEY,
    seq bigint NOT NULL,
    org text NOT NULL,
    provider text NOT NULL,
    domain text NOT NULL,
    pipeline text NOT NULL,
    pipeline_id text NOT NULL,
    config_hash text NOT NULL,
    run_date date NOT NULL,
    parameters jsonb NOT NULL,
    trigger_type text NOT NULL,
    trigger_by text NOT NULL,
    key_id text NOT NULL,
    force_refresh boolean NOT NULL,
    retry_of uuid,
    trace_id text NOT NULL,
    created_at timestamptz NOT NULL,
    status text NOT NULL DEFAULT 'PENDING',
    attempt integer NOT NULL DEFAULT 0,
    start_time timestamptz,
    end_time timestamptz,
    error jsonb,
    last_fence bigint,
    last_mark bigint,
    CHECK (status IN ('PENDING', 'COMPLETED', 'FAILED', 'TIMEOUT', 'CANCELLED', 'QUARANTINED'))
) WITH (fillfactor = 75);
CREATE INDEX run_newest ON run (org, created_at DESC, run_id DESC);
CREATE INDEX run_of_pipeline ON run (org, pipeline_id, created_at DESC, run_id DESC);
CREATE INDEX run_of_declaration ON run (config_hash);
-- A BRIN index leaves the update that ends a run in its page (a heap-only tuple).
CREATE INDEX run_ended ON run USING brin (end_time) WITH (pages_per_range = 16, autosummarize = on);

CREATE TABLE queue (
    run_id uuid PRIMARY KEY,
    org text NOT NULL,
    seq bigint NOT NULL,
    priority integer NOT NULL,
    path text NOT NULL,
    parameters_hash text NOT NULL,
    retry_of uuid,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delayed', 'leased')),
    status text NOT NULL DEFAULT 'PENDING' CHECK (status IN ('PENDING', 'RUNNING', 'CANCELLING')),
    attempt integer NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    accepted_at timestamptz NOT NULL,
    started_at timestamptz,
    due_at timestamptz,
    why text NOT NULL DEFAULT '',
    worker text,
    fence bigint,
    ticket bigint,
    leased_at timestamptz,
    lease_until timestamptz,
    alone boolean NOT NULL DEFAULT false,
    alone_at timestamptz,
    suspect_since timestamptz,
    crash_count integer NOT NULL DEFAULT 0,
    last_event integer NOT NULL DEFAULT 1,
    last_mark bigint,
    CHECK ((state = 'leased') = (worker IS NOT NULL AND fence IS NOT NULL AND lease_until IS NOT NULL)),
    CHECK (state = 'leased' OR status <> 'RUNNING'),
    CHECK (state <> 'delayed' OR due_at IS NOT NULL)
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX queue_heads ON queue (org, priority, seq) WHERE state = 'waiting' AND suspect_since IS NULL;
CREATE INDEX queue_suspects ON queue (COALESCE(alone_at, accepted_at), seq) WHERE state = 'waiting' AND suspect_since IS NOT NULL;
CREATE INDEX queue_delayed ON queue (due_at) WHERE state = 'delayed';
CREATE INDEX queue_leased ON queue (worker) WHERE state = 'leased';
CREATE INDEX queue_live ON queue (org, parameters_hash);
CREATE INDEX queue_retries ON queue (retry_of) WHERE retry_of IS NOT NULL;

CREATE VIEW run_now AS
SELECT r.run_id, r.seq, r.org, r.provider, r.domain, r.pipeline, r.pipeline_id, r.config_hash, r.run_date,
    r.parameters, r.trigger_type, r.trigger_by, r.key_id, r.force_refresh, r.retry_of, r.trace_id, r.created_at,
    COALESCE(q.status, r.status) AS status, COALESCE(q.attempt, r.attempt) AS attempt,
    COALESCE(q.started_at, r.start_time) AS start_time, r.end_time, r.error, q.fence, q.worker
FROM run r
LEFT JOIN queue q ON q.run_id = r.run_id;

CREATE TABLE step (
    run_id uuid NOT NULL,
    step_id text NOT NULL,
    ordinal integer NOT NULL,
    ps_type text NOT NULL,
    status text NOT NULL DEFAULT 'PENDING',
    attempt integer NOT NULL DEFAULT 0,
    rows bigint NOT NULL DEFAULT 0,
    bytes bigint NOT NULL DEFAULT 0,
    start_time timestamptz,
    end_time timestamptz,
    error jsonb,
    output jsonb NOT NULL DEFAULT '{}',
    checkpoint jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (run_id, step_id)
) WITH (fillfactor = 50);

CREATE VIEW run_full AS
SELECT n.*, (
    SELECT json_agg(json_build_array(s.step_id, s.ps_type, s.status, s.attempt, s.rows, s.bytes,
        s.start_time, s.end_time, s.error, s.output, s.checkpoint) ORDER BY s.ordinal)
    FROM step s WHERE s.run_id = n.run_id
) AS steps
FROM run_now n;

CREATE TABLE event (
    run_id uuid NOT NULL,
    sequence integer NOT NULL,
    time timestamptz NOT NULL DEFAULT clock_timestamp(),
    type text NOT NULL,
    step_id text NOT NULL DEFAULT '',
    status text NOT NULL DEFAULT '',
    progress jsonb,
    message text NOT NULL DEFAULT '',
    error jsonb,
    PRIMARY KEY (run_id, sequence)
);

CREATE TABLE receipt (
    run_id uuid NOT NULL,
    step_id text NOT NULL,
    attempt integer NOT NULL,
    number integer NOT NULL,
    read_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    body jsonb NOT NULL,
    PRIMARY KEY (run_id, step_id, attempt, number)
);

CREATE TABLE idempotency (
    org text NOT NULL,
    key text NOT NULL,
    run_id uuid NOT NULL,
    body_hash text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org, key)
);
CREATE INDEX idempotency_age ON idempotency USING brin (created_at);

CREATE TABLE declaration (
    config_hash text PRIMARY KEY,
    source text NOT NULL,
    declared_at timestamptz NOT NULL DEFAULT now()
);

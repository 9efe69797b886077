-- What the service reads as one of a few words, or as an object, cannot be written as anything else: a value that nobody
-- can read would stop whoever publishes, tells or hands out runs, for every organisation. What stands there already is
-- not looked at, so that this takes no time.
ALTER TABLE run
    ADD CONSTRAINT run_trigger_type CHECK (trigger_type IN ('api', 'scheduler', 'backfill', 'retry', 'pubsub')) NOT VALID,
    ADD CONSTRAINT run_parameters CHECK (jsonb_typeof(parameters) = 'object') NOT VALID,
    ADD CONSTRAINT run_error CHECK (error ?& ARRAY['code', 'reason', 'message', 'step']) NOT VALID;
ALTER TABLE step
    ADD CONSTRAINT step_status
        CHECK (status IN ('PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'SKIPPED', 'CANCELLED')) NOT VALID,
    ADD CONSTRAINT step_error CHECK (error ?& ARRAY['code', 'reason', 'message', 'step']) NOT VALID;
ALTER TABLE event ADD CONSTRAINT event_type
    CHECK (type IN ('QUEUED', 'STARTED', 'STEP_STARTED', 'PROGRESS', 'LOG', 'STEP_FINISHED', 'TERMINAL')) NOT VALID;

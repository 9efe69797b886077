-- What an arena's journal is watched by: every change of a run's state and every lease, as they happen, beside the
-- tables of the service and in the same transactions.
CREATE SCHEMA witness;

CREATE TABLE witness.change (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id uuid NOT NULL,
    was text NOT NULL,
    became text NOT NULL
);

-- running, cap: what the claim that leased it leaves its lane with.
CREATE TABLE witness.lease (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    run_id uuid NOT NULL,
    org text NOT NULL,
    fence bigint NOT NULL,
    worker text NOT NULL,
    running integer NOT NULL,
    cap integer NOT NULL
);

CREATE FUNCTION witness.see_queue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO witness.change (run_id, was, became) VALUES (NEW.run_id, '', NEW.status);
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO witness.change (run_id, was, became)
        SELECT OLD.run_id, OLD.status, r.status FROM run r WHERE r.run_id = OLD.run_id;
    ELSE
        IF NEW.status <> OLD.status THEN
            INSERT INTO witness.change (run_id, was, became) VALUES (NEW.run_id, OLD.status, NEW.status);
        END IF;
        IF NEW.fence IS NOT NULL AND NEW.fence IS DISTINCT FROM OLD.fence THEN
            INSERT INTO witness.lease (run_id, org, fence, worker, running, cap)
            SELECT NEW.run_id, NEW.org, NEW.fence, NEW.worker,
                (SELECT count(*) FROM queue q WHERE q.org = NEW.org AND q.state = 'leased'), l.cap
            FROM lane l WHERE l.org = NEW.org;
        END IF;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER witnessed AFTER INSERT OR UPDATE OR DELETE ON queue
FOR EACH ROW EXECUTE FUNCTION witness.see_queue();

-- A run that has ended and changes all the same.
CREATE FUNCTION witness.see_run() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO witness.change (run_id, was, became) VALUES (NEW.run_id, OLD.status, NEW.status);
    RETURN NULL;
END
$$;
CREATE TRIGGER witnessed AFTER UPDATE OF status ON run
FOR EACH ROW WHEN (OLD.status <> 'PENDING' AND NEW.status <> OLD.status) EXECUTE FUNCTION witness.see_run();

-- What keeps the journal in order.

-- Take from a token bucket: 0 when taken, else seconds until it could be. More than a burst is paid by a full bucket.
CREATE FUNCTION take_budget(of_key text, per_second double precision, burst double precision, amount double precision)
RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
    full_at double precision := greatest(burst, amount);
    held double precision;
BEGIN
    -- Losing the last takes in a power cut costs a few requests; waiting for the disk on each would cost far more.
    PERFORM set_config('synchronous_commit', 'off', true);
    INSERT INTO budget VALUES (of_key, full_at, clock_timestamp()) ON CONFLICT (key) DO NOTHING;
    SELECT least(full_at, tokens + per_second * greatest(extract(epoch FROM clock_timestamp() - counted_at), 0))
    INTO held FROM budget WHERE key = of_key FOR UPDATE;
    IF held < amount THEN
        RETURN CASE WHEN per_second > 0 THEN (amount - held) / per_second ELSE 3600 END;
    END IF;
    UPDATE budget SET tokens = held - amount, counted_at = clock_timestamp() WHERE key = of_key;
    RETURN 0;
END
$$;

-- Every transaction keeps "lane.running + its notices = leased rows"; one snapshot shows whether that still holds.
CREATE VIEW lane_drift AS
SELECT org, COALESCE(l.running, 0) + COALESCE(n.running, 0) AS counted, COALESCE(q.running, 0) AS actual
FROM lane l
FULL JOIN (SELECT org, sum(running) AS running FROM notice GROUP BY org) n USING (org)
FULL JOIN (SELECT org, count(*) AS running FROM queue WHERE state = 'leased' GROUP BY org) q USING (org)
WHERE COALESCE(l.running, 0) + COALESCE(n.running, 0) <> COALESCE(q.running, 0);

CREATE VIEW lane_asleep AS
SELECT DISTINCT q.org FROM queue q LEFT JOIN lane l ON l.org = q.org
WHERE q.state = 'waiting' AND q.suspect_since IS NULL AND NOT COALESCE(l.active, false)
    AND NOT EXISTS (SELECT 1 FROM notice n WHERE n.org = q.org AND n.woken);

CREATE FUNCTION sweep(longest_lease double precision) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    off_by bigint;
BEGIN
    RETURN QUERY WITH wrong AS (
        UPDATE queue SET lease_until = now()
        WHERE state = 'leased' AND lease_until > now() + make_interval(secs => 3600 + longest_lease)
        RETURNING run_id
    )
    SELECT format('run %s was leased into the far future; its lease ends now', run_id) FROM wrong;

    RETURN QUERY WITH made AS (
        INSERT INTO lane (org, cap, weight) SELECT DISTINCT q.org, 1, 1::double precision FROM queue q
        WHERE NOT EXISTS (SELECT 1 FROM lane l WHERE l.org = q.org) ORDER BY 1
        ON CONFLICT (org) DO NOTHING RETURNING org
    )
    SELECT format('lane %s was missing; made with a cap of 1', org) FROM made;

    PERFORM 1 FROM lane WHERE org IN (SELECT d.org FROM lane_drift d) ORDER BY org FOR NO KEY UPDATE;
    RETURN QUERY WITH wrong AS (SELECT * FROM lane_drift), mended AS (
        UPDATE lane l SET running = l.running + (w.actual - w.counted)::integer FROM wrong w WHERE l.org = w.org
        RETURNING l.org, w.counted, w.actual
    )
    SELECT format('lane %s counted %s running, had %s; repaired', org, counted, actual) FROM mended;

    RETURN QUERY WITH woken AS (INSERT INTO notice (org) SELECT org FROM lane_asleep RETURNING org)
    SELECT format('lane %s slept over waiting runs; woken', org) FROM woken;

    SELECT (SELECT count(*) FROM queue WHERE state <> 'leased') - (SELECT sum(waiting) FROM tally) INTO off_by;
    IF off_by <> 0 THEN
        UPDATE tally SET waiting = waiting + off_by WHERE shard = 0;
        RETURN NEXT format('waiting runs were miscounted by %s; repaired', off_by);
    END IF;
    DELETE FROM idempotency WHERE created_at < now() - interval '24 hours';
    DELETE FROM budget WHERE counted_at < now() - interval '1 day';
    DELETE FROM solitude WHERE began_at < now() - interval '1 day';
END
$$;

-- Delete up to `most` runs that ended before, unless the warehouse has not seen them.
CREATE FUNCTION prune(before timestamptz, most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    ids uuid[];
BEGIN
    SELECT array_agg(p.run_id) INTO ids FROM (
        SELECT r.run_id FROM run r WHERE r.end_time < before
            AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.run_id = r.run_id)
        LIMIT most) p;
    DELETE FROM event WHERE run_id = ANY (ids);
    DELETE FROM receipt WHERE run_id = ANY (ids);
    DELETE FROM step WHERE run_id = ANY (ids);
    DELETE FROM run WHERE run_id = ANY (ids);
    RETURN COALESCE(cardinality(ids), 0);
END
$$;

-- Delete counters that no month needs any more, and declarations that no run refers to and no start repeated since.
CREATE FUNCTION forget(before timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM quota_started WHERE day < before::date - 62;
    DELETE FROM quota_ended WHERE day < before::date - 62;
    DELETE FROM quota_peak WHERE day < before::date - 62;
    DELETE FROM declaration d WHERE d.declared_at < before
        AND NOT EXISTS (SELECT 1 FROM run r WHERE r.config_hash = d.config_hash);
END
$$;

-- The batch of a kind that is under way, or else a new one of the oldest parcels.
CREATE FUNCTION seal_parcels(of_kind text, most integer) RETURNS SETOF outbox LANGUAGE plpgsql AS $$
DECLARE
    sealed uuid;
BEGIN
    SELECT batch INTO sealed FROM outbox WHERE kind = of_kind AND batch IS NOT NULL ORDER BY batch LIMIT 1;
    IF sealed IS NULL THEN
        sealed := gen_random_uuid();
        UPDATE outbox SET batch = sealed WHERE parcel_id IN (
            SELECT parcel_id FROM outbox WHERE kind = of_kind AND batch IS NULL
            ORDER BY parcel_id LIMIT most FOR UPDATE SKIP LOCKED);
    END IF;
    RETURN QUERY SELECT * FROM outbox WHERE kind = of_kind AND batch = sealed ORDER BY parcel_id;
END
$$;

-- Lease up to `free` runs to a worker, fairly: candidates are the heads of the open lanes with the least virtual time,
-- ordered by what the lane's virtual time would be when each starts.
--
-- A run that was leased when its process died is suspect. A worker without leases takes one suspect alone, and nothing
-- beside it for `shut` seconds, so that another crash names the culprit; then the worker goes on as usual, so that no
-- organisation waits for another's suspects. After a crash its first claim is alone again, and each time it is the
-- turn of another suspect: one that kills whatever runs beside it is found out however many stand with it.

CREATE FUNCTION wake_due() RETURNS void LANGUAGE sql AS $$
    WITH due AS (
        SELECT run_id FROM queue WHERE state = 'delayed' AND due_at <= now()
        ORDER BY due_at LIMIT 1000 FOR UPDATE SKIP LOCKED
    ), woken AS (
        UPDATE queue q SET state = 'waiting', due_at = NULL, why = '' FROM due WHERE q.run_id = due.run_id
        RETURNING q.org
    )
    INSERT INTO notice (org) SELECT DISTINCT org FROM woken
$$;

CREATE FUNCTION lease(ids uuid[], to_worker text, term double precision, with_ticket bigint, by_itself boolean)
RETURNS SETOF text LANGUAGE sql AS $$
    WITH free AS (
        SELECT run_id FROM queue WHERE run_id = ANY (ids) AND state = 'waiting' ORDER BY run_id FOR UPDATE SKIP LOCKED
    ), leased AS (
        UPDATE queue q SET state = 'leased', attempt = q.attempt + 1, worker = to_worker, fence = nextval('fence_seq'),
            status = CASE q.status WHEN 'PENDING' THEN 'RUNNING' ELSE q.status END, ticket = with_ticket,
            leased_at = now(), lease_until = now() + make_interval(secs => term), alone = by_itself,
            alone_at = CASE WHEN by_itself THEN now() ELSE q.alone_at END,
            started_at = COALESCE(q.started_at, now()), last_event = q.last_event + 1, last_mark = NULL
        FROM free WHERE q.run_id = free.run_id
        RETURNING q.run_id, q.org, q.last_event, q.status
    ), told AS (
        INSERT INTO event (run_id, sequence, type, status) SELECT run_id, last_event, 'STARTED', status FROM leased
    )
    SELECT org FROM leased
$$;

CREATE FUNCTION note_peaks(orgs text[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO quota_peak (org, day, running)
    SELECT l.org, today(), l.running FROM lane l
    WHERE l.org = ANY (orgs)
        AND NOT EXISTS (SELECT 1 FROM quota_peak p WHERE p.org = l.org AND p.day = today() AND p.running >= l.running)
    ORDER BY l.org
    ON CONFLICT (org, day) DO UPDATE SET running = greatest(quota_peak.running, excluded.running)
$$;

-- The suspect whose last turn alone is longest ago. One that never had a turn counts from its acceptance: behind those
-- who waited longer, so that no stream of newcomers puts an old suspect off for ever.
CREATE FUNCTION claim_suspect(to_worker text, term double precision, with_ticket bigint, age interval, by_itself boolean)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    pick record;
BEGIN
    SELECT q.run_id, q.org INTO pick FROM queue q JOIN lane l ON l.org = q.org
    WHERE q.state = 'waiting' AND q.suspect_since <= now() - age AND l.running < l.cap
    ORDER BY COALESCE(q.alone_at, q.accepted_at), q.seq LIMIT 1 FOR NO KEY UPDATE OF q, l SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM lease(ARRAY[pick.run_id], to_worker, term, with_ticket, by_itself);
    UPDATE lane SET running = running + 1, vtime = vtime + 1 / weight WHERE org = pick.org;
    PERFORM note_peaks(ARRAY[pick.org]);
    PERFORM count_waiting(-1);
    IF by_itself THEN
        INSERT INTO solitude VALUES (to_worker, now())
        ON CONFLICT (worker) DO UPDATE SET began_at = excluded.began_at;
    END IF;
    RETURN true;
END
$$;

CREATE FUNCTION claim_heads(to_worker text, free integer, term double precision, with_ticket bigint) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    lanes text[];
    chosen uuid[];
    chosen_orgs text[];
    leased_orgs text[];
    with_more text[];
BEGIN
    SELECT array_agg(org ORDER BY org) INTO lanes FROM (
        SELECT org FROM lane WHERE active AND running < cap AND has_heads(org)
        ORDER BY vtime, org LIMIT free FOR NO KEY UPDATE SKIP LOCKED
    ) open;
    IF lanes IS NULL THEN
        RETURN 0;
    END IF;
    -- One head more than a lane may start tells whether the lane is empty afterwards.
    WITH heads AS (
        SELECT l.org, h.run_id, h.place, l.vtime + h.place / l.weight AS turn, least(l.cap - l.running, free) AS room
        FROM lane l, LATERAL (
            SELECT s.run_id, row_number() OVER (ORDER BY s.priority, s.seq) - 1 AS place FROM (
                SELECT q.run_id, q.priority, q.seq FROM queue q
                WHERE q.org = l.org AND q.state = 'waiting' AND q.suspect_since IS NULL
                ORDER BY q.priority, q.seq LIMIT least(l.cap - l.running, free) + 1
            ) s
        ) h
        WHERE l.org = ANY (lanes)
    ), best AS (
        SELECT run_id, org FROM heads WHERE place < room ORDER BY turn, org LIMIT free
    )
    SELECT (SELECT array_agg(run_id) FROM best), (SELECT array_agg(org) FROM best),
        (SELECT array_agg(DISTINCT h.org) FROM heads h WHERE h.run_id NOT IN (SELECT b.run_id FROM best b))
    INTO chosen, chosen_orgs, with_more;
    SELECT array_agg(s.org) INTO leased_orgs FROM lease(chosen, to_worker, term, with_ticket, false) AS s(org);
    -- A head that somebody else holds at this moment (a cancel) keeps its lane active.
    UPDATE lane l SET running = l.running + s.started, vtime = l.vtime + s.started / l.weight,
        active = l.org = ANY (COALESCE(with_more, '{}')) OR s.started < s.wanted
    FROM (
        SELECT a.org, COALESCE(t.n, 0) AS started, COALESCE(w.n, 0) AS wanted
        FROM unnest(lanes) AS a(org)
        LEFT JOIN (SELECT org, count(*)::integer AS n FROM unnest(leased_orgs) u(org) GROUP BY org) t USING (org)
        LEFT JOIN (SELECT org, count(*)::integer AS n FROM unnest(chosen_orgs) u(org) GROUP BY org) w USING (org)
    ) s
    WHERE l.org = s.org;
    PERFORM note_peaks(leased_orgs);
    PERFORM count_waiting(-COALESCE(cardinality(leased_orgs), 0));
    RETURN COALESCE(cardinality(leased_orgs), 0);
END
$$;

CREATE FUNCTION claimed(by_worker text, with_ticket bigint) RETURNS SETOF run_full LANGUAGE sql STABLE AS $$
    SELECT f.* FROM queue q JOIN run_full f ON f.run_id = q.run_id
    WHERE q.worker = by_worker AND q.state = 'leased' AND q.ticket = with_ticket ORDER BY q.priority, q.seq
$$;

-- A worker without leases: one suspect alone. It does so before all else only if its last such turn began `patience`
-- ago, so that a row of short suspects does not shut everybody else out either.
CREATE FUNCTION claim_idle(to_worker text, free integer, term double precision, with_ticket bigint, patience interval)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    rested boolean := NOT EXISTS (
        SELECT 1 FROM solitude s WHERE s.worker = to_worker AND s.began_at > now() - patience);
BEGIN
    IF rested AND claim_suspect(to_worker, term, with_ticket, '0', true) THEN
        RETURN;
    END IF;
    IF claim_heads(to_worker, free, term, with_ticket) = 0 AND NOT rested THEN
        PERFORM claim_suspect(to_worker, term, with_ticket, '0', true);
    END IF;
END
$$;

-- A worker with leases: as many runs as it has room for, one of them a suspect that has waited `patience` for its turn
-- alone, unless the last suspect was taken less than `shut` ago.
CREATE FUNCTION claim_beside(to_worker text, free integer, term double precision, with_ticket bigint, patience interval,
    tried boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT tried AND claim_suspect(to_worker, term, with_ticket, patience, false) THEN
        free := free - 1;
    END IF;
    PERFORM claim_heads(to_worker, free, term, with_ticket);
END
$$;

-- Once anything was taken beside it, a suspect is not alone any more: a crash says nothing against it.
CREATE FUNCTION claim(to_worker text, free integer, term double precision, with_ticket bigint, shut double precision,
    patience double precision) RETURNS SETOF run_full LANGUAGE plpgsql AS $$
DECLARE
    held record;
BEGIN
    SELECT count(*) AS runs, COALESCE(bool_or(alone AND fresh), false) AS closed,
        COALESCE(bool_or(suspect_since IS NOT NULL AND fresh), false) AS tried
    INTO held FROM (
        SELECT alone, suspect_since, leased_at > now() - make_interval(secs => shut) AS fresh
        FROM queue WHERE worker = to_worker AND state = 'leased') l;
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

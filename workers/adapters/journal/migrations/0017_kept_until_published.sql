-- Delete decided occurrences that were due before, and deleted schedules of which none is left, unless the warehouse has
-- not got them yet: one that was decided long after it was due is older than what is kept from its first moment on.
CREATE OR REPLACE FUNCTION prune_schedules(before timestamptz) RETURNS void LANGUAGE sql AS $$
    WITH unpublished AS MATERIALIZED (
        SELECT (payload->>'schedule_id')::uuid AS schedule_id, (payload->>'due_at')::timestamptz AS due_at
        FROM outbox WHERE kind = 'occurrence'
    )
    DELETE FROM occurrence o WHERE o.due_at < before AND o.state <> 'DUE' AND NOT o.live AND o.retry_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM unpublished u WHERE (u.schedule_id, u.due_at) = (o.schedule_id, o.due_at));
    WITH unpublished AS MATERIALIZED (
        SELECT (payload->>'schedule_id')::uuid AS schedule_id FROM outbox WHERE kind = 'schedule'
    )
    DELETE FROM schedule s WHERE s.deleted_at < before
        AND NOT EXISTS (SELECT 1 FROM occurrence o WHERE o.schedule_id = s.schedule_id)
        AND NOT EXISTS (SELECT 1 FROM unpublished u WHERE u.schedule_id = s.schedule_id);
$$;

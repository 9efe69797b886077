-- What a scheduler is handed with a schedule is what stands once it holds it. A statement sees what stood when it began,
-- and another scheduler may have decided since: each statement of a function like this one sees anew.
CREATE FUNCTION hand_over(of_org text, until timestamptz, most integer, term double precision)
RETURNS TABLE (held schedule, now_at timestamptz, pending json) LANGUAGE plpgsql AS $$
DECLARE
    ids uuid[] := ARRAY(SELECT h.schedule_id FROM hold_schedules(of_org, until, most, term) h);
BEGIN
    RETURN QUERY SELECT s, now(), (
        SELECT json_agg(o ORDER BY o.due_at) FROM occurrence_now o
        WHERE o.schedule_id = s.schedule_id AND (o.state = 'DUE' OR o.live OR o.retry_at IS NOT NULL))
    FROM schedule s WHERE s.schedule_id = ANY (ids) ORDER BY s.look_at, s.schedule_id;
END
$$;

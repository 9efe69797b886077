-- A claim is planned once for a connection, not anew at each call: planning is most of what a claim costs once lanes are
-- deep, as Postgres sees what thousands of rows would cost and prefers to plan for the very lanes of the call. A function
-- that is replaced needs this again.
ALTER FUNCTION claim(text, integer, double precision, bigint, double precision, double precision)
    SET plan_cache_mode = force_generic_plan;

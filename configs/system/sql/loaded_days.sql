-- Days of a table that were loaded, and which are final: read completely when the provider no longer corrected them,
-- which it does until @restate_days whole days after a day's end.
SELECT
  day,
  COUNTIF(complete AND committed_at >= TIMESTAMP(DATE_ADD(day, INTERVAL (@restate_days + 1) DAY))) > 0 AS final
FROM {dataset}.__load_ledger
WHERE table_name = @table_name AND day BETWEEN @first_day AND @last_day
GROUP BY day
ORDER BY day

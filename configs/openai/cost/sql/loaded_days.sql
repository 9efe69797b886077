-- Days of a table that are completely loaded, and when they were loaded last.
SELECT day, MAX(committed_at) AS loaded_at
FROM {dataset}.__load_ledger
WHERE table_name = @table_name AND day BETWEEN @first_day AND @last_day AND complete
GROUP BY day
ORDER BY day

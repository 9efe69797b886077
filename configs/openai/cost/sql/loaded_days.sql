-- Days of a table that are completely loaded.
SELECT day
FROM {dataset}.__load_ledger
WHERE table_name = @table_name AND day BETWEEN @first_day AND @last_day AND complete
GROUP BY day
ORDER BY day

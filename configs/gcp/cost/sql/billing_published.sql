-- What is kept of each day: as far as the export had come when it was read, and how many rows that were.
SELECT ingestion_date AS day, MAX(export_time) AS exported_until, COUNT(*) AS row_count
FROM {dataset}.{table}
WHERE ingestion_date BETWEEN @first_day AND @last_day
GROUP BY day
ORDER BY day

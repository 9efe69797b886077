-- Cost per day, project and line item, of all buckets that were read; results that are alike are added up.
SELECT
  DATE(bucket.start_time) AS usage_date,
  JSON_VALUE(result, '$.project_id') AS project_id,
  JSON_VALUE(result, '$.line_item') AS line_item,
  UPPER(JSON_VALUE(result, '$.amount.currency')) AS currency,
  SUM(CAST(JSON_VALUE(result, '$.amount.value') AS NUMERIC)) AS amount
FROM {dataset}.{source} AS bucket
CROSS JOIN UNNEST(JSON_QUERY_ARRAY(bucket.results, '$')) AS result
WHERE CAST(JSON_VALUE(result, '$.amount.value') AS NUMERIC) >= @smallest
GROUP BY usage_date, project_id, line_item, currency

-- What the priced days add up to, and what could not be priced.
SELECT
  SUM(total_cost_usd) AS total_cost_usd,
  COUNTIF(price_status = 'PRICED') AS priced_rows,
  COUNTIF(price_status = 'UNPRICED') AS unpriced_rows,
  STRING_AGG(DISTINCT CASE WHEN price_status = 'UNPRICED' THEN COALESCE(model, 'no model') END, ', ') AS unpriced_models
FROM {dataset}.anthropic_cost_daily
WHERE usage_date BETWEEN @first_day AND @last_day

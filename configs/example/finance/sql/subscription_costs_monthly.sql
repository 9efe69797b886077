-- Run rate of the subscriptions that run on @end_date, by provider, category and currency.
WITH running AS (
  SELECT
    provider,
    COALESCE(category, 'other') AS category,
    currency,
    unit_price_usd * IF(pricing_model = 'PER_SEAT', COALESCE(seats, 1), 1) AS cycle_cost,
    CASE billing_cycle
      WHEN 'weekly' THEN 52
      WHEN 'monthly' THEN 12
      WHEN 'quarterly' THEN 4
      WHEN 'semi_annual' THEN 2
      ELSE 1
    END AS cycles_a_year
  FROM {dataset}.{plans}
  WHERE org_slug = @org_slug
    AND billing_cycle IN UNNEST(@cycles)
    AND (start_date IS NULL OR start_date <= @end_date)
    AND (end_date IS NULL OR end_date >= @end_date)
)
SELECT
  @end_date AS as_of,
  provider,
  category,
  currency,
  COUNT(*) AS plans,
  ROUND(SUM(CAST(cycle_cost * cycles_a_year AS NUMERIC)) / 12, 9) AS monthly_cost
FROM running
GROUP BY provider, category, currency

-- Prices that the platform's users set for a provider and have switched on, one row for each meter.
SELECT
  model_id,
  'input' AS meter,
  input_price_per_1k AS price,
  1000 AS per,
  CAST(effective_date AS DATE) AS effective_date,
  CAST(end_date AS DATE) AS end_date
FROM {dataset}.llm_model_pricing
WHERE UPPER(provider) = @provider AND is_enabled AND is_custom AND input_price_per_1k IS NOT NULL
UNION ALL
SELECT
  model_id,
  'output' AS meter,
  output_price_per_1k AS price,
  1000 AS per,
  CAST(effective_date AS DATE) AS effective_date,
  CAST(end_date AS DATE) AS end_date
FROM {dataset}.llm_model_pricing
WHERE UPPER(provider) = @provider AND is_enabled AND is_custom AND output_price_per_1k IS NOT NULL

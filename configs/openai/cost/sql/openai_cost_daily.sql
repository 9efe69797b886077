-- Cost per day, model, project, batch and tier: metered usage times the price in force that day.
-- A price is found in three steps: the model's entry (an organisation's own before the list's, then the smallest
-- match_rank), its meter and variant, its dates. Images are billed by image meters where the model has them and as text
-- where it has none, cached input and cache writes without a price of their own as input: so the provider does it. Any
-- other meter without a price leaves the whole row UNPRICED. So do a count below zero, which cannot be right, and a
-- model or variant that the price book does not know, even where nothing was counted. A tier without a meaning here,
-- such as scale, which is paid in advance, is a variant of its own and never taken for standard.
WITH used AS (
  SELECT
    usage_date,
    model,
    project_id,
    batch,
    service_tier,
    endpoint,
    CASE
      WHEN service_tier NOT IN ('default', 'auto', 'standard', 'flex', 'priority', 'fast') THEN service_tier
      WHEN batch THEN 'batch'
      WHEN service_tier IN ('flex', 'priority', 'fast') THEN service_tier
      ELSE 'standard'
    END AS variant,
    COALESCE(input_tokens, 0) AS input_tokens,
    COALESCE(output_tokens, 0) AS output_tokens,
    COALESCE(input_cached_tokens, 0) AS cached_tokens,
    COALESCE(input_cached_audio_tokens, 0) AS cached_audio_tokens,
    COALESCE(input_cache_write_tokens, 0) AS cache_write_tokens,
    COALESCE(SAFE_CAST(JSON_VALUE(raw, '$.input_cached_image_tokens') AS INT64), 0) AS cached_image_tokens,
    COALESCE(output_audio_tokens, 0) AS output_audio_tokens,
    COALESCE(SAFE_CAST(JSON_VALUE(raw, '$.output_image_tokens') AS INT64), 0) AS output_image_tokens,
    -- Before input_uncached_tokens existed, the counts of audio and images held the cached ones too.
    COALESCE(input_audio_tokens, 0)
    - CASE WHEN input_uncached_tokens IS NULL THEN COALESCE(input_cached_audio_tokens, 0) ELSE 0 END AS audio_tokens,
    COALESCE(SAFE_CAST(JSON_VALUE(raw, '$.input_image_tokens') AS INT64), 0)
    - CASE
      WHEN input_uncached_tokens IS NULL
        THEN COALESCE(SAFE_CAST(JSON_VALUE(raw, '$.input_cached_image_tokens') AS INT64), 0)
      ELSE 0
    END AS image_tokens,
    COALESCE(
      input_uncached_tokens,
      COALESCE(input_tokens, 0) - COALESCE(input_cached_tokens, 0) - COALESCE(input_cache_write_tokens, 0)
    ) AS uncached_tokens,
    COALESCE(requests, 0) AS requests,
    COALESCE(quantity, 0) AS quantity
  FROM {dataset}.openai_usage_daily_raw
  WHERE usage_date BETWEEN @first_day AND @last_day
),
metered AS (
  SELECT usage_date, model, project_id, batch, service_tier, variant, 'input' AS meter, CAST(uncached_tokens - audio_tokens - image_tokens AS NUMERIC) AS units FROM used
  UNION ALL
  SELECT usage_date, model, project_id, batch, service_tier, variant, 'audio_input' AS meter, CAST(audio_tokens AS NUMERIC) AS units FROM used
  UNION ALL
  SELECT usage_date, model, project_id, batch, service_tier, variant, 'image_input' AS meter, CAST(image_tokens AS NUMERIC) AS units FROM used
  UNION ALL
  SELECT usage_date, model, project_id, batch, service_tier, variant, 'cached_input' AS meter, CAST(cached_tokens - cached_audio_tokens - cached_image_tokens AS NUMERIC) AS units FROM used
  UNION ALL
  SELECT usage_date, model, project_id, batch, service_tier, variant, 'cached_audio_input' AS meter, CAST(cached_audio_tokens AS NUMERIC) AS units FROM used
  UNION ALL
  SELECT usage_date, model, project_id, batch, service_tier, variant, 'cached_image_input' AS meter, CAST(cached_image_tokens AS NUMERIC) AS units FROM used
  UNION ALL
  SELECT usage_date, model, project_id, batch, service_tier, variant, 'cache_write' AS meter, CAST(cache_write_tokens AS NUMERIC) AS units FROM used
  UNION ALL
  SELECT usage_date, model, project_id, batch, service_tier, variant, 'output' AS meter, CAST(output_tokens - output_audio_tokens - output_image_tokens AS NUMERIC) AS units FROM used
  UNION ALL
  SELECT usage_date, model, project_id, batch, service_tier, variant, 'audio_output' AS meter, CAST(output_audio_tokens AS NUMERIC) AS units FROM used
  UNION ALL
  SELECT usage_date, model, project_id, batch, service_tier, variant, 'image_output' AS meter, CAST(output_image_tokens AS NUMERIC) AS units FROM used
  UNION ALL
  SELECT usage_date, model, project_id, batch, service_tier, variant,
    CASE endpoint
      WHEN 'web_search_calls' THEN 'web_search'
      WHEN 'file_search_calls' THEN 'file_search'
      WHEN 'audio_speeches' THEN 'characters'
      WHEN 'audio_transcriptions' THEN 'audio_seconds'
      ELSE endpoint
    END AS meter,
    quantity AS units
  FROM used
),
summed AS (
  SELECT
    usage_date,
    model,
    project_id,
    batch,
    service_tier,
    variant,
    meter,
    SUM(units) AS units,
    MIN(units) AS least
  FROM metered
  GROUP BY usage_date, model, project_id, batch, service_tier, variant, meter
),
ways AS (
  SELECT meter, meter AS priced_as, 0 AS detour FROM summed GROUP BY meter
  UNION ALL
  SELECT 'cached_input' AS meter, 'input' AS priced_as, 1 AS detour
  UNION ALL
  SELECT 'cache_write' AS meter, 'input' AS priced_as, 1 AS detour
  UNION ALL
  SELECT 'image_input' AS meter, 'input' AS priced_as, 1 AS detour
  UNION ALL
  SELECT 'cached_image_input' AS meter, 'cached_input' AS priced_as, 1 AS detour
  UNION ALL
  SELECT 'cached_image_input' AS meter, 'input' AS priced_as, 2 AS detour
  UNION ALL
  SELECT 'image_output' AS meter, 'output' AS priced_as, 1 AS detour
),
models AS (
  SELECT model
  FROM used
  WHERE model IS NOT NULL
  GROUP BY model
),
entries AS (
  SELECT
    m.model,
    b.is_custom,
    COALESCE(b.precedence, CASE WHEN b.is_custom THEN 0 ELSE 2 END) AS precedence,
    b.match_rank,
    b.meter,
    b.variant,
    b.price_usd,
    b.per,
    b.effective_date,
    COALESCE(b.end_date, DATE '9999-12-31') AS end_date,
    b.source,
    b.source_version,
    MIN(CASE WHEN b.is_custom THEN NULL ELSE b.match_rank END) OVER (PARTITION BY m.model) AS listed_rank
  FROM models AS m
  INNER JOIN {dataset}.llm_price_book AS b
    ON REGEXP_CONTAINS(m.model, b.model_match)
  WHERE b.provider = 'OPENAI'
),
offers AS (
  SELECT model, variant
  FROM entries
  WHERE is_custom OR match_rank = listed_rank
  GROUP BY model, variant
),
priced AS (
  SELECT
    s.usage_date,
    s.model,
    s.project_id,
    s.batch,
    s.service_tier,
    s.variant,
    s.meter,
    s.units,
    s.least,
    e.price_usd,
    e.per,
    e.source,
    e.source_version
  FROM summed AS s
  INNER JOIN ways AS w
    ON s.meter = w.meter
  LEFT JOIN entries AS e
    ON
      s.model = e.model
      AND s.variant = e.variant
      AND w.priced_as = e.meter
      AND s.usage_date BETWEEN e.effective_date AND e.end_date
      AND (e.is_custom OR e.match_rank = e.listed_rank)
  WHERE s.units <> 0 OR s.least < 0
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY s.usage_date, s.model, s.project_id, s.batch, s.service_tier, s.variant, s.meter
    ORDER BY
      CASE WHEN e.price_usd IS NULL THEN 1 ELSE 0 END,
      w.detour, e.precedence, e.match_rank, e.effective_date DESC, e.price_usd DESC
  ) = 1
),
billed AS (
  SELECT
    usage_date,
    model,
    project_id,
    batch,
    service_tier,
    meter,
    price_usd IS NULL OR least < 0 AS without_price,
    CAST(ROUND(units * price_usd / per, 9) AS NUMERIC) AS cost_usd,
    source,
    source_version
  FROM priced
),
costs AS (
  SELECT
    usage_date,
    COALESCE(model, '') AS model_key,
    COALESCE(project_id, '') AS project_key,
    COALESCE(CAST(batch AS STRING), '') AS batch_key,
    COALESCE(service_tier, '') AS tier_key,
    COUNTIF(without_price) AS meters_without_price,
    SUM(CASE WHEN meter IN ('input', 'audio_input', 'image_input', 'cache_write') THEN cost_usd ELSE 0 END) AS input_cost_usd,
    SUM(CASE WHEN meter IN ('cached_input', 'cached_audio_input', 'cached_image_input') THEN cost_usd ELSE 0 END) AS cached_input_cost_usd,
    SUM(CASE WHEN meter IN ('output', 'audio_output', 'image_output') THEN cost_usd ELSE 0 END) AS output_cost_usd,
    SUM(
      CASE
        WHEN meter IN (
          'input', 'audio_input', 'image_input', 'cache_write', 'cached_input', 'cached_audio_input',
          'cached_image_input', 'output', 'audio_output', 'image_output'
        ) THEN 0
        ELSE cost_usd
      END
    ) AS other_cost_usd,
    SUM(cost_usd) AS total_cost_usd,
    MAX(source) AS source,
    MAX(source_version) AS source_version
  FROM billed
  GROUP BY usage_date, model_key, project_key, batch_key, tier_key
),
usage_keys AS (
  SELECT
    usage_date,
    model,
    project_id,
    batch,
    service_tier,
    variant,
    COALESCE(model, '') AS model_key,
    COALESCE(project_id, '') AS project_key,
    COALESCE(CAST(batch AS STRING), '') AS batch_key,
    COALESCE(service_tier, '') AS tier_key,
    SUM(input_tokens) AS input_tokens,
    SUM(output_tokens) AS output_tokens,
    SUM(requests) AS requests
  FROM used
  GROUP BY usage_date, model, project_id, batch, service_tier, variant, model_key, project_key, batch_key, tier_key
),
judged AS (
  SELECT
    u.usage_date,
    u.model,
    u.project_id,
    u.batch,
    u.service_tier,
    u.input_tokens,
    u.output_tokens,
    u.requests,
    c.input_cost_usd,
    c.cached_input_cost_usd,
    c.output_cost_usd,
    c.other_cost_usd,
    c.total_cost_usd,
    c.source_version,
    c.source,
    o.model IS NOT NULL AND COALESCE(c.meters_without_price, 0) = 0 AS is_priced
  FROM usage_keys AS u
  LEFT JOIN costs AS c
    ON
      u.usage_date = c.usage_date
      AND u.model_key = c.model_key
      AND u.project_key = c.project_key
      AND u.batch_key = c.batch_key
      AND u.tier_key = c.tier_key
  LEFT JOIN offers AS o
    ON u.model = o.model AND u.variant = o.variant
)
SELECT
  @org_slug AS org_slug,
  'OPENAI' AS provider,
  usage_date,
  model,
  project_id,
  batch,
  service_tier,
  input_tokens,
  output_tokens,
  input_tokens + output_tokens AS total_tokens,
  CASE WHEN is_priced THEN COALESCE(input_cost_usd, 0) END AS input_cost_usd,
  CASE WHEN is_priced THEN COALESCE(cached_input_cost_usd, 0) END AS cached_input_cost_usd,
  CASE WHEN is_priced THEN COALESCE(output_cost_usd, 0) END AS output_cost_usd,
  CASE WHEN is_priced THEN COALESCE(other_cost_usd, 0) END AS other_cost_usd,
  CASE WHEN is_priced THEN COALESCE(total_cost_usd, 0) END AS total_cost_usd,
  requests,
  CASE WHEN is_priced THEN 'PRICED' ELSE 'UNPRICED' END AS price_status,
  source_version AS price_version,
  source AS pricing_source,
  @calculated_at AS calculated_at
FROM judged

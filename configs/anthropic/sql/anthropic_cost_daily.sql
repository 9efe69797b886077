-- Cost per day, model, workspace, tier, context window, geography and speed: metered usage times the price in force.
-- The four input counts are disjoint, each with a meter of its own. A price is found by the model's entry (an
-- organisation's own before the platform's, before the list's smallest match_rank), its meter and variant, its dates.
-- Requests of more than 200k input tokens have a variant of their own where the model has one, and cost the same as
-- smaller ones where it has none. Fast mode and every tier but standard and batch are variants too: what the price book
-- does not know, such as Priority Tier, which is paid in advance, stays UNPRICED and is never taken for standard. So do
-- a meter without a price and a count below zero. Tokens computed in the US only cost 1.1 times the price, searches do
-- not (the provider's pricing page, "Data residency pricing", 2026).
WITH used AS (
  SELECT
    usage_date,
    model,
    workspace_id,
    service_tier,
    context_window,
    inference_geo,
    speed,
    CASE
      WHEN COALESCE(service_tier, 'standard') = 'standard' THEN CASE WHEN speed = 'fast' THEN 'fast' ELSE 'standard' END
      WHEN speed = 'fast' THEN CONCAT(service_tier, '_fast')
      ELSE service_tier
    END AS variant,
    COALESCE(context_window, '') = '200k-1M' AS is_long,
    CASE WHEN inference_geo = 'us' THEN NUMERIC '1.1' ELSE NUMERIC '1' END AS factor,
    COALESCE(uncached_input_tokens, 0) AS uncached_input_tokens,
    COALESCE(cache_write_5m_tokens, 0) AS cache_write_5m_tokens,
    COALESCE(cache_write_1h_tokens, 0) AS cache_write_1h_tokens,
    COALESCE(cache_read_tokens, 0) AS cache_read_tokens,
    COALESCE(output_tokens, 0) AS output_tokens,
    COALESCE(web_search_requests, 0) AS web_search_requests,
    requests,
    CONCAT(
      COALESCE(model, ''), '|', COALESCE(workspace_id, ''), '|', COALESCE(service_tier, ''), '|',
      COALESCE(context_window, ''), '|', COALESCE(inference_geo, ''), '|', COALESCE(speed, '')
    ) AS usage_key
  FROM {dataset}.anthropic_usage_daily_raw
  WHERE usage_date BETWEEN @first_day AND @last_day
),
metered AS (
  SELECT usage_date, usage_key, model, variant, is_long, factor, 'input' AS meter, uncached_input_tokens AS units FROM used
  UNION ALL
  SELECT usage_date, usage_key, model, variant, is_long, factor, 'cache_write_5m' AS meter, cache_write_5m_tokens AS units FROM used
  UNION ALL
  SELECT usage_date, usage_key, model, variant, is_long, factor, 'cache_write_1h' AS meter, cache_write_1h_tokens AS units FROM used
  UNION ALL
  SELECT usage_date, usage_key, model, variant, is_long, factor, 'cached_input' AS meter, cache_read_tokens AS units FROM used
  UNION ALL
  SELECT usage_date, usage_key, model, variant, is_long, factor, 'output' AS meter, output_tokens AS units FROM used
  UNION ALL
  SELECT usage_date, usage_key, model, variant, is_long, NUMERIC '1' AS factor, 'web_search' AS meter, web_search_requests AS units FROM used
),
summed AS (
  SELECT
    usage_date,
    usage_key,
    model,
    variant,
    is_long,
    factor,
    meter,
    CAST(SUM(units) AS NUMERIC) AS units,
    MIN(units) AS least
  FROM metered
  GROUP BY usage_date, usage_key, model, variant, is_long, factor, meter
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
  WHERE b.provider = 'ANTHROPIC'
),
offers AS (
  SELECT model, variant
  FROM entries
  WHERE is_custom OR match_rank = listed_rank
  GROUP BY model, variant
),
called AS (
  SELECT
    model,
    variant,
    is_long,
    CASE WHEN variant = 'standard' THEN 'long_context' ELSE CONCAT(variant, '_long_context') END AS long_variant
  FROM used
  WHERE model IS NOT NULL
  GROUP BY model, variant, is_long
),
ways AS (
  SELECT
    c.model,
    c.variant,
    c.is_long,
    COALESCE(o.variant, c.variant) AS priced_as
  FROM called AS c
  LEFT JOIN offers AS o
    ON c.is_long AND c.model = o.model AND c.long_variant = o.variant
),
priced AS (
  SELECT
    s.usage_date,
    s.usage_key,
    s.meter,
    s.units,
    s.least,
    s.factor,
    e.price_usd,
    e.per,
    e.source,
    e.source_version
  FROM summed AS s
  LEFT JOIN ways AS w
    ON s.model = w.model AND s.variant = w.variant AND s.is_long = w.is_long
  LEFT JOIN entries AS e
    ON
      s.model = e.model
      AND w.priced_as = e.variant
      AND s.meter = e.meter
      AND s.usage_date BETWEEN e.effective_date AND e.end_date
      AND (e.is_custom OR e.match_rank = e.listed_rank)
  WHERE s.units <> 0 OR s.least < 0
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY s.usage_date, s.usage_key, s.meter
    ORDER BY
      CASE WHEN e.price_usd IS NULL THEN 1 ELSE 0 END,
      e.precedence, e.match_rank, e.effective_date DESC, e.price_usd DESC
  ) = 1
),
billed AS (
  SELECT
    usage_date,
    usage_key,
    meter,
    price_usd IS NULL OR least < 0 AS without_price,
    CAST(ROUND(units * price_usd * factor / per, 9) AS NUMERIC) AS cost_usd,
    source,
    source_version
  FROM priced
),
costs AS (
  SELECT
    usage_date,
    usage_key,
    COUNTIF(without_price) AS meters_without_price,
    SUM(CASE WHEN meter = 'input' THEN cost_usd ELSE 0 END) AS input_cost_usd,
    SUM(CASE WHEN meter = 'cache_write_5m' THEN cost_usd ELSE 0 END) AS cache_write_5m_cost_usd,
    SUM(CASE WHEN meter = 'cache_write_1h' THEN cost_usd ELSE 0 END) AS cache_write_1h_cost_usd,
    SUM(CASE WHEN meter = 'cached_input' THEN cost_usd ELSE 0 END) AS cached_input_cost_usd,
    SUM(CASE WHEN meter = 'output' THEN cost_usd ELSE 0 END) AS output_cost_usd,
    SUM(CASE WHEN meter = 'web_search' THEN cost_usd ELSE 0 END) AS other_cost_usd,
    SUM(cost_usd) AS total_cost_usd,
    MAX(source) AS source,
    MAX(source_version) AS source_version
  FROM billed
  GROUP BY usage_date, usage_key
),
usage_keys AS (
  SELECT
    usage_date,
    usage_key,
    model,
    workspace_id,
    service_tier,
    context_window,
    inference_geo,
    speed,
    variant,
    is_long,
    SUM(uncached_input_tokens) AS uncached_input_tokens,
    SUM(cache_write_5m_tokens) AS cache_write_5m_tokens,
    SUM(cache_write_1h_tokens) AS cache_write_1h_tokens,
    SUM(cache_read_tokens) AS cache_read_tokens,
    SUM(output_tokens) AS output_tokens,
    SUM(web_search_requests) AS web_search_requests,
    SUM(requests) AS requests
  FROM used
  GROUP BY
    usage_date, usage_key, model, workspace_id, service_tier, context_window, inference_geo, speed, variant, is_long
),
judged AS (
  SELECT
    u.usage_date,
    u.model,
    u.workspace_id,
    u.service_tier,
    u.context_window,
    u.inference_geo,
    u.speed,
    u.uncached_input_tokens,
    u.cache_write_5m_tokens,
    u.cache_write_1h_tokens,
    u.cache_read_tokens,
    u.output_tokens,
    u.web_search_requests,
    u.requests,
    c.input_cost_usd,
    c.cache_write_5m_cost_usd,
    c.cache_write_1h_cost_usd,
    c.cached_input_cost_usd,
    c.output_cost_usd,
    c.other_cost_usd,
    c.total_cost_usd,
    c.source_version,
    c.source,
    o.model IS NOT NULL AND COALESCE(c.meters_without_price, 0) = 0 AS is_priced
  FROM usage_keys AS u
  LEFT JOIN costs AS c
    ON u.usage_date = c.usage_date AND u.usage_key = c.usage_key
  LEFT JOIN ways AS w
    ON u.model = w.model AND u.variant = w.variant AND u.is_long = w.is_long
  LEFT JOIN offers AS o
    ON u.model = o.model AND w.priced_as = o.variant
)
SELECT
  @org_slug AS org_slug,
  'ANTHROPIC' AS provider,
  usage_date,
  model,
  workspace_id,
  service_tier,
  context_window,
  inference_geo,
  speed,
  uncached_input_tokens,
  cache_write_5m_tokens,
  cache_write_1h_tokens,
  cache_read_tokens,
  output_tokens,
  web_search_requests,
  uncached_input_tokens + cache_write_5m_tokens + cache_write_1h_tokens + cache_read_tokens + output_tokens AS total_tokens,
  CASE WHEN is_priced THEN COALESCE(input_cost_usd, 0) END AS input_cost_usd,
  CASE WHEN is_priced THEN COALESCE(cache_write_5m_cost_usd, 0) END AS cache_write_5m_cost_usd,
  CASE WHEN is_priced THEN COALESCE(cache_write_1h_cost_usd, 0) END AS cache_write_1h_cost_usd,
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

-- The cost of every day of every subscription plan, as temporary table saas_daily_costs.
-- A plan counts from its start_date to its end_date, both included, whether it is active now or has been cancelled or
-- has expired since. One that has ended without an end_date counts until the day it was last changed, or the last day
-- that was costed before if that is later: it still ran then, and a recalculation takes no past cost away.
-- The unit price is that of one billing cycle (a year's own price wins for annual plans). A cycle is a calendar week
-- from Monday, month, quarter, half-year or year. A day costs the cycle's cost divided by the days of the cycle that
-- the day lies in; rounding is carried from day to day, so that the days of a whole cycle add up to its cost exactly.
-- Every plan of the time must be sound: one that cannot be costed stops the procedure, which names it.
CREATE OR REPLACE PROCEDURE `{project_id}`.`{central_dataset}`.`sp_calculate_saas_subscription_plan_costs_daily`(
  p_dataset STRING,
  p_org_slug STRING,
  p_start_date DATE,
  p_end_date DATE,
  p_run_date DATE
)
OPTIONS (strict_mode = FALSE)
BEGIN
  DECLARE v_wrong STRING;

  IF p_dataset IS NULL OR NOT REGEXP_CONTAINS(p_dataset, r'^[A-Za-z_][A-Za-z0-9_]*$') THEN
    RAISE USING MESSAGE = 'DP_DATA_INVALID p_dataset is not an identifier';
  END IF;
  IF p_start_date IS NULL OR p_end_date IS NULL THEN
    RAISE USING MESSAGE = 'DP_DATA_INVALID p_start_date and p_end_date are needed';
  END IF;
  IF p_end_date < p_start_date THEN
    RAISE USING MESSAGE = 'DP_DATA_INVALID p_end_date is before p_start_date';
  END IF;
  IF DATE_DIFF(p_end_date, p_start_date, DAY) >= 732 THEN
    RAISE USING MESSAGE = 'DP_DATA_INVALID more than 732 days';
  END IF;

  EXECUTE IMMEDIATE FORMAT("""
    CREATE TEMP TABLE saas_plans_read AS
    SELECT
      subscription_id, provider, plan_name, display_name, category, LOWER(TRIM(status)) AS status, start_date, end_date,
      LOWER(TRIM(billing_cycle)) AS billing_cycle, UPPER(TRIM(currency)) AS currency, seats,
      UPPER(TRIM(pricing_model)) AS pricing_model, CAST(unit_price_usd AS NUMERIC) AS unit_price,
      CAST(yearly_price_usd AS NUMERIC) AS yearly_price, LOWER(TRIM(discount_type)) AS discount_type,
      COALESCE(CAST(discount_value AS NUMERIC), NUMERIC '0') AS discount_value, invoice_id_last, department,
      contract_id, CAST(updated_at AS TIMESTAMP) AS updated_at
    FROM `{project_id}.%s.saas_subscription_plans`
    WHERE org_slug = ? AND (start_date IS NULL OR start_date <= ?)
  """, p_dataset) USING p_org_slug, p_end_date;

  EXECUTE IMMEDIATE FORMAT("""
    CREATE TEMP TABLE saas_last_costed AS
    SELECT subscription_id, MAX(cost_date) AS costed_until
    FROM `{project_id}.%s.saas_subscription_plan_costs_daily`
    WHERE org_slug = ?
    GROUP BY subscription_id
  """, p_dataset) USING p_org_slug;

  CREATE TEMP TABLE saas_plans AS
  SELECT
    plan.*,
    CASE
      WHEN plan.end_date IS NOT NULL THEN plan.end_date
      WHEN plan.status IN ('cancelled', 'expired')
        THEN GREATEST(
          COALESCE(DATE(plan.updated_at), DATE '0001-01-01'), COALESCE(costed.costed_until, DATE '0001-01-01')
        )
      ELSE p_end_date
    END AS last_day,
    CASE WHEN plan.pricing_model = 'PER_SEAT' THEN COALESCE(plan.seats, 1) ELSE 1 END AS quantity,
    CASE
      WHEN plan.billing_cycle = 'annual' AND plan.yearly_price > 0 THEN plan.yearly_price
      ELSE plan.unit_price
    END AS cycle_price
  FROM saas_plans_read AS plan
  LEFT JOIN saas_last_costed AS costed
    ON plan.subscription_id = costed.subscription_id;

  SET v_wrong = (
    SELECT STRING_AGG(CONCAT(fault.subscription_id, ' ', fault.what), ', ' ORDER BY fault.subscription_id LIMIT 5)
    FROM (
      SELECT
        subscription_id,
        CASE
          WHEN start_date IS NULL THEN 'start_date'
          WHEN status IS NULL OR status NOT IN ('active', 'cancelled', 'expired') THEN 'status'
          WHEN
            billing_cycle IS NULL
            OR billing_cycle NOT IN ('weekly', 'monthly', 'quarterly', 'semi_annual', 'annual') THEN 'billing_cycle'
          WHEN pricing_model IS NULL OR pricing_model NOT IN ('PER_SEAT', 'FLAT_FEE') THEN 'pricing_model'
          WHEN currency IS NULL OR NOT REGEXP_CONTAINS(currency, r'^[A-Z]{3}$') THEN 'currency'
          WHEN cycle_price IS NULL OR cycle_price < 0 THEN 'unit_price_usd'
          WHEN seats < 0 THEN 'seats'
          WHEN discount_value < 0 THEN 'discount_value'
          WHEN
            discount_value > 0
            AND (discount_type IS NULL OR discount_type NOT IN ('percent', 'fixed')) THEN 'discount_type'
        END AS what
      FROM saas_plans
      WHERE last_day >= p_start_date
    ) AS fault
    WHERE fault.what IS NOT NULL
  );
  IF v_wrong IS NOT NULL THEN
    RAISE USING MESSAGE = CONCAT('DP_DATA_INVALID ', v_wrong);
  END IF;

  -- Where several versions of one subscription claim a day, it belongs to the one that began last; of rows that are no
  -- versions, for they began and were changed at once, always to the same one.
  CREATE TEMP TABLE saas_daily_costs AS
  WITH priced AS (
    SELECT
      plan.*,
      plan.cycle_price * plan.quantity AS list_cycle_cost,
      CASE
        WHEN plan.discount_type = 'percent' AND plan.discount_value >= 100 THEN NUMERIC '0'
        WHEN plan.discount_type = 'percent'
          THEN CAST(ROUND(plan.cycle_price * plan.quantity * (100 - plan.discount_value) / 100, 9) AS NUMERIC)
        WHEN plan.discount_type = 'fixed'
          THEN GREATEST(plan.cycle_price * plan.quantity - plan.discount_value, NUMERIC '0')
        ELSE plan.cycle_price * plan.quantity
      END AS cycle_cost
    FROM saas_plans AS plan
    WHERE plan.last_day >= p_start_date
  ),
  dated AS (
    SELECT
      priced.*,
      a_day AS cost_date,
      CASE priced.billing_cycle
        WHEN 'weekly' THEN DATE_SUB(a_day, INTERVAL MOD(EXTRACT(DAYOFWEEK FROM a_day) + 5, 7) DAY)
        WHEN 'monthly' THEN CAST(DATE_TRUNC(a_day, MONTH) AS DATE)
        WHEN 'quarterly' THEN CAST(DATE_TRUNC(a_day, QUARTER) AS DATE)
        WHEN 'semi_annual'
          THEN DATE(EXTRACT(YEAR FROM a_day), CASE WHEN EXTRACT(MONTH FROM a_day) <= 6 THEN 1 ELSE 7 END, 1)
        ELSE CAST(DATE_TRUNC(a_day, YEAR) AS DATE)
      END AS cycle_start
    FROM priced
    CROSS JOIN UNNEST(GENERATE_DATE_ARRAY(p_start_date, p_end_date)) AS a_day
    WHERE a_day BETWEEN priced.start_date AND priced.last_day
    QUALIFY ROW_NUMBER() OVER (
      PARTITION BY priced.subscription_id, a_day
      ORDER BY
        priced.start_date DESC, priced.updated_at DESC, priced.status ASC, priced.cycle_cost DESC, priced.plan_name ASC,
        priced.provider ASC
    ) = 1
  ),
  placed AS (
    SELECT
      dated.*,
      CASE dated.billing_cycle
        WHEN 'weekly' THEN DATE_ADD(dated.cycle_start, INTERVAL 7 DAY)
        WHEN 'monthly' THEN DATE_ADD(dated.cycle_start, INTERVAL 1 MONTH)
        WHEN 'quarterly' THEN DATE_ADD(dated.cycle_start, INTERVAL 3 MONTH)
        WHEN 'semi_annual' THEN DATE_ADD(dated.cycle_start, INTERVAL 6 MONTH)
        ELSE DATE_ADD(dated.cycle_start, INTERVAL 12 MONTH)
      END AS cycle_end
    FROM dated
  ),
  numbered AS (
    SELECT
      placed.*,
      DATE_DIFF(placed.cycle_end, placed.cycle_start, DAY) AS cycle_days,
      DATE_DIFF(placed.cost_date, placed.cycle_start, DAY) AS days_before,
      EXTRACT(DAY FROM LAST_DAY(placed.cost_date)) AS month_days,
      EXTRACT(DAYOFYEAR FROM LAST_DAY(placed.cost_date, YEAR)) AS year_days
    FROM placed
  )
  SELECT
    provider,
    subscription_id,
    plan_name,
    display_name,
    category,
    department,
    contract_id,
    cost_date,
    cycle_start,
    cycle_end,
    cycle_days,
    billing_cycle,
    currency,
    COALESCE(seats, 1) AS seats,
    quantity,
    pricing_model,
    cycle_price,
    list_cycle_cost,
    cycle_cost,
    CAST(
      ROUND(cycle_cost * (days_before + 1) / cycle_days, 9) - ROUND(cycle_cost * days_before / cycle_days, 9) AS NUMERIC
    ) AS daily_cost,
    CAST(
      ROUND(list_cycle_cost * (days_before + 1) / cycle_days, 9)
      - ROUND(list_cycle_cost * days_before / cycle_days, 9) AS NUMERIC
    ) AS list_daily_cost,
    CAST(ROUND(cycle_cost * month_days / cycle_days, 9) AS NUMERIC) AS monthly_run_rate,
    CAST(ROUND(cycle_cost * year_days / cycle_days, 9) AS NUMERIC) AS annual_run_rate,
    invoice_id_last,
    'subscription_amortization' AS source,
    p_run_date AS run_date,
    CURRENT_TIMESTAMP() AS updated_at
  FROM numbered;
END;

-- Costs of subscription plans for a range of days: temporary tables saas_daily_costs and saas_focus_costs, whose rows
-- the caller publishes together, and saas_costs_told, which tells what they add up to in each currency.
CREATE OR REPLACE PROCEDURE `{project_id}`.`{central_dataset}`.`sp_run_saas_subscription_costs_pipeline`(
  p_dataset STRING,
  p_org_slug STRING,
  p_start_date DATE,
  p_end_date DATE,
  p_run_date DATE
)
OPTIONS (strict_mode = FALSE)
BEGIN
  CALL `{project_id}`.`{central_dataset}`.`sp_calculate_saas_subscription_plan_costs_daily`(
    p_dataset, p_org_slug, p_start_date, p_end_date, p_run_date
  );
  CALL `{project_id}`.`{central_dataset}`.`sp_convert_saas_costs_to_focus_1_2`(p_org_slug);

  CREATE TEMP TABLE saas_costs_told AS
  SELECT
    currency,
    COUNT(DISTINCT subscription_id) AS plans,
    COUNT(*) AS plan_days,
    COUNT(DISTINCT CASE WHEN seats = 0 THEN subscription_id END) AS plans_without_seats,
    SUM(daily_cost) AS cost,
    SUM(list_daily_cost) AS list_cost
  FROM saas_daily_costs
  GROUP BY currency;
END;

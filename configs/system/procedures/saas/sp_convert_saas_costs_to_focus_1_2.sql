-- The days of temporary table saas_daily_costs as rows of FOCUS 1.2, as temporary table saas_focus_costs.
-- Every cost of a row stands on the basis of its one day: the list costs of a whole cycle add up to its list price.
-- Periods are half-open. A unit is one seat (or one subscription) for one day.
CREATE OR REPLACE PROCEDURE `{project_id}`.`{central_dataset}`.`sp_convert_saas_costs_to_focus_1_2`(p_org_slug STRING)
OPTIONS (strict_mode = FALSE)
BEGIN
  CREATE TEMP TABLE saas_focus_costs AS
  WITH described AS (
    SELECT
      cost.*,
      CAST(ROUND(cost.cycle_price / cost.cycle_days, 9) AS NUMERIC) AS list_unit_price,
      CASE
        WHEN cost.quantity > 0 THEN CAST(ROUND(cost.cycle_cost / (cost.cycle_days * cost.quantity), 9) AS NUMERIC)
        ELSE CAST(ROUND(cost.cycle_price / cost.cycle_days, 9) AS NUMERIC)
      END AS contracted_unit_price,
      COALESCE(cost.display_name, cost.plan_name) AS service_name,
      CASE LOWER(cost.category)
        WHEN 'ai' THEN 'AI and Machine Learning'
        WHEN 'analytics' THEN 'Analytics'
        WHEN 'cloud' THEN 'Compute'
        WHEN 'communication' THEN 'Business Applications'
        WHEN 'crm' THEN 'Business Applications'
        WHEN 'design' THEN 'Media'
        WHEN 'development' THEN 'Developer Tools'
        WHEN 'identity' THEN 'Identity'
        WHEN 'productivity' THEN 'Business Applications'
        WHEN 'project_management' THEN 'Business Applications'
        WHEN 'security' THEN 'Security'
        WHEN 'storage' THEN 'Storage'
        ELSE 'Other'
      END AS service_category,
      CASE LOWER(cost.category)
        WHEN 'ai' THEN 'Generative AI'
        WHEN 'analytics' THEN 'Other (Analytics)'
        WHEN 'cloud' THEN 'Other (Compute)'
        WHEN 'communication' THEN 'Productivity and Collaboration'
        WHEN 'crm' THEN 'Other (Business Applications)'
        WHEN 'design' THEN 'Content Creation'
        WHEN 'development' THEN 'Other (Developer Tools)'
        WHEN 'identity' THEN 'Other (Identity)'
        WHEN 'productivity' THEN 'Productivity and Collaboration'
        WHEN 'project_management' THEN 'Productivity and Collaboration'
        WHEN 'security' THEN 'Other (Security)'
        WHEN 'storage' THEN 'Other (Storage)'
        ELSE 'Other (Other)'
      END AS service_subcategory
    FROM saas_daily_costs AS cost
  )
  SELECT
    CAST(NULL AS STRING) AS AvailabilityZone,
    daily_cost AS BilledCost,
    COALESCE(contract_id, CONCAT(provider, ':', p_org_slug)) AS BillingAccountId,
    CASE WHEN contract_id IS NULL THEN p_org_slug ELSE CONCAT(provider, ' contract ', contract_id) END AS BillingAccountName,
    CASE WHEN contract_id IS NULL THEN 'Organization' ELSE 'Contract' END AS BillingAccountType,
    currency AS BillingCurrency,
    TIMESTAMP(cycle_end) AS BillingPeriodEnd,
    TIMESTAMP(cycle_start) AS BillingPeriodStart,
    CAST(NULL AS STRING) AS CapacityReservationId,
    CAST(NULL AS STRING) AS CapacityReservationStatus,
    'Purchase' AS ChargeCategory,
    CAST(NULL AS STRING) AS ChargeClass,
    CONCAT(
      service_name, ' (', plan_name, '), ', billing_cycle, ', ',
      CASE WHEN pricing_model = 'PER_SEAT' THEN CONCAT(CAST(seats AS STRING), ' seats') ELSE 'flat fee' END
    ) AS ChargeDescription,
    'Recurring' AS ChargeFrequency,
    TIMESTAMP(DATE_ADD(cost_date, INTERVAL 1 DAY)) AS ChargePeriodEnd,
    TIMESTAMP(cost_date) AS ChargePeriodStart,
    CAST(NULL AS STRING) AS CommitmentDiscountCategory,
    CAST(NULL AS STRING) AS CommitmentDiscountId,
    CAST(NULL AS STRING) AS CommitmentDiscountName,
    CAST(NULL AS NUMERIC) AS CommitmentDiscountQuantity,
    CAST(NULL AS STRING) AS CommitmentDiscountStatus,
    CAST(NULL AS STRING) AS CommitmentDiscountType,
    CAST(NULL AS STRING) AS CommitmentDiscountUnit,
    CAST(NULL AS NUMERIC) AS ConsumedQuantity,
    CAST(NULL AS STRING) AS ConsumedUnit,
    daily_cost AS ContractedCost,
    contracted_unit_price AS ContractedUnitPrice,
    daily_cost AS EffectiveCost,
    CAST(NULL AS STRING) AS InvoiceId,
    provider AS InvoiceIssuerName,
    list_daily_cost AS ListCost,
    list_unit_price AS ListUnitPrice,
    'Standard' AS PricingCategory,
    currency AS PricingCurrency,
    contracted_unit_price AS PricingCurrencyContractedUnitPrice,
    daily_cost AS PricingCurrencyEffectiveCost,
    list_unit_price AS PricingCurrencyListUnitPrice,
    CAST(quantity AS NUMERIC) AS PricingQuantity,
    CASE WHEN pricing_model = 'PER_SEAT' THEN 'Seats-Days' ELSE 'Subscriptions-Days' END AS PricingUnit,
    provider AS ProviderName,
    provider AS PublisherName,
    CAST(NULL AS STRING) AS RegionId,
    CAST(NULL AS STRING) AS RegionName,
    subscription_id AS ResourceId,
    service_name AS ResourceName,
    'SaaS Subscription' AS ResourceType,
    service_category AS ServiceCategory,
    service_name AS ServiceName,
    service_subcategory AS ServiceSubcategory,
    CONCAT(provider, '/', plan_name) AS SkuId,
    CASE WHEN pricing_model = 'PER_SEAT' THEN 'Seats' ELSE 'Subscription' END AS SkuMeter,
    JSON_OBJECT('x_BillingCycle', billing_cycle, 'x_PricingModel', pricing_model) AS SkuPriceDetails,
    CONCAT(provider, '/', plan_name, '/', billing_cycle) AS SkuPriceId,
    department AS SubAccountId,
    department AS SubAccountName,
    CASE WHEN department IS NOT NULL THEN 'Department' END AS SubAccountType,
    JSON_OBJECT('category', category) AS Tags,
    'saas_subscription' AS x_SourceSystem,
    subscription_id AS x_SourceRecordId,
    'Amortized' AS x_AmortizationClass,
    billing_cycle AS x_BillingCycle,
    cycle_cost AS x_CycleCost,
    list_cycle_cost AS x_CycleListCost,
    invoice_id_last AS x_InvoiceIdLast,
    updated_at AS x_UpdatedAt
  FROM described;
END;

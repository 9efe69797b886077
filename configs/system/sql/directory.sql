-- Every organisation, active key, subscription and credential (without what is sealed in it), as one answer and so as of
-- one moment. `name` is the dataset, the key's hash, the plan or the provider; `scopes` of
-- a key are parted by spaces, NULL when it was given none. Of credentials that are not active only
-- the newest of a provider, and only where none is active.
SELECT
  'profile' AS kind,
  org_slug,
  CAST(NULL AS STRING) AS id,
  org_dataset_id AS name,
  status,
  CAST(NULL AS INT64) AS daily_limit,
  CAST(NULL AS INT64) AS monthly_limit,
  CAST(NULL AS INT64) AS concurrent_limit,
  CAST(NULL AS INT64) AS seat_limit,
  CAST(NULL AS INT64) AS providers_limit,
  CAST(NULL AS DATE) AS trial_end_date,
  CAST(NULL AS DATE) AS end_date,
  CAST(NULL AS TIMESTAMP) AS expires_at,
  CAST(NULL AS STRING) AS scopes,
  CAST(NULL AS BOOL) AS is_active,
  CAST(NULL AS STRING) AS last_error,
  COALESCE(updated_at, created_at) AS changed_at,
  created_at
FROM {central}.org_profiles
UNION ALL
SELECT
  'key' AS kind,
  org_slug,
  org_api_key_id AS id,
  org_api_key_hash AS name,
  CAST(NULL AS STRING) AS status,
  CAST(NULL AS INT64) AS daily_limit,
  CAST(NULL AS INT64) AS monthly_limit,
  CAST(NULL AS INT64) AS concurrent_limit,
  CAST(NULL AS INT64) AS seat_limit,
  CAST(NULL AS INT64) AS providers_limit,
  CAST(NULL AS DATE) AS trial_end_date,
  CAST(NULL AS DATE) AS end_date,
  expires_at,
  CASE WHEN ARRAY_LENGTH(scopes) > 0 THEN ARRAY_TO_STRING(scopes, ' ') END AS scopes,
  CAST(NULL AS BOOL) AS is_active,
  CAST(NULL AS STRING) AS last_error,
  created_at AS changed_at,
  created_at
FROM {central}.org_api_keys
WHERE is_active
UNION ALL
SELECT
  'subscription' AS kind,
  org_slug,
  subscription_id AS id,
  plan_name AS name,
  status,
  COALESCE(daily_limit, max_pipelines_per_day) AS daily_limit,
  monthly_limit,
  concurrent_limit,
  seat_limit,
  providers_limit,
  trial_end_date,
  subscription_end_date AS end_date,
  CAST(NULL AS TIMESTAMP) AS expires_at,
  CAST(NULL AS STRING) AS scopes,
  CAST(NULL AS BOOL) AS is_active,
  CAST(NULL AS STRING) AS last_error,
  COALESCE(updated_at, created_at) AS changed_at,
  created_at
FROM {central}.org_subscriptions
UNION ALL
SELECT
  'integration' AS kind,
  org_slug,
  credential_id AS id,
  provider AS name,
  validation_status AS status,
  CAST(NULL AS INT64) AS daily_limit,
  CAST(NULL AS INT64) AS monthly_limit,
  CAST(NULL AS INT64) AS concurrent_limit,
  CAST(NULL AS INT64) AS seat_limit,
  CAST(NULL AS INT64) AS providers_limit,
  CAST(NULL AS DATE) AS trial_end_date,
  CAST(NULL AS DATE) AS end_date,
  CAST(NULL AS TIMESTAMP) AS expires_at,
  CAST(NULL AS STRING) AS scopes,
  is_active,
  SUBSTR(last_error, 1, 300) AS last_error,
  COALESCE(updated_at, created_at) AS changed_at,
  created_at
FROM {central}.org_integration_credentials
WHERE TRUE
QUALIFY
  is_active
  OR ROW_NUMBER() OVER (
    PARTITION BY org_slug, provider
    ORDER BY is_active DESC, COALESCE(updated_at, created_at) DESC
  ) = 1

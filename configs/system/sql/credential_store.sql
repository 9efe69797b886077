-- Store a sealed credential in place of what is active for the provider, under any of its names, once for its id.
-- Afterwards one is active: this one, or a newer one that has taken its place since. Gives the row of the id.
DECLARE v_known INT64 DEFAULT 0;

BEGIN TRANSACTION;

SET v_known = (
  SELECT COUNT(*)
  FROM {central}.org_integration_credentials
  WHERE org_slug = @org_slug AND credential_id = @credential_id
);

IF v_known = 0 THEN
  INSERT INTO {central}.org_integration_credentials
    (
      credential_id, org_slug, provider, credential_name, encrypted_credential, credential_type,
      validation_status, last_validated_at, metadata, is_active, created_at, updated_at
    )
  SELECT
    @credential_id,
    @org_slug,
    @provider,
    COALESCE(NULLIF(@credential_name, ''), former.credential_name),
    @encrypted_credential,
    COALESCE(NULLIF(@credential_type, ''), former.credential_type, 'API_KEY'),
    @validation_status,
    IF(@validation_status = 'VALID', CURRENT_TIMESTAMP(), NULL),
    former.metadata,
    TRUE,
    CURRENT_TIMESTAMP(),
    CURRENT_TIMESTAMP()
  FROM (SELECT 1 AS one) AS always
  LEFT JOIN (
    SELECT credential_name, credential_type, metadata
    FROM {central}.org_integration_credentials
    WHERE org_slug = @org_slug AND provider IN UNNEST(@providers) AND is_active
    ORDER BY created_at DESC
    LIMIT 1
  ) AS former ON TRUE;

  -- The new row is among them, so that two first stores at once are a conflict that BigQuery resolves: inserts are none.
  UPDATE {central}.org_integration_credentials
  SET is_active = (credential_id = @credential_id), updated_at = CURRENT_TIMESTAMP()
  WHERE org_slug = @org_slug AND provider IN UNNEST(@providers) AND is_active;
END IF;

COMMIT TRANSACTION;

SELECT credential_id, provider, encrypted_credential, is_active
FROM {central}.org_integration_credentials
WHERE org_slug = @org_slug AND credential_id = @credential_id;

-- Record what a validation of a credential found; of two validations the later one stays. Switches nothing off.
UPDATE {central}.org_integration_credentials
SET
  validation_status = @status,
  last_validated_at = @validated_at,
  last_error = NULLIF(@reason, ''),
  updated_at = @validated_at
WHERE
  org_slug = @org_slug
  AND credential_id = @credential_id
  AND (last_validated_at IS NULL OR last_validated_at <= @validated_at);

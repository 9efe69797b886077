-- The sealed credentials of one organisation for one provider, under any of the provider's names.
SELECT
  credential_id,
  provider,
  credential_type,
  validation_status,
  last_validated_at,
  last_error,
  metadata,
  encrypted_credential
FROM {central}.org_integration_credentials
WHERE org_slug = @org_slug AND provider IN UNNEST(@providers) AND is_active

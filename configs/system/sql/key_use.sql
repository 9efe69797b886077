-- Record when keys were last used; of two uses the later one stays. @key_ids, @org_slugs and @used_at go together.
MERGE INTO {central}.org_api_keys AS kept
USING (
  SELECT a_key AS org_api_key_id, @org_slugs[OFFSET(place)] AS org_slug, @used_at[OFFSET(place)] AS used_at
  FROM UNNEST(@key_ids) AS a_key WITH OFFSET AS place
) AS used
ON kept.org_api_key_id = used.org_api_key_id AND kept.org_slug = used.org_slug
WHEN MATCHED AND (kept.last_used_at IS NULL OR kept.last_used_at < used.used_at) THEN
  UPDATE SET last_used_at = used.used_at;

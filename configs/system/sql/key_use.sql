-- Record when keys were last used; of two uses the later one stays. @key_ids, @org_slugs and @used_at go together.
MERGE INTO {central}.org_api_keys AS kept
USING (
  SELECT a_key AS org_api_key_id, an_org AS org_slug, a_time AS used_at
  FROM UNNEST(@key_ids) AS a_key WITH OFFSET AS key_place
  INNER JOIN UNNEST(@org_slugs) AS an_org WITH OFFSET AS org_place ON org_place = key_place
  INNER JOIN UNNEST(@used_at) AS a_time WITH OFFSET AS time_place ON time_place = key_place
) AS used
ON kept.org_api_key_id = used.org_api_key_id AND kept.org_slug = used.org_slug
WHEN MATCHED AND (kept.last_used_at IS NULL OR kept.last_used_at < used.used_at) THEN
  UPDATE SET last_used_at = used.used_at;

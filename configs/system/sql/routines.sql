-- Stored procedures of the central dataset, with the description that says which file each was written from.
SELECT
  routine.routine_name AS name,
  routine.created,
  routine.last_altered AS modified,
  described.option_value AS description
FROM {central}.INFORMATION_SCHEMA.ROUTINES AS routine
LEFT JOIN {central}.INFORMATION_SCHEMA.ROUTINE_OPTIONS AS described
  ON routine.routine_name = described.specific_name AND described.option_name = 'description'
WHERE routine.routine_type = 'PROCEDURE'
ORDER BY routine.routine_name

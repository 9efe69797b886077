-- Insert or update rows by their keys; of several with one key any one is taken.
MERGE INTO {target} AS kept
USING (
  SELECT {columns}
  FROM {stage}
  QUALIFY ROW_NUMBER() OVER (PARTITION BY {keys} ORDER BY {keys}) = 1
) AS given
ON {matched}
WHEN MATCHED THEN
  UPDATE SET {changes}
WHEN NOT MATCHED THEN
  INSERT ({columns}) VALUES ({columns});

-- The audit of rows before they are published: a part of the scripts that publish, before their transaction. Every check
-- counts what is not as expected, in one pass where it can; what is critical and not 0 ends the script. The number of
-- rows makes one row of the answer, even where every check is a subquery. A difference counts by its size: less than 0 is
-- no more expected than more, and makes up for no other check.

-- name: audit
CREATE TEMP TABLE dp_audit_{n} AS
SELECT COUNT(*) AS audited, {checks}
FROM {rows};

BEGIN
  DECLARE v_critical INT64 DEFAULT 0;
  DECLARE v_counts STRING DEFAULT '';
  SET v_critical = (SELECT {critical} FROM dp_audit_{n});
  IF v_critical > 0 THEN
    SET v_counts = (SELECT {counts} FROM dp_audit_{n});
    RAISE USING MESSAGE = CONCAT('DP_QUALITY_FAILED {n} ', v_counts);
  END IF;
END;

-- name: check
{counted} AS check_{index}

-- name: critical.none
0

-- name: critical.count
check_{index}

-- name: plus
+

-- name: count
CAST(check_{index} AS STRING)

-- name: counts
CONCAT('', {counts})

-- name: counts.between
, ' ',

-- name: told
, (SELECT {counts} FROM dp_audit_{n}) AS dp_audit_{n}

-- name: or
OR

-- name: null
{column} IS NULL

-- name: not_null
COUNTIF({nulls})

-- name: unique
(SELECT COUNT(*) FROM (SELECT COUNT(*) AS amount FROM {rows} GROUP BY {columns}) AS a_key WHERE a_key.amount > 1)

-- name: accepted_values
COUNTIF({column} IS NOT NULL AND {column} NOT IN UNNEST(@{value}))

-- name: range
COUNTIF({conditions})

-- name: range.least
{column} < @{value}

-- name: range.most
{column} > @{value}

-- name: row_count
IF({conditions}, 1, 0)

-- name: row_count.least
COUNT(*) < @{value}

-- name: row_count.most
COUNT(*) > @{value}

-- name: freshness
IF(COALESCE(TIMESTAMP(MAX({column})) >= @{value}, FALSE), 0, 1)

-- name: sql
COALESCE(ABS(CAST((
{select}
) AS INT64)), 0)

-- The clauses that promote.sql, publication.sql, append.sql and merge.sql are put together from.

-- name: values.plain
{column}

-- name: values.json
PARSE_JSON({column}, wide_number_mode => 'round') AS {column}

-- name: values.org_slug
@dp_org AS {column}

-- name: values.run_id
@dp_run_id AS {column}

-- name: values.ingested_at
@dp_now AS {column}

-- name: values.source_hash
@dp_content AS {column}

-- name: values.given_source_hash
COALESCE({column}, @dp_content) AS {column}

-- name: rows.stage
SELECT {columns} FROM {stage}

-- name: rows.and
UNION ALL

-- name: rows.made
SELECT * FROM {made}

-- name: rows.none
SELECT {columns} FROM {target} WHERE FALSE

-- name: source
CREATE TEMP TABLE dp_source_{n} AS
SELECT {values}
FROM (
{rows}
);

-- name: day.whole
DATE '0001-01-01'

-- name: day.date
{column}

-- name: day.timestamp
DATE({column})

-- name: inside.whole
TRUE

-- name: inside.date
{column} BETWEEN @dp_first_{n} AND @dp_last_{n}

-- name: inside.timestamp
{column} >= TIMESTAMP(@dp_first_{n}) AND {column} < TIMESTAMP(DATE_ADD(@dp_last_{n}, INTERVAL 1 DAY))

-- name: inside.scope
{inside} AND {column} = @{parameter}

-- name: inside.given_days
{inside} AND {day} IN (SELECT {day} FROM dp_source_{n})

-- name: kept
{day} NOT IN UNNEST(v_left)

-- name: kept.reached
{kept} AND {column} IN UNNEST(@dp_reached)

-- name: merge.matched
kept.{column} = given.{column}

-- name: merge.and
AND

-- name: merge.change
{column} = given.{column}

-- name: merge.keyless
{column} IS NULL

-- name: merge.or
OR

-- name: merge.given
given.{column}

-- name: rows.absent
CAST(NULL AS {type}) AS {column}

-- name: rows.latest
SELECT *
FROM (
{rows}
) AS staged
QUALIFY ROW_NUMBER() OVER (PARTITION BY {keys} ORDER BY {ordinal} DESC) = 1

-- name: call
CALL {procedure}({arguments});

-- name: told
, told.*
FROM (SELECT 1 AS dp_one) AS one
LEFT JOIN (SELECT 1 AS dp_told, * FROM {made}) AS told
  ON one.dp_one = told.dp_told

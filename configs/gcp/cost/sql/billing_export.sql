-- What is asked of a table that Cloud Billing exports to. It only ever grows: a correction is a row of its own, and may
-- come months after the usage. So what is kept per day is the day on which rows came, and not the day of the usage.
--
-- BigQuery keeps such a table partitioned by arrival, which no column tells: a day is then a partition, so that only
-- partitions that are asked for are read and billed. A row whose partition is not settled yet is in no day, and comes
-- with the day it gets. A table that is partitioned otherwise (a copy, an emulator's) has the day of export_time.

-- name: day.arrival
DATE(_PARTITIONTIME)

-- name: day.exported
DATE(export_time)

-- name: within.arrival
_PARTITIONTIME >= TIMESTAMP(@first_day) AND _PARTITIONTIME < TIMESTAMP(DATE_ADD(@last_day, INTERVAL 1 DAY))

-- name: within.exported
export_time >= TIMESTAMP(@first_day) AND export_time < TIMESTAMP(DATE_ADD(@last_day, INTERVAL 1 DAY))

-- name: within.granted
{within} AND billing_account_id IN UNNEST(@billing_accounts)

-- name: days
SELECT {day} AS day, MAX(export_time) AS exported_until, COUNT(*) AS row_count
FROM {table}
WHERE {within}
GROUP BY day
ORDER BY day

-- name: rows
SELECT
  {columns}
FROM {table}
WHERE {within}

-- name: column
{value} AS `{name}`

-- name: column.json
PARSE_JSON({value}, wide_number_mode => 'round') AS `{name}`

-- name: and
UNION ALL

-- name: absent
CAST(NULL AS {type})

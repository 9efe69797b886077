-- Migrations, their checks, and what ends a connection whose answer was lost.

-- name: lock_migrations
SELECT pg_advisory_lock(hashtextextended('migrations', 2))

-- name: unlock_migrations
SELECT pg_advisory_unlock(hashtextextended('migrations', 2))

-- name: make_migrations
CREATE TABLE IF NOT EXISTS migration (
    version integer PRIMARY KEY,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)

-- name: migrated
SELECT version, checksum FROM migration ORDER BY version

-- name: has_migrations
SELECT to_regclass('migration') IS NOT NULL

-- name: add_migration
INSERT INTO migration (version, checksum) VALUES ($1, $2)

-- name: durability
SELECT name FROM pg_settings
WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off'

-- name: end_backend
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE pid = $1 AND application_name = $2

-- name: find_backend
SELECT pid FROM pg_stat_activity WHERE pid = $1 AND application_name = $2

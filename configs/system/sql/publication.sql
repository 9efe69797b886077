-- Publish the rows of dp_source_{n} in place of a window: all of it but the days where a newer run has been, and
-- nothing at all where a newer lease of the same run has. A block of promote.sql's transaction.
BEGIN
  DECLARE v_adopted BOOL DEFAULT FALSE;
  DECLARE v_newer, v_days, v_done, v_outside, v_rows, v_before INT64 DEFAULT 0;
  DECLARE v_left ARRAY<DATE> DEFAULT [];

  SET v_newer = (
    SELECT COUNT(*)
    FROM {ledger}
    WHERE table_name = @dp_table_{n}
      AND (scope IS NULL OR @dp_scope_{n} IS NULL OR scope = @dp_scope_{n})
      AND (@dp_whole_{n} OR day = DATE '0001-01-01' OR day BETWEEN @dp_first_{n} AND @dp_last_{n})
      AND run_id = @dp_run_id
      AND fence > @dp_fence
  );
  IF v_newer > 0 THEN
    RAISE USING MESSAGE = 'DP_STALE_RUN';
  END IF;

  -- Where a whole table or scope is meant, by this run or by the newer one, all of it is left.
  SET v_left = ARRAY(
    SELECT wanted.day
    FROM (SELECT a_day AS day FROM UNNEST(GENERATE_DATE_ARRAY(@dp_first_{n}, @dp_last_{n})) AS a_day) AS wanted
    INNER JOIN {ledger} AS newer
      ON @dp_whole_{n} OR newer.day = DATE '0001-01-01' OR newer.day = wanted.day
    WHERE newer.table_name = @dp_table_{n}
      AND (newer.scope IS NULL OR @dp_scope_{n} IS NULL OR newer.scope = @dp_scope_{n})
      AND newer.run_seq > @dp_run_seq
    GROUP BY wanted.day
  );
  SET v_days = DATE_DIFF(@dp_last_{n}, @dp_first_{n}, DAY) + 1 - ARRAY_LENGTH(v_left);

  -- Done is done: by the same step under an earlier lease, or under this one with the same content.
  SET v_done = (
    SELECT COUNT(*)
    FROM {ledger}
    WHERE table_name = @dp_table_{n}
      AND scope IS NOT DISTINCT FROM @dp_scope_{n}
      AND day BETWEEN @dp_first_{n} AND @dp_last_{n}
      AND run_id = @dp_run_id
      AND step_id = @dp_step_id
      AND complete
      AND (fence < @dp_fence OR content_sha256 = @dp_content)
  );
  IF v_days > 0 AND v_done = v_days THEN
    SET v_adopted = TRUE;
    SET v_rows = (
      SELECT SUM(`rows`)
      FROM {ledger}
      WHERE table_name = @dp_table_{n}
        AND scope IS NOT DISTINCT FROM @dp_scope_{n}
        AND day BETWEEN @dp_first_{n} AND @dp_last_{n}
        AND run_id = @dp_run_id
    );
    -- From here on the earlier lease writes nothing either.
    UPDATE {ledger}
    SET fence = @dp_fence
    WHERE table_name = @dp_table_{n}
      AND scope IS NOT DISTINCT FROM @dp_scope_{n}
      AND day BETWEEN @dp_first_{n} AND @dp_last_{n}
      AND run_id = @dp_run_id
      AND fence < @dp_fence;
  ELSE
    SET v_outside = (SELECT COUNT(*) FROM dp_source_{n}) - (SELECT COUNT(*) FROM dp_source_{n} WHERE {inside});
    IF v_outside > 0 THEN
      RAISE USING MESSAGE = CONCAT('DP_OUTSIDE_WINDOW ', CAST(v_outside AS STRING));
    END IF;
  END IF;

  IF v_days > 0 AND NOT v_adopted THEN
    SET v_rows = (SELECT COUNT(*) FROM dp_source_{n} WHERE {kept});
    SET v_before = (SELECT COUNT(*) FROM {target} WHERE {replaced} AND {kept});
    IF NOT @dp_allow_shrink_{n} AND v_before >= @dp_shrink_floor AND v_rows * 5 < v_before THEN
      RAISE USING MESSAGE = CONCAT('DP_SHRINK_HELD ', CAST(v_before AS STRING), ' ', CAST(v_rows AS STRING));
    END IF;

    DELETE FROM {target} WHERE {replaced} AND {kept};

    INSERT INTO {target} ({columns})
    SELECT {columns} FROM dp_source_{n} WHERE {kept};

    DELETE FROM {ledger}
    WHERE table_name = @dp_table_{n}
      AND (@dp_scope_{n} IS NULL OR scope = @dp_scope_{n})
      AND (@dp_whole_{n} OR day BETWEEN @dp_first_{n} AND @dp_last_{n})
      AND day NOT IN UNNEST(v_left)
      AND (@dp_complete_{n} OR day IN (SELECT {day} FROM dp_source_{n}));

    INSERT INTO {ledger}
      (table_name, scope, day, run_seq, fence, run_id, step_id, `rows`, content_sha256, complete, committed_at)
    SELECT
      @dp_table_{n}, @dp_scope_{n}, published.day, @dp_run_seq, @dp_fence, @dp_run_id, @dp_step_id,
      COALESCE(counted.amount, 0), @dp_content, @dp_complete_{n}, @dp_now
    FROM (SELECT a_day AS day FROM UNNEST(GENERATE_DATE_ARRAY(@dp_first_{n}, @dp_last_{n})) AS a_day) AS published
    LEFT JOIN (SELECT {day} AS day, COUNT(*) AS amount FROM dp_source_{n} GROUP BY 1) AS counted
      ON counted.day = published.day
    WHERE (@dp_complete_{n} OR counted.amount IS NOT NULL) AND published.day NOT IN UNNEST(v_left);
  END IF;

  SET v_all_adopted = v_all_adopted AND v_adopted;
  SET v_published = v_published + COALESCE(v_rows, 0);
  SET v_superseded = v_superseded + ARRAY_LENGTH(v_left);
END;

-- Publish the rows of a load or a transformation in place of a window, unless a newer run or lease has been here.
DECLARE v_adopted BOOL DEFAULT FALSE;
DECLARE v_newer, v_done, v_given, v_rows, v_before INT64 DEFAULT 0;

CREATE TEMP TABLE dp_source AS
SELECT {values}
FROM (
{rows}
);

BEGIN TRANSACTION;

SET v_newer = (
  SELECT COUNT(*)
  FROM {ledger}
  WHERE table_name = @dp_table
    AND (scope IS NULL OR @dp_scope IS NULL OR scope = @dp_scope)
    AND (@dp_whole OR day = DATE '0001-01-01' OR day BETWEEN @dp_first AND @dp_last)
    AND (run_seq > @dp_run_seq OR (run_id = @dp_run_id AND fence > @dp_fence))
);
IF v_newer > 0 THEN
  RAISE USING MESSAGE = 'DP_STALE_RUN';
END IF;

-- Done is done: by the same step under an earlier lease, or under this one with the same content.
SET v_done = (
  SELECT COUNT(*)
  FROM {ledger}
  WHERE table_name = @dp_table
    AND scope IS NOT DISTINCT FROM @dp_scope
    AND day BETWEEN @dp_first AND @dp_last
    AND run_id = @dp_run_id
    AND step_id = @dp_step_id
    AND complete
    AND (fence < @dp_fence OR content_sha256 = @dp_content)
);
IF v_done = DATE_DIFF(@dp_last, @dp_first, DAY) + 1 THEN
  SET v_adopted = TRUE;
  SET v_rows = (
    SELECT SUM(`rows`)
    FROM {ledger}
    WHERE table_name = @dp_table
      AND scope IS NOT DISTINCT FROM @dp_scope
      AND day BETWEEN @dp_first AND @dp_last
  );
  -- From here on the earlier lease writes nothing either.
  UPDATE {ledger}
  SET fence = @dp_fence
  WHERE table_name = @dp_table
    AND scope IS NOT DISTINCT FROM @dp_scope
    AND day BETWEEN @dp_first AND @dp_last
    AND fence < @dp_fence;
ELSE
  SET v_given = (SELECT COUNT(*) FROM dp_source);
  SET v_rows = (SELECT COUNT(*) FROM dp_source WHERE {inside});
  IF v_rows != v_given THEN
    RAISE USING MESSAGE = CONCAT('DP_OUTSIDE_WINDOW ', CAST(v_given - v_rows AS STRING));
  END IF;

  SET v_before = (SELECT COUNT(*) FROM {target} WHERE {replaced});
  IF NOT @dp_allow_shrink AND v_before >= @dp_shrink_floor AND v_rows * 5 < v_before THEN
    RAISE USING MESSAGE = CONCAT('DP_SHRINK_HELD ', CAST(v_before AS STRING), ' ', CAST(v_rows AS STRING));
  END IF;

  DELETE FROM {target} WHERE {replaced};

  INSERT INTO {target} ({columns})
  SELECT {columns} FROM dp_source;

  DELETE FROM {ledger}
  WHERE table_name = @dp_table
    AND (@dp_scope IS NULL OR scope = @dp_scope)
    AND (@dp_whole OR day BETWEEN @dp_first AND @dp_last)
    AND (@dp_complete OR day IN (SELECT {day} FROM dp_source));

  INSERT INTO {ledger}
    (table_name, scope, day, run_seq, fence, run_id, step_id, `rows`, content_sha256, complete, committed_at)
  SELECT
    @dp_table, @dp_scope, published.day, @dp_run_seq, @dp_fence, @dp_run_id, @dp_step_id,
    COALESCE(counted.amount, 0), @dp_content, @dp_complete, @dp_now
  FROM (SELECT a_day AS day FROM UNNEST(GENERATE_DATE_ARRAY(@dp_first, @dp_last)) AS a_day) AS published
  LEFT JOIN (SELECT {day} AS day, COUNT(*) AS amount FROM dp_source GROUP BY 1) AS counted
    ON counted.day = published.day
  WHERE @dp_complete OR counted.amount IS NOT NULL;
END IF;

COMMIT TRANSACTION;

SELECT v_adopted AS adopted, v_rows AS published;

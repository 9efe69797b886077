-- Insert or update the rows of a load or a transformation by their keys. What a newer run of the same @dp_scope has
-- merged stays as it is: an older one only adds rows whose keys are not there yet.
DECLARE v_adopted BOOL DEFAULT FALSE;
DECLARE v_newer, v_done, v_left, v_rows, v_keyless, v_twice INT64 DEFAULT 0;

CREATE TEMP TABLE dp_source AS
SELECT {values}
FROM (
{rows}
);

{audit}

SET v_keyless = (SELECT COUNT(*) FROM dp_source WHERE {keyless});
IF v_keyless > 0 THEN
  RAISE USING MESSAGE = CONCAT('DP_KEY_MISSING ', CAST(v_keyless AS STRING));
END IF;
SET v_twice = (SELECT COUNT(*) FROM (SELECT COUNT(*) AS amount FROM dp_source GROUP BY {keys}) AS a_key WHERE a_key.amount > 1);
IF v_twice > 0 THEN
  RAISE USING MESSAGE = CONCAT('DP_KEY_REPEATED ', CAST(v_twice AS STRING));
END IF;

BEGIN TRANSACTION;

SET v_newer = (
  SELECT COUNT(*)
  FROM {ledger}
  WHERE table_name = @dp_table AND run_id = @dp_run_id AND fence > @dp_fence
);
IF v_newer > 0 THEN
  RAISE USING MESSAGE = 'DP_STALE_RUN';
END IF;

SET v_rows = (SELECT COUNT(*) FROM dp_source);
SET v_done = (
  SELECT COUNT(*)
  FROM {ledger}
  WHERE table_name = @dp_table
    AND scope = @dp_scope
    AND run_id = @dp_run_id
    AND step_id = @dp_step_id
    AND content_sha256 = @dp_content
);
SET v_left = (
  SELECT COUNT(*)
  FROM {ledger}
  WHERE table_name = @dp_table AND (scope IS NULL OR scope = @dp_scope) AND run_seq > @dp_run_seq
);

IF v_done > 0 THEN
  SET v_adopted = TRUE;
  -- From here on the earlier lease writes nothing either.
  UPDATE {ledger}
  SET fence = @dp_fence
  WHERE table_name = @dp_table AND scope = @dp_scope AND run_id = @dp_run_id AND fence < @dp_fence;
END IF;

IF v_done = 0 AND v_left = 0 THEN
  MERGE INTO {target} AS kept
  USING dp_source AS given
  ON {matched}
  WHEN MATCHED THEN
    UPDATE SET {changes}
  WHEN NOT MATCHED THEN
    INSERT ({columns}) VALUES ({given});
END IF;

IF v_done = 0 AND v_left > 0 THEN
  MERGE INTO {target} AS kept
  USING dp_source AS given
  ON {matched}
  WHEN NOT MATCHED THEN
    INSERT ({columns}) VALUES ({given});
END IF;

IF v_done = 0 THEN
  DELETE FROM {ledger} WHERE table_name = @dp_table AND scope = @dp_scope AND run_seq <= @dp_run_seq;

  INSERT INTO {ledger}
    (table_name, scope, day, run_seq, fence, run_id, step_id, `rows`, content_sha256, complete, committed_at)
  SELECT
    @dp_table, @dp_scope, @dp_first, @dp_run_seq, @dp_fence, @dp_run_id, @dp_step_id,
    v_rows, @dp_content, @dp_complete, @dp_now;
END IF;

COMMIT TRANSACTION;

SELECT v_adopted AS dp_adopted, v_rows AS dp_published, IF(v_left > 0, 1, 0) AS dp_superseded{audited};

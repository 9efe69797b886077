-- Add the rows of a load, once for the lease's step: @dp_scope names them in the ledger.
DECLARE v_adopted BOOL DEFAULT FALSE;
DECLARE v_newer, v_done, v_rows INT64 DEFAULT 0;

CREATE TEMP TABLE dp_source AS
SELECT {values}
FROM (
{rows}
);

{audit}

BEGIN TRANSACTION;

SET v_newer = (
  SELECT COUNT(*)
  FROM {ledger}
  WHERE table_name = @dp_table AND run_id = @dp_run_id AND fence > @dp_fence
);
IF v_newer > 0 THEN
  RAISE USING MESSAGE = 'DP_STALE_RUN';
END IF;

SET v_done = (SELECT COUNT(*) FROM {ledger} WHERE table_name = @dp_table AND scope = @dp_scope);
IF v_done > 0 THEN
  SET v_adopted = TRUE;
  SET v_rows = (SELECT SUM(`rows`) FROM {ledger} WHERE table_name = @dp_table AND scope = @dp_scope);
  -- From here on the earlier lease writes nothing either.
  UPDATE {ledger} SET fence = @dp_fence WHERE table_name = @dp_table AND scope = @dp_scope AND fence < @dp_fence;
ELSE
  SET v_rows = (SELECT COUNT(*) FROM dp_source);

  INSERT INTO {target} ({columns})
  SELECT {columns} FROM dp_source;

  -- Deletes nothing, but makes two attempts at once a conflict that BigQuery resolves: inserts alone are none.
  DELETE FROM {ledger} WHERE table_name = @dp_table AND scope = @dp_scope;

  INSERT INTO {ledger}
    (table_name, scope, day, run_seq, fence, run_id, step_id, `rows`, content_sha256, complete, committed_at)
  SELECT
    @dp_table, @dp_scope, @dp_first, @dp_run_seq, @dp_fence, @dp_run_id, @dp_step_id,
    v_rows, @dp_content, @dp_complete, @dp_now;
END IF;

COMMIT TRANSACTION;

SELECT v_adopted AS dp_adopted, v_rows AS dp_published, 0 AS dp_superseded{audited};

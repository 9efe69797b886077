-- Publish one or more windows in one transaction: what has to be made first, copies of what is published, the text of
-- publication.sql for each, and what else the caller wants to know.
DECLARE v_all_adopted BOOL DEFAULT TRUE;
DECLARE v_published, v_superseded INT64 DEFAULT 0;

{prologue}

{sources}

BEGIN TRANSACTION;

{publications}

COMMIT TRANSACTION;

SELECT v_all_adopted AS dp_adopted, v_published AS dp_published, v_superseded AS dp_superseded{audited}{told};

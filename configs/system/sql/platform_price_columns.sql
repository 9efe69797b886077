-- Columns of the price table that the platform keeps in an organisation's dataset; none where it keeps none.
SELECT column_name
FROM {dataset}.INFORMATION_SCHEMA.COLUMNS
WHERE table_name = 'llm_model_pricing'

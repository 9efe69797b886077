-- Digest of the price files a provider's prices were loaded from.
SELECT source_hash
FROM {dataset}.llm_price_book
WHERE provider = @provider
GROUP BY source_hash

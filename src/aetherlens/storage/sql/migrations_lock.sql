-- One key for everything that changes the schema; released with the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('aetherlens.schema', 0))

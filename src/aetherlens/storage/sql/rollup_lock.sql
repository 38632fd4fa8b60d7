-- Waits for whoever is writing samples, and keeps others from beginning; released with the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('aetherlens.rollups', 0))

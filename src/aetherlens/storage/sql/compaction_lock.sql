-- One compaction at a time, whichever core; false where another is at it. Released with the transaction.
SELECT pg_try_advisory_xact_lock(hashtextextended('aetherlens.compaction', 0))

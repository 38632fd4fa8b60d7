-- Who waits for a lock holds up all that come after: rather give up, and try again with the next run.
SET LOCAL lock_timeout = '2s'

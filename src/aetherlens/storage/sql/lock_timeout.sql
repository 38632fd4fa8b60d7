-- Whoever waits for a table's lock keeps everyone behind it waiting: give up early, the next run tries again.
SET LOCAL lock_timeout = '2s'

-- The parent before its partitions, as everybody does: no deadlock.
LOCK TABLE ONLY samples IN ACCESS EXCLUSIVE MODE

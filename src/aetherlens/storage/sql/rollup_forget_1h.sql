DELETE FROM rollup_1h WHERE bucket >= $1

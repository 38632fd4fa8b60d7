DELETE FROM rollup_1d WHERE bucket >= $1

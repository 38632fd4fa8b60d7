UPDATE rollup_state SET watermark = $1, time_zone = $2

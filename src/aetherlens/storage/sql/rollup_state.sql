SELECT watermark, time_zone FROM rollup_state

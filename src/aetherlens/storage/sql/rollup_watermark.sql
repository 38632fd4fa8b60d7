SELECT rollup_watermark()

"""Plugins as processes: found, started, configured, polled, restarted."""

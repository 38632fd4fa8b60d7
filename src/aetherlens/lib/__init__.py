"""Tools without a notion of energy: clock, logs, metrics, tasks, retry, child processes, local files."""

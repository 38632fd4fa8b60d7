"""Every Prometheus metric of the core, on one page. The composition root makes one `Metrics` and hands it on."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The core's metrics and their registry."""

    def __init__(self, version: str) -> None:
        registry = self.registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        build = Gauge("aetherlens_build_info", "The running version.", ["version"], registry=registry)
        build.labels(version).set(1)

        self.metrics_collected = Counter(
            "aetherlens_metrics_collected",
            "Samples accepted from a plugin or API client.",
            ["plugin", "device_type"],
            registry=registry,
        )
        self.metrics_rejected = Counter(
            "aetherlens_metrics_rejected",
            "Samples refused, by reason.",
            ["plugin", "reason"],
            registry=registry,
        )
        self.samples_lost = Counter(
            "aetherlens_samples_lost",
            "Samples given up: the core stopped, the database refused them, or their series has another unit.",
            ["reason"],
            registry=registry,
        )
        self.active_devices = Gauge(
            "aetherlens_active_devices",
            "Devices with a sample in the last five minutes.",
            ["type"],
            registry=registry,
        )
        self.buffered_samples = Gauge(
            "aetherlens_buffered_samples", "Accepted samples that are not stored yet.", registry=registry
        )
        self.flush_duration = Histogram(
            "aetherlens_flush_duration_seconds",
            "Time to store one batch.",
            buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=registry,
        )
        self.flushes = Counter("aetherlens_flushes", "Batches stored, by outcome.", ["outcome"], registry=registry)
        self.samples_compacted = Counter(
            "aetherlens_samples_compacted", "Samples moved from rows into segments.", registry=registry
        )
        self.segments_quarantined = Counter(
            "aetherlens_segments_quarantined",
            "Corrupt segments put aside; their samples are missing.",
            registry=registry,
        )
        self.samples_stored = Counter(
            "aetherlens_samples_stored", "Samples committed, or synced to the journal.", registry=registry
        )
        self.journal_bytes = Gauge(
            "aetherlens_journal_bytes", "Size of the journal's files on disk.", registry=registry
        )
        self.journal_records = Gauge("aetherlens_journal_records", "Batches in the journal's files.", registry=registry)
        self.journal_samples_written = Counter(
            "aetherlens_journal_samples_written", "Samples synced to the journal.", registry=registry
        )
        self.journal_samples_replayed = Counter(
            "aetherlens_journal_samples_replayed", "Samples of the journal committed.", registry=registry
        )
        self.disk_free_bytes = Gauge(
            "aetherlens_disk_free_bytes", "Free space where the state folder lies.", registry=registry
        )
        self.disk_min_free_bytes = Gauge(
            "aetherlens_disk_min_free_bytes", "Free space below which no samples are taken.", registry=registry
        )
        self.api_request_duration = Histogram(
            "aetherlens_api_request_duration_seconds",
            "Time to answer an API request.",
            ["method", "endpoint", "status"],
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
            registry=registry,
        )
        self.stream_subscribers = Gauge("aetherlens_stream_subscribers", "Open live streams.", registry=registry)
        self.stream_drops = Counter(
            "aetherlens_stream_drops", "Live streams closed because their reader was too slow.", registry=registry
        )
        self.plugin_up = Gauge(
            "aetherlens_plugin_up",
            "1 while the plugin is running and its last poll succeeded.",
            ["plugin"],
            registry=registry,
        )
        self.plugin_restarts = Counter(
            "aetherlens_plugin_restarts", "Restarts of a plugin's process.", ["plugin"], registry=registry
        )
        self.plugin_polls = Counter(
            "aetherlens_plugin_polls", "Polls of a plugin, by outcome.", ["plugin", "outcome"], registry=registry
        )
        self.plugin_poll_duration = Histogram(
            "aetherlens_plugin_poll_duration_seconds",
            "Time from a poll's tick to its accepted samples.",
            ["plugin"],
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=registry,
        )
        self.plugin_polls_missed = Counter(
            "aetherlens_plugin_polls_missed",
            "Ticks passed over because the poll before was late.",
            ["plugin"],
            registry=registry,
        )

        self.job_duration = Histogram(
            "aetherlens_job_duration_seconds",
            "Time of one run of a periodic job.",
            ["job"],
            buckets=(0.01, 0.1, 1, 10, 60, 300, 1800),
            registry=registry,
        )
        self.job_runs = Counter(
            "aetherlens_job_runs", "Runs of a periodic job, by outcome.", ["job", "outcome"], registry=registry
        )
        self.job_last_success = Gauge(
            "aetherlens_job_last_success_timestamp_seconds",
            "When a periodic job last succeeded, in seconds since 1970 UTC.",
            ["job"],
            registry=registry,
        )

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        return generate_latest(self.registry)

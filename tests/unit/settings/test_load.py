"""Settings come from the defaults, the file and the environment, in this order; a wrong one stops the start."""

from pathlib import Path

import pytest

from aetherlens.settings import Settings, SettingsError, config_file, load, state_folder, zone


class Machine:
    """An environment with a state folder."""

    def __init__(self, home: Path) -> None:
        self.environment = {"AETHERLENS_HOME": str(home)}
        self.file = home / "config" / "aetherlens.yaml"
        self.file.parent.mkdir()

    def load(self, text: str | bytes | None = None, **variables: str) -> Settings:
        """Load settings from a file with this text, or none, and these variables."""
        if text is not None:
            self.file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load({**self.environment, **variables})

    def complaint(self, text: str | bytes | None = None, **variables: str) -> str:
        """Return the words with which the settings are refused."""
        with pytest.raises(SettingsError) as caught:
            self.load(text, **variables)
        return str(caught.value)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_without_a_file_the_defaults_are_in_force(machine: Machine) -> None:
    assert machine.load() == Settings()


@pytest.mark.parametrize("text", ["", "# nothing\n", "home:\nserver:\n", "{}"])
def test_an_empty_file_leaves_the_defaults(machine: Machine, text: str) -> None:
    assert machine.load(text) == Settings()


def test_the_file_overrides_the_defaults(machine: Machine) -> None:
    settings = machine.load("home: {name: Villa, time_zone: Asia/Kathmandu}\ndatabase: {pool_size: 9}\n")
    assert (settings.home.name, settings.database.pool_size) == ("Villa", 9)
    assert zone(settings).key == "Asia/Kathmandu"


def test_the_environment_overrides_the_file(machine: Machine) -> None:
    settings = machine.load(
        "server: {bind_addr: '127.0.0.1:1111'}\nlog: {level: error, format: console}\nplugins: {timeout_seconds: 1}\n",
        AETHERLENS_BIND_ADDR="[::1]:2222",
        AETHERLENS_LOG_LEVEL="DEBUG",
        LOG_FORMAT="json",
        DATABASE_URL="postgresql://u@127.0.0.1/x",
        DATABASE_POOL_SIZE="7",
        PLUGIN_PATH="/a:/b",
        PLUGIN_TIMEOUT_SECONDS="2.5",
        PLUGIN_MAX_MEMORY_MB="99",
    )
    assert settings.server.host_and_port() == ("::1", 2222)
    assert (settings.log.level, settings.log.format) == ("debug", "json")
    assert (settings.database.url, settings.database.pool_size) == ("postgresql://u@127.0.0.1/x", 7)
    plugins = settings.plugins
    assert (plugins.path, plugins.timeout_seconds, plugins.max_memory_mb) == (("/a", "/b"), 2.5, 99)


@pytest.mark.parametrize(
    "variable", ["AETHERLENS_BIND_ADDR", "DATABASE_POOL_SIZE", "AETHERLENS_CONFIG", "LOG_FORMAT", "PLUGIN_PATH"]
)
def test_an_empty_variable_counts_as_not_set(machine: Machine, variable: str) -> None:
    assert machine.load(**{variable: ""}) == Settings()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("servr: {}", "servr: there is no such setting; did you mean server?"),
        ("server: {bind_adr: x}", "server.bind_adr: there is no such setting; did you mean bind_addr?"),
        ("collector: {flush_interval: 3}", "collector.flush_interval: there is no such setting; did you mean flush_"),
        ("log: {zzz: 1}", "log.zzz: there is no such setting; known here: level, format"),
    ],
)
def test_an_unknown_setting_is_told_with_its_path_and_a_hint(machine: Machine, text: str, says: str) -> None:
    complaint = machine.complaint(text)
    assert says in complaint
    assert str(machine.file) in complaint


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("database: {pool_size: 1}", "database.pool_size"),
        ("database: {pool_size: 101}", "database.pool_size"),
        ("database: {pool_size: five}", "database.pool_size"),
        ("database: {pool_size: 5.5}", "database.pool_size"),
        ("collector: {flush_interval_seconds: 0}", "collector.flush_interval_seconds"),
        ("collector: {flush_interval_seconds: .nan}", "collector.flush_interval_seconds"),
        ("collector: {flush_interval_seconds: .inf}", "collector.flush_interval_seconds"),
        ("collector: {buffer_samples: 10}", "collector.buffer_samples"),
        ("collector: {max_future_seconds: -1}", "collector.max_future_seconds"),
        ("plugins: {max_memory_mb: 8}", "plugins.max_memory_mb"),
        ("plugins: {path: /one}", "plugins.path"),
        ("plugins: {path: [1]}", "plugins.path"),
        ("log: {level: loud}", "log.level"),
        ("home: {name: 7}", "home.name"),
        ("server: 5", "server"),
    ],
)
def test_a_value_out_of_range_is_told_with_its_path(machine: Machine, text: str, path: str) -> None:
    assert f"{path}" in machine.complaint(text).removeprefix(str(machine.file))


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATABASE_POOL_SIZE", "many"),
        ("DATABASE_POOL_SIZE", "1"),
        ("PLUGIN_TIMEOUT_SECONDS", "soon"),
        ("PLUGIN_TIMEOUT_SECONDS", "nan"),
        ("PLUGIN_MAX_MEMORY_MB", "1e3"),
        ("AETHERLENS_LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
        ("AETHERLENS_BIND_ADDR", "0.0.0.0:80"),
    ],
)
def test_a_wrong_variable_is_told_by_its_own_name(machine: Machine, variable: str, value: str) -> None:
    assert variable in machine.complaint(**{variable: value})


@pytest.mark.parametrize(
    "text",
    [
        "a: [1",
        "a: b: c",
        "\t- x",
        b"\xff\xfe\x00",
        "home: {name: 2026-13-45}",
        "[" * 1500,
        "home: !!python/object:os.system {}",
    ],
)
def test_what_is_no_yaml_is_refused_with_the_name_of_the_file(machine: Machine, text: str | bytes) -> None:
    assert str(machine.file) in machine.complaint(text)


@pytest.mark.parametrize("text", ["- a\n- b\n", "hello", "5"])
def test_a_file_that_is_no_mapping_is_told_what_it_must_hold(machine: Machine, text: str) -> None:
    assert "must hold sections such as server: and database:" in machine.complaint(text)


def test_a_file_that_is_a_folder_is_refused(machine: Machine) -> None:
    machine.file.mkdir()
    assert "cannot be read" in machine.complaint()


def test_a_named_file_that_is_missing_stops_the_start(machine: Machine) -> None:
    missing = str(machine.file.parent / "nowhere.yaml")
    assert f"AETHERLENS_CONFIG names {missing}" in machine.complaint(AETHERLENS_CONFIG=missing)


def test_a_named_file_is_the_one_that_is_read(machine: Machine, tmp_path: Path) -> None:
    named = tmp_path / "other.yaml"
    named.write_text("home: {name: Other}")
    assert machine.load("home: {name: Usual}", AETHERLENS_CONFIG=str(named)).home.name == "Other"


@pytest.mark.parametrize("home", ["relative/path", ".", "~/aetherlens"])
def test_a_relative_state_folder_is_refused(home: str) -> None:
    with pytest.raises(SettingsError, match="AETHERLENS_HOME must be an absolute path"):
        state_folder({"AETHERLENS_HOME": home})


def test_the_state_folder_follows_the_user_when_it_is_not_named() -> None:
    assert state_folder({"XDG_DATA_HOME": "/data"}) == Path("/data/aetherlens")
    assert state_folder({"XDG_DATA_HOME": "relative"}) == state_folder({})
    assert state_folder({}) == Path.home() / ".local" / "share" / "aetherlens"
    assert config_file({"AETHERLENS_HOME": "/h"}) == Path("/h/config/aetherlens.yaml")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", ("127.0.0.1", 8080)),
        ("127.0.0.1:0", ("127.0.0.1", 0)),
        ("127.1.2.3:9", ("127.1.2.3", 9)),
        ("localhost:8081", ("localhost", 8081)),
        ("LOCALHOST", ("localhost", 8080)),
        ("::1", ("::1", 8080)),
        ("[::1]:9999", ("::1", 9999)),
        (":9000", ("127.0.0.1", 9000)),
    ],
)
def test_loopback_addresses_are_taken_in_all_their_forms(
    machine: Machine, address: str, expected: tuple[str, int]
) -> None:
    assert machine.load(AETHERLENS_BIND_ADDR=address).server.host_and_port() == expected


@pytest.mark.parametrize(
    "address", ["0.0.0.0", "0.0.0.0:8080", "192.168.1.5:8080", "[::]:8080", "::", "example.org:80", "8080", "10.0.0.1"]
)
def test_an_address_that_others_can_reach_is_refused_with_one_that_is_right(machine: Machine, address: str) -> None:
    complaint = machine.complaint(AETHERLENS_BIND_ADDR=address)
    assert address in complaint
    assert "127.0.0.1:8080" in complaint


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1:http", "127.0.0.1:99999", "[::1", "127.0.0.1:-1", "user@127.0.0.1", "127.0.0.1/x", "127.0.0.1?x", " "],
)
def test_what_is_no_address_is_refused(machine: Machine, address: str) -> None:
    assert "AETHERLENS_BIND_ADDR" in machine.complaint(AETHERLENS_BIND_ADDR=address)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Europe/Pari", "did you mean Europe/Paris?"),
        ("europe/berlin", "did you mean Europe/Berlin?"),
        ("Mars/Olympus_Mons", "home.time_zone"),
        ("../../etc/passwd", "use an IANA name such as Europe/Paris"),
        ("Europe", "home.time_zone"),
        ("/etc/localtime", "home.time_zone"),
    ],
)
def test_a_time_zone_that_is_none_is_told_with_a_hint(machine: Machine, name: str, hint: str) -> None:
    complaint = machine.complaint(f"home: {{time_zone: '{name}'}}")
    assert repr(name) in complaint
    assert hint in complaint


def test_the_machines_own_zone_is_the_default(machine: Machine) -> None:
    assert zone(machine.load()).key

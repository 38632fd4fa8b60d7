"""The manifest and the code say the same; the recorded cases replay."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from simulated_home_devices import devices
from simulated_home_faults import FaultType, fault_from_config
from simulated_home_plugin import SimulatedHomePlugin
from simulated_home_readings import series_of
from simulated_home_settings import settings_from_config

from aetherlens_sdk.runner import load_plugin_class
from aetherlens_sdk.testing import cases, expected, replay
from unit.plugins_simulated_home.helpers import FOLDER, Clock, make, settings


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    content = yaml.safe_load((FOLDER / "plugin.yaml").read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


@pytest.mark.parametrize("case", cases(FOLDER), ids=lambda case: case.name)
async def test_a_recorded_case_replays(case: Path, tmp_path: Path) -> None:
    assert await replay(SimulatedHomePlugin, case, tmp_path) == expected(case)


def test_the_defaults_of_the_schema_are_those_of_the_code(manifest: dict[str, Any]) -> None:
    properties = manifest["configuration_schema"]["properties"]
    defaults = {name: schema["default"] for name, schema in properties.items()}
    assert settings_from_config(defaults) == settings_from_config({})
    fault = properties["faults"]["items"]["properties"]
    assert fault["type"]["enum"] == [str(kind) for kind in FaultType]
    defaults = {name: schema["default"] for name, schema in fault.items() if "default" in schema}
    assert fault_from_config({"type": "offline", **defaults}, "") == fault_from_config({"type": "offline"}, "")


def test_every_setting_is_explained(manifest: dict[str, Any]) -> None:
    properties = manifest["configuration_schema"]["properties"]
    for schema in (*properties.values(), *properties["faults"]["items"]["properties"].values()):
        assert schema["title"]
        assert schema["description"]
    assert all(f"`{name}`" in (FOLDER / "README.md").read_text(encoding="utf-8") for name in properties)


def test_the_manifest_names_all_metrics(manifest: dict[str, Any]) -> None:
    measured = {(series.metric_type, series.unit) for series in series_of(devices(settings()))}
    assert measured == {(metric["type"], metric["unit"]) for metric in manifest["metrics"]}


async def test_the_entry_point_is_the_plugin_and_can_what_it_says(manifest: dict[str, Any], tmp_path: Path) -> None:
    assert load_plugin_class(FOLDER, manifest["runtime"]["entrypoint"]) is SimulatedHomePlugin
    assert list(make(tmp_path, Clock()).get_capabilities()) == manifest["capabilities"]


async def test_every_device_is_found_with_name_and_room_and_measures_something(tmp_path: Path) -> None:
    plugin = make(tmp_path, Clock())
    found = await plugin.discover_devices()
    assert {device.device_id for device in found} == {metric.device_id for metric in await plugin.collect_metrics()}
    assert len({device.name for device in found}) == len(found)
    assert all(device.room and device.role and device.model == "Simulated" for device in found)


async def test_parts_that_are_not_installed_are_not_there(tmp_path: Path) -> None:
    plugin = make(tmp_path, Clock(), solar_kwp=0, battery_kwh=0, ev_charger_kw=0, heat_pump=False)
    absent = {"sim-solar", "sim-battery", "sim-ev", "sim-heat-pump"}
    assert not absent & {device.device_id for device in await plugin.discover_devices()}
    assert not absent & {metric.device_id for metric in await plugin.collect_metrics()}

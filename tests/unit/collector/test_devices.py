"""What a plugin says of its devices is checked before it is stored."""

from typing import Any

import msgspec
import pytest

from aetherlens.collector.devices import MAX_DEVICES, MAX_TEXT_LENGTH, check_devices
from aetherlens_sdk import Device

GOOD = Device(device_id="plug-1", name="Waschmaschine · Keller", device_type="smart_plug", room="Küche")


def changed(**changes: Any) -> Device:
    return msgspec.structs.replace(GOOD, **changes)


def test_good_devices_pass_as_they_are() -> None:
    assert check_devices([GOOD]) == ([GOOD], [])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("device_id", ""),
        ("device_id", "a b"),
        ("device_id", "a\0b"),
        ("device_id", "-a"),
        ("device_id", "ä"),
        ("device_id", "x" * 129),
        ("name", "a\nb"),
        ("name", "x" * (MAX_TEXT_LENGTH + 1)),
        ("room", "a\0b"),
        ("device_type", "x" * (MAX_TEXT_LENGTH + 1)),
        ("address", "\x1b[2J"),
    ],
)
def test_a_bad_one_is_told_by_index_and_field_and_the_others_stay(field: str, value: str) -> None:
    good, rejections = check_devices([GOOD, changed(**{field: value}), GOOD])
    assert good == [GOOD, GOOD]
    assert [(rejection.index, rejection.field) for rejection in rejections] == [(1, field)]


def test_there_is_an_end_to_the_number_of_devices() -> None:
    good, rejections = check_devices([changed(device_id=f"d{number}") for number in range(MAX_DEVICES + 2)])
    assert len(good) == MAX_DEVICES
    assert [rejection.index for rejection in rejections] == [MAX_DEVICES, MAX_DEVICES + 1]

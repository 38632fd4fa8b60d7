"""Checks what a plugin says of its devices."""

from collections.abc import Sequence

import msgspec

from aetherlens.collector.normalise import DEVICE_ID
from aetherlens_sdk import Device

#: Devices of one plugin at most.
MAX_DEVICES = 5_000
#: Longest text about a device, in characters.
MAX_TEXT_LENGTH = 128

_TEXTS = ("name", "device_type", "room", "manufacturer", "model", "firmware", "address")


class DeviceRejection(msgspec.Struct, frozen=True, kw_only=True):
    """Why a device was refused."""

    #: Position in the report.
    index: int
    #: The field at fault.
    field: str
    #: What is wrong and what would be right.
    message: str


def check_devices(devices: Sequence[Device]) -> tuple[list[Device], list[DeviceRejection]]:
    """Return the devices that can be stored, and what is wrong with the others."""
    good: list[Device] = []
    rejections: list[DeviceRejection] = []
    for index, device in enumerate(devices):
        rejection = _check(index, device)
        if rejection is None and len(good) >= MAX_DEVICES:
            message = f"a plugin has at most {MAX_DEVICES} devices"
            rejection = DeviceRejection(index=index, field="device_id", message=message)
        if rejection is None:
            good.append(device)
        else:
            rejections.append(rejection)
    return good, rejections


def _check(index: int, device: Device) -> DeviceRejection | None:
    if not DEVICE_ID.fullmatch(device.device_id):
        message = "an id is 1 to 128 letters, digits and . _ : - and begins with a letter or digit"
        return DeviceRejection(index=index, field="device_id", message=message)
    for field in _TEXTS:
        text = getattr(device, field)
        if text is not None and not (len(text) <= MAX_TEXT_LENGTH and text.isprintable()):
            message = f"at most {MAX_TEXT_LENGTH} printable characters"
            return DeviceRejection(index=index, field=field, message=message)
    return None

"""What can go wrong between this plugin and one device. The docstrings end a sentence that begins with the device."""

from typing import ClassVar

from aetherlens_sdk import ConfigError, RetriableError


class DeviceError(RetriableError):
    """does not work"""

    #: Wait before the first retry and the longest wait between two, in seconds.
    first_wait_s: ClassVar[float] = 2.0
    longest_wait_s: ClassVar[float] = 60.0


class TimedOutError(DeviceError):
    """timed out"""


class ConnectionRefusedByDeviceError(DeviceError):
    """refused the connection"""


class ConnectionLostError(DeviceError):
    """closed the connection before it had answered"""


class UnreachableError(DeviceError):
    """cannot be reached"""


class BadAnswerError(DeviceError):
    """gave a bad answer"""


class AuthenticationRefusedError(DeviceError):
    """refused the password"""

    kind: ClassVar[str] = ConfigError.kind
    # A wrong password does not become right by itself, and devices slow down or lock under repeated attempts.
    first_wait_s: ClassVar[float] = 60.0
    longest_wait_s: ClassVar[float] = 900.0

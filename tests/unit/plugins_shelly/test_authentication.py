"""Gen1 signs in with Basic, Gen2+ with a digest that the fake verifies; a wrong password is not hammered."""

import pytest
from shelly_client import Client, Credentials, open_session
from shelly_errors import AuthenticationRefusedError
from shelly_model import Request

from aetherlens_sdk import RetriableError
from fakes.shelly import FakeShelly, MakeFake, StartPlugin, own

#: With what needs escaping or encoding anywhere.
PASSWORD = 'pä"ss\\w:ö rd'


@pytest.mark.parametrize("name", ["gen1-em", "gen4-1pm"])
async def test_the_right_password_opens(name: str, fake: MakeFake, start: StartPlugin) -> None:
    device = await fake(own(name), password=PASSWORD)
    plugin = await start(device, password=PASSWORD)
    assert await plugin.collect_metrics()
    assert await plugin.collect_metrics()
    assert device.refusals == 0


@pytest.mark.parametrize("name", ["gen1-em", "gen4-1pm"])
async def test_a_device_s_own_password_goes_before_the_common_one(
    name: str, fake: MakeFake, start: StartPlugin
) -> None:
    device = await fake(own(name), password="its own")
    devices = [{"host": device.address, "password": "its own"}]
    plugin = await start(devices=devices, password="the common one")
    assert await plugin.collect_metrics()


async def test_a_user_name_of_gen1_is_used(fake: MakeFake, start: StartPlugin) -> None:
    device = await fake(own("gen1-em"), password="secret")
    device.username = "owner"
    plugin = await start(devices=[{"host": device.address, "username": "owner", "password": "secret"}])
    assert await plugin.collect_metrics()


@pytest.mark.parametrize("name", ["gen1-em", "gen4-1pm"])
async def test_a_wrong_password_is_tried_once_and_named(name: str, fake: MakeFake, start: StartPlugin) -> None:
    device = await fake(own(name), password="right")
    plugin = await start(device, password="wrong")
    for _ in range(5):
        with pytest.raises(RetriableError, match=r"refused the password \(authentication refused\)"):
            await plugin.collect_metrics()
    assert device.refusals == 1
    assert "wrong" not in str(await plugin.get_health())


async def test_a_missing_password_is_named_as_such(fake: MakeFake, start: StartPlugin) -> None:
    device = await fake(own("gen4-1pm"), password="right")
    plugin = await start(device)
    with pytest.raises(RetriableError, match="asks for a password and none is configured"):
        await plugin.collect_metrics()
    assert device.refusals == 0


async def test_a_device_that_restarted_is_signed_in_to_anew(fake: MakeFake, start: StartPlugin) -> None:
    device = await fake(own("gen4-1pm"), password="right")
    plugin = await start(device, password="right")
    await plugin.collect_metrics()
    device.forget_nonces()
    assert await plugin.collect_metrics()


@pytest.mark.parametrize(("name", "generation"), [("gen1-em", 1), ("gen4-1pm", 4)])
async def test_a_discovered_device_gets_no_password_in_the_clear(name: str, generation: int, fake: MakeFake) -> None:
    device: FakeShelly = await fake(own(name), password="right")
    credentials = Credentials(password="right", basic_allowed=False)
    request = Request("/status" if generation == 1 else "/rpc/Shelly.GetStatus")
    async with open_session() as session:
        client = Client(session, device.address, credentials, timeout_s=10)
        if generation > 1:
            assert await client.get(request, generation=generation)
        else:
            with pytest.raises(AuthenticationRefusedError, match="list it under devices"):
                await client.get(request, generation=generation)
    assert device.refusals == 0


def test_a_password_is_in_no_representation() -> None:
    assert "right" not in repr(Credentials(password="right"))

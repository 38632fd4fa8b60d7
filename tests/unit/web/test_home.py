"""The home page and its fragments."""

import re
from datetime import timedelta
from html import unescape

from flask.testing import FlaskClient

from fakes.core_api import AFTERNOON, FakeCore, FakeDevice, plugin


def text_of(html: str) -> str:
    """What a reader without scripts sees: hidden parts and tags taken out."""
    html = re.sub(r"<(\w+)[^>]*\shidden[^>]*>.*?</\1>", "", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", html)))


def test_the_page_answers_first_what_the_home_uses_now(pages: FlaskClient) -> None:
    text = text_of(pages.get("/").text)
    assert "Now 2.74 kW" in text
    assert "100 % from the sun" in text
    assert "412 W sold to the grid" in text
    assert "560 W into the battery" in text
    assert "bought from the grid" not in text


def test_the_page_includes_the_fragments_that_are_fetched_anew(pages: FlaskClient) -> None:
    page, present = pages.get("/").text, pages.get("/home/now").text
    answer, bars = re.split(r"(?=<section class=\"card\" id=\"bars\")", present)
    assert answer.strip() in page
    assert bars.strip() in page
    assert pages.get("/home/today").text.strip() in page


def test_readings_older_than_a_minute_say_their_age(core: FakeCore, pages: FlaskClient) -> None:
    core.devices["meter"].measured = AFTERNOON - timedelta(minutes=3)
    text = text_of(pages.get("/").text)
    assert "Oldest reading in it: 3 min ago" in text
    assert "Washing machine Bathroom 4 min ago" in text


def test_what_no_device_measures_is_everything_else(pages: FlaskClient) -> None:
    assert "Everything else not measured on its own 116 W" in text_of(pages.get("/").text)


def test_devices_beyond_the_first_dozen_are_a_number(core: FakeCore, pages: FlaskClient) -> None:
    core.add(*(FakeDevice(f"plug{i}", f"Plug {i}", "load", float(i)) for i in range(20)))
    text = text_of(pages.get("/").text)
    assert "14 more devices use less" in text
    assert "Everything else" not in text


def test_a_name_cannot_become_markup(core: FakeCore, pages: FlaskClient) -> None:
    core.devices["fridge"].name = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
    core.devices["fridge"].room = "</section>{{ 7 * 7 }}"
    core.home["name"] = "<b>Home</b>"
    html = pages.get("/").text
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "<b>" not in html
    assert "&lt;/section&gt;{{ 7 * 7 }}" in html


def test_an_id_cannot_leave_the_attribute_it_stands_in(core: FakeCore, pages: FlaskClient) -> None:
    core.add(FakeDevice('"><script>x</script>', "Odd", "load", 5.0))
    assert "<script>x" not in pages.get("/").text
    assert "<script>x" not in pages.get("/devices").text


def test_the_table_shows_today_hour_by_hour_and_gaps_as_dashes(core: FakeCore, pages: FlaskClient) -> None:
    core.devices["roof"].curve = lambda moment: None if moment.hour == 10 else 1000.0
    rows = dict(re.findall(r'<th scope="row">(\d\d:\d\d)</th>(.*?)</tr>', pages.get("/").text))
    assert list(rows) == [f"{hour:02}:00" for hour in range(15)]
    assert rows["09:00"].startswith("<td>1.00</td>")
    assert rows["10:00"].startswith("<td>–</td>")
    assert rows["10:00"].endswith("<td>–</td>")


def test_a_series_that_is_gone_leaves_the_others(core: FakeCore, pages: FlaskClient) -> None:
    core.refusals["/api/v1/metrics/history"] = (404, {"title": "Not Found"})
    response = pages.get("/")
    assert response.status_code == 200
    assert "No readings yet today" in response.text


def test_failing_plugins_are_named_with_their_reason(core: FakeCore, pages: FlaskClient) -> None:
    core.plugins[:] = [plugin("kasa", "Kasa", "failing", "192.168.1.9 refuses the password"), plugin("x", "X")]
    text = text_of(pages.get("/").text)
    assert "Kasa has a problem. 192.168.1.9 refuses the password. Its devices keep their last readings" in text
    assert "Last success: 4 min ago." in text
    assert "X has a problem" not in text


def test_visitors_who_may_not_see_plugins_still_see_the_home(core: FakeCore, pages: FlaskClient) -> None:
    core.refusals["/api/v1/plugins"] = (403, {"title": "Forbidden"})
    assert "2.74 kW" in text_of(pages.get("/").text)


def test_without_devices_there_is_one_next_step(core: FakeCore, pages: FlaskClient) -> None:
    core.devices.clear()
    core.plugins[:] = [plugin("shelly", "Shelly", "disabled")]
    text = text_of(pages.get("/").text)
    assert "No devices yet" in text
    assert "enabled: true" in text


def test_without_devices_running_plugins_are_said_to_look(core: FakeCore, pages: FlaskClient) -> None:
    core.devices.clear()
    assert "Shelly is looking for devices" in text_of(pages.get("/").text)


def test_devices_without_power_readings_are_not_an_empty_home(core: FakeCore, pages: FlaskClient) -> None:
    for device in core.devices.values():
        device.watts = None
    assert "No power readings yet" in text_of(pages.get("/").text)


def test_a_home_without_meters_is_the_sum_of_its_devices(core: FakeCore, pages: FlaskClient) -> None:
    for device_id in ("meter", "roof", "cells", "wallbox"):
        del core.devices[device_id]
    html = pages.get("/").text
    assert "The sum of your measured devices" in text_of(html)
    assert 'class="flow"' not in html


def test_a_home_with_only_a_solar_inverter_shows_it(core: FakeCore, pages: FlaskClient) -> None:
    core.devices = {"roof": core.devices["roof"]}
    text = text_of(pages.get("/").text)
    assert "What the home uses is not measured" in text
    assert "3.71 kW" in text


def test_the_visitors_rights_go_on_to_the_core(core: FakeCore, pages: FlaskClient) -> None:
    pages.set_cookie("session", "s3cret")
    pages.get("/", headers={"Authorization": "Bearer abc", "X-Forwarded-For": "1.2.3.4"})
    for _, _, headers in core.seen:
        assert headers["Cookie"] == "session=s3cret"
        assert headers["Authorization"] == "Bearer abc"
        assert "X-Forwarded-For" not in headers


def test_nobodys_rights_stay_behind_for_the_next_visitor(core: FakeCore, pages: FlaskClient) -> None:
    pages.get("/", headers={"Authorization": "Bearer abc"})
    core.seen.clear()
    pages.get("/")
    assert not any("Authorization" in headers for _, _, headers in core.seen)

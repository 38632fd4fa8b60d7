"""The pages in a real browser, before a real web process; the core is a fake that can be made to fail."""

import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from aetherlens_web import format as formats
from aetherlens_web.energy_now import energy_now
from aetherlens_web.models import Reading
from browser import ARTIFACTS, CHROMIUM, DESKTOP, PHONE, Visitor
from fakes.core_api import AFTERNOON, FakeCore, FakeDevice, plugin, typical_home

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")


@pytest.fixture
def core() -> FakeCore:
    return typical_home()


@pytest.fixture
def home(core: FakeCore, tmp_path: Path) -> Iterator[FakeCore]:
    with core.serving_pages(tmp_path):
        yield core


@pytest.fixture
def context(browser: Browser, home: FakeCore) -> Iterator[BrowserContext]:
    with browser.new_context(viewport=DESKTOP) as context:
        yield context


@pytest.fixture
def visitor(context: BrowserContext, home: FakeCore) -> Iterator[Visitor]:
    visitor = Visitor(context, home.url)
    yield visitor
    assert visitor.complaints == []


def test_the_number_follows_the_stream(home: FakeCore, visitor: Visitor) -> None:
    page = visitor.go_home()
    answer = page.locator("p[data-answer]")
    expect(answer).to_have_text("2.74\u202fkW")
    home.publish(meter=5000, roof=1230)
    expect(answer).to_have_text("5.67\u202fkW")
    expect(page.locator("[data-say=sun]")).to_have_text("22\u202f% from the sun")
    expect(page.locator("[data-say=import]")).to_have_text("5.00\u202fkW bought from the grid")
    expect(page.locator("[data-say=export]")).to_be_hidden()
    expect(page.locator("[data-flow=grid]")).to_have_attribute("data-direction", "in")
    expect(page.locator("[data-flow=grid] .flow-value")).to_have_text("5.00\u202fkW")
    home.publish(fridge=1500, washer=0)
    expect(page.locator("[data-device=fridge] .quantity")).to_have_text("1.50\u202fkW")
    expect(page.locator("[data-device=washer]")).not_to_have_class(re.compile("is-stale"))


def test_the_chart_is_drawn_and_takes_in_the_stream(home: FakeCore, visitor: Visitor) -> None:
    for device_id in ("meter", "roof", "cells"):
        _end_curve(home.devices[device_id], AFTERNOON.replace(minute=40))
    page = visitor.go_home()
    chart = page.locator("[data-chart]")
    # Up to 14:40 there are 176 slots of 5 minutes; the inverter was silent for six of them.
    assert chart.get_attribute("data-drawn") == "170"
    assert _coloured_pixels(page) > 2000
    home.publish(meter=6000, roof=0, cells=0)
    expect(chart).to_have_attribute("data-drawn", "171")
    expect(page.locator("[data-key=home]")).to_contain_text("6.00\u202fkW")
    expect(page.locator("[data-key=grid] .quantity")).to_have_text("6.00\u202fkW")
    expect(page.get_by_text("Bought", exact=True)).to_be_visible()
    expect(page.get_by_text("Sold", exact=True)).to_be_hidden()


def test_the_readout_moves_by_mouse_and_by_arrow_keys(visitor: Visitor) -> None:
    page = visitor.go_home()
    time = page.locator("[data-readout-time]")
    expect(time).to_have_text("14:40")
    page.locator("[data-chart]").focus()
    page.keyboard.press("Home")
    expect(time).to_have_text("00:00")
    page.keyboard.press("ArrowRight")
    expect(time).to_have_text("00:05")
    page.keyboard.press("PageDown")
    expect(time).to_have_text("01:05")
    page.keyboard.press("Escape")
    expect(time).to_have_text("14:40")
    box = page.locator(".u-over").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 10.75 / 24, box["y"] + 50)
    expect(time).to_have_text("10:45")
    # A gap is a gap.
    expect(page.locator("[data-key=solar] .quantity")).to_have_text("–")
    expect(page.locator("[data-key=home] .quantity")).to_have_text("–")


def test_the_table_behind_the_chart_is_one_press_away(home: FakeCore, visitor: Visitor) -> None:
    page = visitor.go_home()
    with page.expect_response("**/home/today"):
        page.get_by_text("Show as table").click()
    expect(page.locator("tbody tr")).to_have_count(15)
    expect(page.get_by_role("columnheader", name="Battery")).to_be_visible()


def test_a_broken_stream_is_said_and_recovers_by_itself(home: FakeCore, visitor: Visitor) -> None:
    page = visitor.go_home()
    home.await_streams(1)
    home.refuses_streams = True
    home.break_streams()
    expect(page.get_by_text("Not live since 14:42. Trying again…")).to_be_visible()
    page.screenshot(path=ARTIFACTS / "home-not-live.png")
    # Meanwhile the world goes on: what the stream missed is fetched when it is back.
    home.devices["meter"].watts = 4000.0
    home.refuses_streams = False
    expect(page.locator("[data-stream=live]")).to_be_visible()
    expect(page.locator("[data-say=import]")).to_have_text("4.00\u202fkW bought from the grid")
    home.await_streams(1)
    home.publish(meter=4500)
    expect(page.locator("[data-say=import]")).to_have_text("4.50\u202fkW bought from the grid")
    # The browser itself notes the stream that was refused and the one that broke.
    visitor.complaints[:] = [note for note in visitor.complaints if "503" not in note and "ERR_" not in note]


def test_a_new_device_appears_without_a_reload(home: FakeCore, visitor: Visitor) -> None:
    page = visitor.go_home()
    home.add(FakeDevice("kettle", "Kettle", "load", 1900.0, "Kitchen"))
    home.publish(kettle=2100)
    expect(page.locator("[data-device=kettle]")).to_contain_text("Kettle Kitchen")
    expect(page.locator("[data-device=kettle] .quantity")).to_have_text("2.10\u202fkW")


def test_the_empty_home_fills_itself(home: FakeCore, visitor: Visitor) -> None:
    devices, home.devices = home.devices, {}
    page = visitor.go("/")
    expect(page.get_by_text("No devices yet")).to_be_visible()
    page.screenshot(path=ARTIFACTS / "home-empty.png")
    home.await_streams(1)
    home.devices = devices
    home.publish(meter=700)
    expect(page.locator("p[data-answer]")).to_have_text("3.85\u202fkW")
    expect(page.locator("[data-drawn]")).to_be_visible()


def test_stale_readings_look_stale_and_failing_plugins_are_named(home: FakeCore, visitor: Visitor) -> None:
    home.devices["roof"].measured = AFTERNOON - timedelta(minutes=12)
    home.plugins[:] = [plugin("enphase", "Enphase", "failing", "The gateway at 192.168.1.20 does not answer")]
    page = visitor.go_home()
    expect(page.get_by_text("Oldest reading in it: 12\u202fmin ago")).to_be_visible()
    expect(page.locator("p[data-answer]")).to_have_class(re.compile("is-stale"))
    expect(page.locator("[data-flow=solar] .flow-age")).to_have_text("12\u202fmin ago")
    expect(page.get_by_text("Enphase has a problem.")).to_be_visible()
    page.screenshot(path=ARTIFACTS / "home-stale.png", full_page=True)


def test_a_device_is_renamed_in_place(home: FakeCore, visitor: Visitor) -> None:
    page = visitor.go("/devices")
    row = page.locator("#device-desk")
    row.get_by_text("Edit").click()
    row.get_by_label("Name").fill('Desk <b>"lamp"</b>')
    row.get_by_label("Room").fill("Attic")
    row.get_by_label("What it does").select_option("load")
    row.get_by_role("button", name="Save").click()
    expect(row.get_by_role("heading")).to_have_text('Desk <b>"lamp"</b>')
    expect(row.get_by_text("Saved", exact=True)).to_be_visible()
    expect(row.locator("summary")).to_be_focused()
    expect(row.get_by_label("Name")).to_be_hidden()
    assert (home.devices["desk"].room, home.devices["desk"].role) == ("Attic", "load")
    assert [url for url in visitor.requests if url.endswith("/devices")] == [home.url + "/devices"]


def test_a_refused_name_keeps_what_was_typed(home: FakeCore, visitor: Visitor) -> None:
    problem = {"title": "Unprocessable", "detail": "Another device has this name.", "field": "name"}
    home.refusals["/api/v1/devices/desk"] = (422, problem)
    page = visitor.go("/devices")
    row = page.locator("#device-desk")
    row.get_by_text("Edit").click()
    row.get_by_label("Name").fill("Fridge")
    row.get_by_role("button", name="Save").click()
    expect(row.get_by_text("Another device has this name.")).to_be_visible()
    expect(row.get_by_label("Name")).to_have_value("Fridge")
    expect(row.get_by_label("Name")).to_be_focused()
    # Hiding the caret would leave a style attribute, which the page's own policy refuses to have copied.
    page.screenshot(path=ARTIFACTS / "devices-refused.png", caret="initial")
    del home.refusals["/api/v1/devices/desk"]
    row.get_by_role("button", name="Save").click()
    expect(row.get_by_role("heading")).to_have_text("Fridge")
    _forget_statuses(visitor, "422")


def test_trouble_while_saving_is_said_beside_the_form(home: FakeCore, visitor: Visitor) -> None:
    page = visitor.go("/devices")
    row = page.locator("#device-desk")
    row.get_by_text("Edit").click()
    row.get_by_label("Name").fill("Lamp")
    home.refusals["/api/v1/devices/desk"] = (503, {"title": "Service Unavailable"})
    row.get_by_role("button", name="Save").click()
    expect(row.get_by_text("AetherLens cannot answer just now.")).to_be_visible()
    page.route("**/devices/desk", lambda route: route.abort())
    row.get_by_role("button", name="Save").click()
    expect(row.get_by_text("nothing was saved")).to_be_visible()
    page.unroute("**/devices/desk")
    home.refusals.clear()
    expect(row.get_by_label("Name")).to_have_value("Lamp")
    row.get_by_role("button", name="Save").click()
    expect(row.get_by_role("heading")).to_have_text("Lamp")
    _forget_statuses(visitor, "503", "ERR_FAILED", "htmx:sendError", "htmx:afterRequest")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("size_name", "size"), [("phone", PHONE), ("desktop", DESKTOP)])
def test_every_size_and_theme_is_whole(
    browser: Browser, home: FakeCore, size_name: str, size: ViewportSize, scheme: Literal["light", "dark"]
) -> None:
    with browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce") as context:
        visitor = Visitor(context, home.url)
        page = visitor.go_home()
        assert _overflow(page) == 0
        assert _low_contrast(page) == []
        page.screenshot(path=ARTIFACTS / f"home-{size_name}-{scheme}.png", full_page=True)
        visitor.go("/devices")
        page.locator("#device-roof summary").click()
        assert _overflow(page) == 0
        assert _low_contrast(page) == []
        page.screenshot(path=ARTIFACTS / f"devices-{size_name}-{scheme}.png", full_page=True)
        assert visitor.complaints == []


def test_names_of_any_length_fit_on_a_phone(browser: Browser, home: FakeCore) -> None:
    home.devices["fridge"].name = "Fridge" * 16
    home.devices["fridge"].room = "W" * 60
    home.devices["meter"].watts = -123456.0
    home.home["name"] = "Maison " * 14
    with browser.new_context(viewport={"width": 320, "height": 600}) as context:
        visitor = Visitor(context, home.url)
        page = visitor.go_home()
        assert _overflow(page) == 0
        page.screenshot(path=ARTIFACTS / "home-narrow-long.png", full_page=True)
        visitor.go("/devices")
        assert _overflow(page) == 0


def test_the_pages_read_well_without_scripts(browser: Browser, home: FakeCore) -> None:
    with browser.new_context(viewport=PHONE, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(home.url)
        expect(page.locator("p[data-answer]")).to_have_text("2.74\u202fkW")
        expect(page.get_by_text("As of 14:42")).to_be_visible()
        expect(page.locator("[data-chart]")).to_be_hidden()
        page.get_by_text("Show as table").click()
        expect(page.locator("tbody tr")).to_have_count(15)
        page.screenshot(path=ARTIFACTS / "home-no-script.png", full_page=True)
        page.goto(home.url + "/devices")
        page.locator("#device-desk summary").click()
        page.locator("#name-desk").fill("Lamp")
        page.locator("#device-desk button").click()
        expect(page.locator("#device-desk h2")).to_have_text("Lamp")
        assert page.url == home.url + "/devices#device-desk"


def test_a_core_that_is_away_is_said(browser: Browser, home: FakeCore) -> None:
    home.refusals["/api/v1/system"] = (503, {"title": "Service Unavailable"})
    with browser.new_context(viewport=DESKTOP) as context:
        page = context.new_page()
        page.goto(home.url)
        expect(page.get_by_role("heading", name="AetherLens cannot answer just now")).to_be_visible()
        page.screenshot(path=ARTIFACTS / "unavailable.png")
        home.refusals.clear()
        # The page tries again by itself.
        expect(page.locator("p[data-answer]")).to_have_text("2.74\u202fkW")


def test_everything_is_reached_by_keyboard_in_order(visitor: Visitor) -> None:
    page = visitor.go_home()
    reached = []
    for _ in range(5):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("(document.activeElement.textContent || '').trim().slice(0, 19)"))
    assert [reached[i] for i in (0, 1, 2, 4)] == ["Skip to the content", "Home", "Devices", "Show as table"]
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_the_first_load_is_small(visitor: Visitor, context: BrowserContext) -> None:
    session = context.new_cdp_session(visitor.page)
    session.send("Network.enable")
    transferred: list[float] = []
    session.on("Network.loadingFinished", lambda event: transferred.append(event["encodedDataLength"]))
    visitor.go_home()
    files = [url for url in visitor.requests if "/api/" not in url]
    asked = [url for url in visitor.requests if "/api/" in url]
    kilobytes = sum(transferred) / 1000
    print(f"first load: {kilobytes:.0f} kB, {len(files)} files, {len(asked)} API requests")
    assert kilobytes < 120
    assert len(files) <= 10
    assert all(url.startswith(visitor.url) for url in visitor.requests)


def test_browser_and_server_write_numbers_and_times_alike(visitor: Visitor) -> None:
    rng = random.Random(1)
    watts = [0, -0.4, 0.5, 2.5, 212.5, 999.4, 999.5, 1125, 9994, 9995, 9996, -12345, 99950]
    watts += [round(rng.uniform(-20000, 20000), rng.randint(0, 3)) for _ in range(500)]
    ages_s = [0, 59, 60, 3599, 3600, 86399, 86400, 9e6]
    page = visitor.go("/")
    answer = page.evaluate(
        """async ([url, watts, ages, now]) => {
            const { power, percent, ago } = await import(url);
            const text = ({ number, unit }) => number + "|" + unit;
            return [watts.map((w) => text(power(w))), watts.map((w) => text(percent(Math.abs(w) / 20000))),
                    ages.map((s) => ago(now - s * 1000, now, "America/New_York"))];
        }""",
        [_module(page, "format"), watts, ages_s, AFTERNOON.timestamp() * 1000],
    )
    zone = ZoneInfo("America/New_York")
    assert answer[0] == ["|".join(formats.power(w)) for w in watts]
    assert answer[1] == ["|".join(formats.percent(abs(w) / 20000)) for w in watts]
    assert answer[2] == [formats.ago(AFTERNOON - timedelta(seconds=s), AFTERNOON, zone) for s in ages_s]


def test_browser_and_server_compute_the_same_balance(visitor: Visitor) -> None:
    homes = [_some_readings(random.Random(seed)) for seed in range(200)]
    page = visitor.go("/")
    given = [
        [{"role": r.role, "watts": r.value, "timestamp": r.timestamp.timestamp() * 1000} for r in home]
        for home in homes
    ]
    answers = page.evaluate(
        "async ([url, homes]) => (await import(url)).energyNow ? homes.map((await import(url)).energyNow) : []",
        [_module(page, "balance"), given],
    )
    names = {"home": "home_w", "grid": "grid_w", "solar": "solar_w", "battery": "battery_w", "ev": "ev_w"}
    names |= {"basis": "basis", "rest": "rest_w", "sunShare": "sun_share", "addsUp": "adds_up"}
    for home, answer in zip(homes, answers, strict=True):
        energy = energy_now(home)
        for theirs, ours in names.items():
            expected = getattr(energy, ours)
            assert answer[theirs] == (pytest.approx(expected) if isinstance(expected, float) else expected), ours
        oldest = None if energy.oldest is None else energy.oldest.timestamp() * 1000
        assert answer["oldest"] == oldest


def _end_curve(device: FakeDevice, end: datetime) -> None:
    curve = device.curve
    device.curve = lambda moment: curve(moment) if moment < end else None


def _module(page: Page, name: str) -> str:
    found = page.locator(f"link[href$='/js/{name}.js']").get_attribute("href")
    assert found
    return found


def _some_readings(rng: random.Random) -> list[Reading]:
    roles = [None, "grid", "solar", "battery", "ev_charger", "load", "sensor", "cloud_account"]
    chosen = rng.sample(roles, rng.randint(0, len(roles)))
    return [
        Reading(
            device_id=f"d{i}",
            device_name="x",
            role=role,
            metric_type="power",
            value=round(rng.uniform(-3000, 3000), 1),
            unit="W",
            timestamp=datetime(2026, 6, 17, 12, rng.randint(0, 59), tzinfo=UTC),
        )
        for role in chosen
        for i in range(rng.randint(1, 3))
    ]


def _forget_statuses(visitor: Visitor, *parts: str) -> None:
    """Browsers log every answer above 399; these were expected."""
    visitor.complaints[:] = [note for note in visitor.complaints if not any(part in note for part in parts)]


def _coloured_pixels(page: Page) -> int:
    """Pixels of the chart that are neither transparent nor grey: the areas."""
    count: int = page.evaluate(
        """() => {
            const canvas = document.querySelector(".uplot canvas");
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            let coloured = 0;
            for (let i = 0; i < data.length; i += 4) {
                const high = Math.max(data[i], data[i + 1], data[i + 2]);
                if (data[i + 3] > 0 && high - Math.min(data[i], data[i + 1], data[i + 2]) > 30) coloured++;
            }
            return coloured;
        }"""
    )
    return count


def _overflow(page: Page) -> int:
    """How far the page is wider than its window, in pixels."""
    width: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return width


def _low_contrast(page: Page) -> list[Any]:
    """Visible texts whose contrast against what is painted behind them is below 4.5:1."""
    found = page.evaluate(
        """() => {
            const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
            const light = (rgb) => rgb.slice(0, 3).map((c) => c / 255)
                .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
                .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
            const behind = (element) => {
                for (let at = element; at; at = at.parentElement) {
                    const node = at.parentElement?.querySelector(":scope > .flow-node");
                    if (node && at.matches(".flow-value")) return channels(getComputedStyle(node).fill);
                    const colour = channels(getComputedStyle(at).backgroundColor);
                    if (colour[3] !== 0) return colour;
                }
                return [255, 255, 255];
            };
            const low = [];
            const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            while (walker.nextNode()) {
                const element = walker.currentNode.parentElement;
                if (!walker.currentNode.textContent.trim() || !element.checkVisibility()) continue;
                if (element.closest("noscript, option, datalist")) continue;
                const style = getComputedStyle(element);
                const colour = channels(element.closest("svg") ? style.fill : style.color);
                const [a, b] = [light(colour), light(behind(element))];
                const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
                if (ratio < 4.5) low.push([walker.currentNode.textContent.trim(), ratio.toFixed(2)]);
            }
            return low;
        }"""
    )
    assert isinstance(found, list)
    return found

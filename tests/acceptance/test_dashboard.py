"""The pages of the whole product, with the simulated home, in a real browser."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from browser import ARTIFACTS, CHROMIUM, DESKTOP, PHONE, Visitor
from product import Product, eventually, running

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running(tmp_path_factory.mktemp("dashboard") / "home") as product:
        eventually(lambda: product.get("/api/v1/metrics/current")["metrics"])
        eventually(lambda: product.request("GET", "/").status == 200)
        yield product


@pytest.fixture
def visitor(product: Product, browser: Browser) -> Iterator[Visitor]:
    context = browser.new_context(viewport=DESKTOP)
    visitor = Visitor(context, product.address)
    yield visitor
    context.close()
    assert visitor.complaints == []


def test_a_newcomer_sees_a_living_home(visitor: Visitor) -> None:
    page = visitor.go_home()
    expect(page.get_by_role("listitem").filter(has_text="Fridge").first).to_be_visible()
    page.screenshot(path=ARTIFACTS / "real-home-desktop.png", full_page=True)


def test_a_written_sample_reaches_the_open_page(visitor: Visitor, product: Product) -> None:
    page = visitor.go_home()
    answer = product.request(
        "POST", "/api/v1/metrics", {"device_id": "welder", "metric_type": "power", "value": 4.321, "unit": "kW"}
    )
    assert answer.status == 201
    expect(page.get_by_text("welder").first).to_be_visible()
    expect(page.get_by_text(re.compile(r"4\.32\s*kW")).first).to_be_visible()


def test_a_device_is_renamed(visitor: Visitor, product: Product) -> None:
    page = visitor.go("/devices")
    expect(page.get_by_text("Dishwasher").first).to_be_visible()
    page.screenshot(path=ARTIFACTS / "real-devices-desktop.png", full_page=True)
    product.request("PATCH", "/api/v1/devices/sim-dishwasher", {"name": "Grandma's <b>dishwasher</b>"})
    page.reload()
    expect(page.get_by_text("Grandma's <b>dishwasher</b>").first).to_be_visible()


def test_it_fits_a_phone(browser: Browser, product: Product) -> None:
    context = browser.new_context(viewport=PHONE, color_scheme="dark")
    visitor = Visitor(context, product.address)
    page: Page = visitor.go_home()
    page.screenshot(path=ARTIFACTS / "real-home-phone-dark.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()
    assert visitor.complaints == []


def test_the_page_says_that_the_core_is_away_and_recovers(browser: Browser, tmp_path: Path) -> None:
    port = ""
    context = browser.new_context(viewport=DESKTOP)
    with running(tmp_path / "home") as product:
        eventually(lambda: product.request("GET", "/").status == 200)
        port = product.address.rpartition(":")[2]
        page = Visitor(context, product.address).go_home()
    expect(page.locator("[data-stream=live]")).to_be_hidden()
    with running(tmp_path / "home", environment={"AETHERLENS_BIND_ADDR": f"127.0.0.1:{port}"}):
        expect(page.locator("[data-stream=live]")).to_be_visible()
    context.close()

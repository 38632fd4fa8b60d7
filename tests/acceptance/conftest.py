"""A browser for each module of page tests.

Playwright keeps an event loop running as long as it lives, so it must end before tests with a loop of their own begin.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

from browser import CHROMIUM, CHROMIUM_ARGUMENTS, TIMEOUT_MS


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS, timeout=60_000)
    yield browser
    browser.close()

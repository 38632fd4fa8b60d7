"""A real browser for the page tests, and what it complains of."""

import shutil
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, ViewportSize, expect

CHROMIUM = shutil.which("chromium")
CHROMIUM_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ARTIFACTS = Path(__file__).parents[1] / "test-artifacts"
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
#: How long anything on a page may take, in milliseconds.
TIMEOUT_MS = 15_000


class Visitor:
    """One browser context, and everything it complained of."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.url = url
        self.page = context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.set_default_timeout(TIMEOUT_MS)
        self.page.on("console", lambda message: self._note(message.type, message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.add_init_script(
            "document.addEventListener('securitypolicyviolation', (e) => console.error('CSP ' + e.violatedDirective))"
        )

    def _note(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(f"{kind}: {text}")

    def go(self, path: str) -> Page:
        self.page.goto(self.url + path)
        return self.page

    def go_home(self) -> Page:
        """Open the home page and wait until it is live and its chart is drawn."""
        page = self.go("/")
        expect(page.locator("[data-stream=live]")).to_be_visible()
        expect(page.locator("[data-drawn]")).to_be_visible()
        return page

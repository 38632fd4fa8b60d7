"""Headers, foreign posts and static files."""

import gzip
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from aetherlens_web.app import MAX_FORM_BYTES, create_app
from aetherlens_web.assets import Assets
from fakes.core_api import FakeCore


@pytest.mark.parametrize("path", ["/", "/devices", "/nowhere", "/home/now"])
def test_every_answer_forbids_what_pages_do_not_need(pages: FlaskClient, path: str) -> None:
    headers = pages.get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/devices", "/nowhere"])
def test_pages_have_no_inline_script_or_style_and_load_nothing_from_elsewhere(pages: FlaskClient, path: str) -> None:
    html = pages.get(path).text
    assert not re.search(r"<script(?![^>]*\ssrc=)", html)
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", html)
    assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", html)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 303),
        ({"Origin": "http://localhost"}, 303),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}, 303),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:9"}, 403),
    ],
)
def test_posts_from_other_sites_are_refused(
    core: FakeCore, pages: FlaskClient, headers: dict[str, str], status: int
) -> None:
    response = pages.post("/devices/desk", data={"name": "Lamp"}, headers=headers)
    assert response.status_code == status
    assert core.devices["desk"].name == ("Lamp" if status == 303 else "Desk")


def test_a_huge_form_is_refused(pages: FlaskClient) -> None:
    assert pages.post("/devices/desk", data={"name": "x" * (MAX_FORM_BYTES + 1)}).status_code == 413


def test_static_files_are_kept_forever_under_the_hash_of_their_content(pages: FlaskClient) -> None:
    path = re.findall(r'href="(/static/\w+/css/app.css)"', pages.get("/devices").text)[0]
    response = pages.get(path)
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response.headers["Content-Type"] == "text/css; charset=utf-8"
    packed = pages.get(path, headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(packed.data) == response.data
    assert packed.headers["Vary"] == "Accept-Encoding"


def test_a_file_of_another_version_is_served_but_not_kept(pages: FlaskClient) -> None:
    response = pages.get("/static/000000000000/css/app.css")
    assert (response.status_code, response.headers["Cache-Control"]) == (200, "no-cache")


@pytest.mark.parametrize("name", ["none.css", "../app.py", "%2e%2e/app.py", "vendor/README.md"])
def test_other_files_are_not_served(pages: FlaskClient, name: str) -> None:
    assert pages.get(f"/static/x/{name}").status_code == 404


def test_the_version_changes_with_the_content(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("1")
    before = Assets(tmp_path).version
    (tmp_path / "a.js").write_text("2")
    assert Assets(tmp_path).version != before


def test_the_pages_work_without_any_core_state(tmp_path: Path) -> None:
    assert create_app(tmp_path / "none.sock").test_client().get("/static/x/icon.svg").status_code == 200

"""What visitors see when something is missing, refused or broken."""

import logging
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from aetherlens_web.app import create_app
from fakes.core_api import FakeCore


def test_an_unknown_page_is_a_404_with_a_way_home(pages: FlaskClient) -> None:
    response = pages.get("/nowhere")
    assert response.status_code == 404
    assert "This page does not exist" in response.text
    assert 'href="/"' in response.text


def test_a_core_that_is_away_is_said_and_tried_again(tmp_path: Path) -> None:
    response = create_app(tmp_path / "none.sock").test_client().get("/")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert "AetherLens is not answering" in response.text
    assert '<meta http-equiv="refresh" content="5">' in response.text


def test_a_core_that_hangs_is_away(core: FakeCore, pages: FlaskClient) -> None:
    core.awake.clear()
    assert pages.get("/devices").status_code == 503


def test_a_core_whose_database_is_away_is_said_and_tried_again(core: FakeCore, pages: FlaskClient) -> None:
    core.refusals["/api/v1/devices"] = (503, {"title": "Service Unavailable"})
    response = pages.get("/devices")
    assert response.status_code == 503
    assert "cannot answer just now" in response.text
    assert "http-equiv" in response.text


def test_a_core_of_another_version_is_a_502(core: FakeCore, pages: FlaskClient) -> None:
    core.garbage["/api/v1/system"] = b"[]"
    assert pages.get("/").status_code == 502


def test_a_refusal_shows_the_words_of_the_core(core: FakeCore, pages: FlaskClient) -> None:
    core.refusals["/api/v1/system"] = (403, {"title": "Forbidden", "detail": "Not <yours>.", "hint": "Ask the owner."})
    response = pages.get("/")
    assert response.status_code == 403
    assert "Not &lt;yours&gt;." in response.text
    assert "Ask the owner." in response.text


def test_a_fragment_gets_a_line_in_the_place_for_trouble(core: FakeCore, pages: FlaskClient) -> None:
    core.refusals["/api/v1/devices/desk"] = (503, {"title": "Service Unavailable"})
    response = pages.post("/devices/desk", data={"name": "Lamp"}, headers={"HX-Request": "true"})
    assert (response.status_code, response.headers["HX-Retarget"]) == (503, "find [data-trouble]")
    assert "<html" not in response.text
    assert "cannot answer just now" in response.text


def test_a_fault_of_the_page_is_logged_and_said(
    core: FakeCore, pages: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    core.home["time_zone"] = "Nowhere/None"
    with caplog.at_level(logging.ERROR):
        response = pages.get("/")
    assert response.status_code == 500
    assert "This page has a fault" in response.text
    assert "Nowhere" not in response.text
    assert "ZoneInfoNotFoundError" in caplog.text

"""The list of devices, its forms and fragments."""

import re

from flask.testing import FlaskClient

from fakes.core_api import FakeCore, FakeDevice

HTMX = {"HX-Request": "true"}


def row_of(html: str, device_id: str) -> str:
    found = re.search(rf'<li class="device" id="device-{device_id}">.*?</li>', html, flags=re.DOTALL)
    assert found
    return found[0]


def test_the_list_shows_name_room_role_and_make(pages: FlaskClient) -> None:
    row = row_of(pages.get("/devices").text, "fridge")
    assert "<h2>Fridge</h2>" in row
    assert "Kitchen · Uses power · Shelly Plug S" in row
    assert '<option value="load" selected>' in row


def test_the_list_is_found_with_a_slash_too(pages: FlaskClient) -> None:
    assert pages.get("/devices/").status_code == 200


def test_a_form_without_scripts_changes_the_device_and_returns_to_its_place(core: FakeCore, pages: FlaskClient) -> None:
    response = pages.post("/devices/desk", data={"name": " Desk lamp ", "room": "", "role": "load"})
    assert (response.status_code, response.headers["Location"]) == (303, "/devices#device-desk")
    desk = core.devices["desk"]
    assert (desk.name, desk.room, desk.role) == ("Desk lamp", None, "load")


def test_htmx_gets_the_row_that_the_page_includes(pages: FlaskClient) -> None:
    response = pages.post("/devices/desk", data={"name": "Desk lamp", "room": "Office", "role": "load"}, headers=HTMX)
    assert (response.status_code, response.headers["HX-Retarget"]) == (200, "closest li")
    fragment = response.text.replace('<span class="saved" role="status">Saved</span>', "").replace(" autofocus", "")
    assert re.sub(r"\s+", " ", fragment).strip() == re.sub(r"\s+", " ", row_of(pages.get("/devices").text, "desk"))


def test_a_refusal_is_shown_at_its_field_with_what_was_typed(pages: FlaskClient) -> None:
    room = "x" * 101
    for headers in ({}, HTMX):
        response = pages.post("/devices/desk", data={"name": "Lamp", "room": room, "role": ""}, headers=headers)
        assert response.status_code == 422
        field = re.search(r'<input id="room-desk".*?</p>', response.text, flags=re.DOTALL)
        assert field
        assert room in field[0]
        assert 'aria-invalid="true"' in field[0]
        assert "length &lt;= 100" in field[0]
        assert 'value="Lamp"' in response.text


def test_without_scripts_a_refused_form_stays_open_in_the_list(pages: FlaskClient) -> None:
    html = pages.post("/devices/desk", data={"name": "x" * 101}).text
    assert "<details open>" in row_of(html, "desk")
    assert "<details>" in row_of(html, "fridge")


def test_a_refusal_of_no_field_is_shown_above_the_form(core: FakeCore, pages: FlaskClient) -> None:
    core.refusals["/api/v1/devices/desk"] = (
        409,
        {"title": "Conflict", "detail": "Changed elsewhere.", "hint": "Reload"},
    )
    html = pages.post("/devices/desk", data={"name": "Lamp"}, headers=HTMX).text
    assert re.search(r"data-trouble>Changed elsewhere. \(Reload\)</div>", html)


def test_an_unknown_device_is_a_404(pages: FlaskClient) -> None:
    assert pages.post("/devices/none", data={"name": "x"}).status_code == 404


def test_a_long_list_comes_in_pages(core: FakeCore, pages: FlaskClient) -> None:
    core.add(*(FakeDevice(f"plug{i}", f"Plug {i}", "load", 1.0) for i in range(150)))
    first = pages.get("/devices").text
    assert first.count('<li class="device"') == 100
    assert 'href="/devices?cursor=100"' in first
    second = pages.get("/devices?cursor=100").text
    assert second.count('<li class="device"') == 59
    assert 'href="/devices"' in second
    saved = pages.post("/devices/plug149?cursor=100", data={"name": "Last"})
    assert saved.headers["Location"] == "/devices?cursor=100#device-plug149"


def test_names_and_rooms_cannot_become_markup(core: FakeCore, pages: FlaskClient) -> None:
    core.devices["desk"].name = core.devices["desk"].room = '"><script>alert(1)</script>'
    core.devices["desk"].model = "<i>model</i>"
    html = pages.get("/devices").text
    assert "<script>alert" not in html
    assert "<i>" not in html


def test_without_devices_the_page_says_so(core: FakeCore, pages: FlaskClient) -> None:
    core.devices.clear()
    assert "No devices yet" in pages.get("/devices").text

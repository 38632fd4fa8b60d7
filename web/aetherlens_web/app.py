"""The composition root of the pages: builds the Flask app from its parts."""

from pathlib import Path

from flask import Flask, g, request
from htmx_flask import Htmx

from aetherlens_web import format as formats
from aetherlens_web.assets import Assets
from aetherlens_web.client import CALL_TIMEOUT_S, CoreClient
from aetherlens_web.core import Core
from aetherlens_web.security import add_headers, refuse_foreign_posts
from aetherlens_web.views import devices, errors, home

#: What of the visitor's request goes on to the core: it decides what this visitor may see.
PASSED_ON = ("Authorization", "Cookie")
#: The largest form that is read, in bytes.
MAX_FORM_BYTES = 64 * 1024


def create_app(api_socket: Path, *, api_timeout_s: float = CALL_TIMEOUT_S) -> Flask:
    """Make the app that renders pages from the core's API on `api_socket`."""
    app = Flask("aetherlens_web", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_FORM_BYTES
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    Htmx(app)
    assets = Assets(Path(__file__).parent / "static")
    app.jinja_env.globals.update(asset=assets.url)
    app.jinja_env.filters.update(power=formats.power, kilowatts=formats.kilowatts, percent=formats.percent)

    @app.before_request
    def _admit() -> None:
        refuse_foreign_posts(request)
        visitor = {name: value for name in PASSED_ON if (value := request.headers.get(name))}
        g.core = Core(CoreClient(api_socket, visitor, timeout_s=api_timeout_s))

    app.after_request(add_headers)
    app.register_blueprint(assets.blueprint())
    app.register_blueprint(home.blueprint)
    app.register_blueprint(devices.blueprint)
    app.register_blueprint(errors.blueprint)
    return app

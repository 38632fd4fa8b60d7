"""The static files, read once at start-up and served under a path that names their content.

One hash stands for the whole folder, so that the modules' relative imports stay inside their own version:
``/static/<version>/js/home.js`` imports ``/static/<version>/js/format.js``.
"""

import gzip
import hashlib
from pathlib import Path

from flask import Blueprint, Response, abort, request

from aetherlens_web.models import Record

#: What browsers load; licences and notes beside the vendored libraries stay on the disk.
SERVED_SUFFIXES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FOREVER = "public, max-age=31536000, immutable"


class Asset(Record, frozen=True, kw_only=True):
    """One file."""

    content_type: str
    body: bytes
    gzipped: bytes


class Assets:
    """All files of a folder."""

    def __init__(self, folder: Path) -> None:
        self._assets: dict[str, Asset] = {}
        digest = hashlib.sha256()
        for path in sorted(folder.rglob("*")):
            if path.suffix in SERVED_SUFFIXES:
                name, body = path.relative_to(folder).as_posix(), path.read_bytes()
                digest.update(name.encode() + b"\0" + body)
                self._assets[name] = Asset(
                    content_type=f"{SERVED_SUFFIXES[path.suffix]}; charset=utf-8",
                    body=body,
                    gzipped=gzip.compress(body, mtime=0),
                )
        #: Changes when any file changes.
        self.version = digest.hexdigest()[:12]

    def url(self, name: str) -> str:
        """The address of a file. Raises KeyError when there is none, so that a misspelt name shows in the tests."""
        return f"/static/{self.version}/{name if name in self._assets else self._assets[name]}"

    def blueprint(self) -> Blueprint:
        """The route that serves the files."""
        blueprint = Blueprint("assets", __name__)
        blueprint.add_url_rule("/static/<version>/<path:name>", "serve", self._serve)
        return blueprint

    def _serve(self, version: str, name: str) -> Response:
        asset = self._assets.get(name) or abort(404)
        accepts_gzip = request.accept_encodings.quality("gzip") > 0
        response = Response(asset.gzipped if accepts_gzip else asset.body, content_type=asset.content_type)
        if accepts_gzip:
            response.content_encoding = "gzip"
        response.vary.add("Accept-Encoding")
        # A page of the previous release may still ask for its files: it gets the new ones, but does not keep them.
        response.headers["Cache-Control"] = FOREVER if version == self.version else "no-cache"
        return response

"""What every answer of the web process says to browsers, and which posts it takes."""

from urllib.parse import urlsplit

from flask import Request, Response, abort

#: No inline script or style, nothing from other hosts, no embedding.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)


def add_headers(response: Response) -> Response:
    """Add the security headers; pages show private data, so they are not stored."""
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    # Not no-referrer: with it browsers send "Origin: null" on our own forms, and refuse_foreign_posts needs the origin.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def refuse_foreign_posts(request: Request) -> None:
    """Abort with 403 when another site's page makes the visitor's browser post here."""
    if request.method in {"GET", "HEAD", "OPTIONS"}:
        return
    # Browsers send Sec-Fetch-Site only to https and localhost; on http://aetherlens.local the origin has to do.
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site not in {None, "same-origin", "none"} or (origin is not None and urlsplit(origin).netloc != request.host):
        abort(403)

"""The HTTP API: routes.py is the whole of it on one page."""

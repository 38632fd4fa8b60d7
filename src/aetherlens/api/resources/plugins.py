"""/plugins: which there are and how they fare."""

from aiohttp import web

from aetherlens.api.requests import check_names, json_response
from aetherlens.plugins.manager import PluginManager


class PluginsResource:
    """Lists plugins."""

    def __init__(self, manager: PluginManager) -> None:
        self._manager = manager

    async def list(self, request: web.Request) -> web.Response:
        """GET /plugins: every installed plugin, its state and the reason for it."""
        check_names(request, set())
        return json_response({"plugins": self._manager.list()})

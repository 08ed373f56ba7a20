"""The tool server: eight tools and the pictures as resources, for any client of the protocol."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from importlib.metadata import version
from typing import Any, ParamSpec, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ToolError
from mcp_types import ToolAnnotations

from indexer.errors import PicfuseError
from ui.cli.output.text import valid
from ui.service.privacy import names_of_paths, without_named
from ui.service.served import Libraries
from ui.tools.looking import Looking
from ui.tools.saving import Saving

P = ParamSpec("P")
R = TypeVar("R")
INSTRUCTIONS = (
    "Searches the user's own pictures. Start with search_pictures: show_picture, similar_pictures "
    "and explain_match take its ids. For dates, places, people, cameras and the like use `where`; "
    "filter_fields lists its fields. Words in `query` describe the picture itself. Look at a "
    "picture with show_picture before you say what it shows. A low confidence means a guess."
)
READS = ToolAnnotations(read_only_hint=True, open_world_hint=False, idempotent_hint=True)
WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)


def create_server(libraries: Libraries, *, allow_write: bool = False) -> MCPServer[Any]:
    """The server over libraries; albums can be saved only with `allow_write`."""
    server: MCPServer[Any] = MCPServer(
        "picfuse",
        title="picfuse",
        instructions=INSTRUCTIONS,
        version=version("picfuse"),
        log_level="WARNING",
    )
    told = _Told(libraries)
    looking = Looking(libraries, may_save=allow_write)
    for tool in (
        looking.search_pictures,
        looking.similar_pictures,
        looking.filter_fields,
        looking.explain_match,
        looking.library_status,
        looking.list_albums,
    ):
        server.add_tool(told.as_tool(tool), annotations=READS)
    server.add_tool(told.as_tool(looking.show_picture), annotations=READS, structured_output=False)
    if allow_write:
        server.add_tool(told.as_tool(Saving(libraries).save_album), annotations=WRITES)
    server.resource(
        "picfuse://{library}/pictures/{id}",
        name="picture",
        title="A picture of a library",
        description="The picture as JPEG, at most 1,200 pixels long. Ids come with search results.",
        mime_type="image/jpeg",
    )(told.as_resource(looking.picture_resource))
    return server


class _Told:
    """Errors of picfuse as errors of the protocol, without paths of the machine."""

    def __init__(self, libraries: Libraries) -> None:
        self._libraries = libraries

    def as_tool(self, tool: Callable[P, R]) -> Callable[P, R]:
        """The tool; a model reads the remedy of its errors."""
        return self._wrapped(tool, ToolError)

    def as_resource(self, resource: Callable[P, R]) -> Callable[P, R]:
        """The resource, likewise."""
        return self._wrapped(resource, ResourceError)

    def _wrapped(self, call: Callable[P, R], error: type[Exception]) -> Callable[P, R]:
        @wraps(call)
        def called(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return call(*args, **kwargs)
            except PicfuseError as problem:
                raise error(self._message(problem)) from None

        return called

    def _message(self, problem: PicfuseError) -> str:
        return valid(without_named(str(problem), names_of_paths(self._libraries)))

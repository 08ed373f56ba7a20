"""Assistants search, look at and explain pictures, by the protocol of their tools."""

import io
import json
import sys
from base64 import b64decode
from functools import partial

import anyio
import pytest
from command_line import GOLDEN, command, run
from mcp import Client, MCPError, StdioServerParameters
from PIL import Image

from ui.service.served import Libraries
from ui.tools.server import create_server

TOOLS = [
    "search_pictures", "similar_pictures", "filter_fields", "explain_match", "library_status",
    "list_albums", "show_picture",
]  # fmt: skip


@pytest.fixture
def libraries(colour_library):
    """One library: red, green and blue; black and yellow with captions."""
    opened = Libraries({"colours": colour_library.path}, lambda kind, size: None)
    yield opened
    opened.close()


def talk(server, steps):
    """What a client gets for each step, an awaitable of the client."""

    async def spoken():
        async with Client(server) as client:
            return [await step(client) for step in steps]

    return anyio.run(spoken)


def calling(tool, /, **arguments):
    return lambda client: client.call_tool(tool, arguments)


def reading(uri):
    return lambda client: client.read_resource(uri)


def refusal(uri):
    """The error of reading a resource."""

    async def refused(client):
        with pytest.raises(MCPError) as error:
            await client.read_resource(uri)
        return str(error.value)

    return refused


def call(server, tool, /, **arguments):
    """What a tool answers."""
    return talk(server, [calling(tool, **arguments)])[0]


CONVERSATION = [
    ("library_status", {}),
    ("search_pictures", {"query": "a red wall", "k": 2}),
    ("search_pictures", {"where": "has: caption", "k": 1, "offset": 1}),
    ("search_pictures", {"query": "sklrth"}),
    ("similar_pictures", {"id": 1, "k": 1}),
    ("explain_match", {"id": 1, "query": "blue boat -red"}),
    ("save_album", {"name": "boats", "query": "a boat", "k": 3}),
    ("save_album", {"name": "boats", "query": "a boat"}),
    ("list_albums", {}),
    ("search_pictures", {"where": "colour: red"}),
    ("search_pictures", {"query": "red", "library": "other"}),
    ("show_picture", {"id": 99}),
]


def test_conversation_with_an_assistant(libraries):
    server = create_server(libraries, allow_write=True)
    answers = talk(server, [calling(name, **arguments) for name, arguments in CONVERSATION])
    lines = []
    for (name, arguments), answer in zip(CONVERSATION, answers, strict=True):
        lines += [f"> {name} {json.dumps(arguments)}"]
        lines += [f"error: {answer.content[0].text}" if answer.is_error else answer.content[0].text]
        if not answer.is_error:
            assert json.loads(answer.content[0].text) == answer.structured_content
    golden = GOLDEN / "test_conversation_with_an_assistant.txt"
    assert "\n".join(lines) + "\n" == golden.read_text("utf-8")


def test_tools_and_their_schemas(libraries):
    looking = talk(create_server(libraries), [lambda client: client.list_tools()])[0].tools
    assert [tool.name for tool in looking] == TOOLS
    writing = talk(create_server(libraries, allow_write=True), [lambda c: c.list_tools()])[0].tools
    assert [tool.name for tool in writing] == [*TOOLS, "save_album"]
    for tool in writing:
        assert tool.description, tool.name
        assert tool.annotations.read_only_hint is (tool.name != "save_album")
        for name, schema in tool.input_schema.get("properties", {}).items():
            assert schema.get("description") or name in ("name",), (tool.name, name)


def test_picture_is_shown_in_a_bounded_size(libraries, pictures):
    server = create_server(libraries)
    Image.new("RGB", (3000, 2000), "red").save(pictures / "large.jpg")
    run("index", pictures, "--library", next(iter(libraries)).path)
    text, image = call(server, "show_picture", id=6, size=300).content
    assert text.text == "Picture 6: large.jpg, 3000 x 2000 pixels"
    with Image.open(io.BytesIO(b64decode(image.data))) as shown:
        assert (shown.format, shown.size) == ("JPEG", (300, 200))
    (resource,) = talk(server, [reading("picfuse://colours/pictures/6")])[0].contents
    with Image.open(io.BytesIO(b64decode(resource.blob))) as shown:
        assert (resource.mime_type, shown.size) == ("image/jpeg", (1200, 800))
    missing = ("picfuse://colours/pictures/99", "picfuse://other/pictures/1")
    said = talk(server, [refusal(uri) for uri in missing])
    assert ["no picture 99" in said[0], "there are: colours" in said[1]] == [True, True]


def test_fields_name_what_the_library_has(libraries):
    fields = call(create_server(libraries), "filter_fields").structured_content
    assert {"taken", "place", "person"} <= fields["fields"].keys()
    assert fields["people"] == fields["places"] == fields["tags"] == []


def test_no_answer_of_a_tool_tells_a_path(libraries, tmp_path):
    server = create_server(libraries)
    named = [("library_status", {}), ("search_pictures", {"query": "red"}), ("filter_fields", {})]
    texts = [str(one) for one in talk(server, [calling(name, **kw) for name, kw in named])]
    (tmp_path / "library" / "catalogue.sqlite").unlink()
    texts.append(call(server, "library_status").content[0].text)
    assert "library 'colours'" in texts[-1]
    assert not [text for text in texts if str(tmp_path) in text]


def test_command_speaks_on_standard_streams(colour_library, subprocess_environment):
    words = command("mcp", "--library", colour_library.path)
    server = StdioServerParameters(
        command=sys.executable, args=words[1:], env=subprocess_environment
    )
    search = calling("search_pictures", query="red", k=1)
    found = anyio.run(partial(_spoken, server, search)).structured_content
    assert found["pictures"][0]["name"] == "red.png"


async def _spoken(server, step):
    async with Client(server) as client:
        return await step(client)

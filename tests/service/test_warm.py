"""`picfuse search` answers through a warm service as it does without one, or by itself."""

import socket
import threading
from contextlib import ExitStack
from functools import partial

import pytest
from command_line import run

from indexer import Library
from search import Searcher
from ui.cli.commands.answering import warm_status
from ui.warm import client
from ui.warm.place import socket_path
from ui.warm.server import WarmServer, answering_commands


@pytest.fixture(autouse=True)
def runtime(short_folder, monkeypatch):
    """A runtime directory of this test."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short_folder))
    return short_folder / "picfuse"


@pytest.fixture
def home(colour_library):
    """The path of a library: red, green and blue; black and yellow with captions."""
    return colour_library.path


@pytest.fixture
def warm(home):
    """Commands that a warm service of the library has answered."""
    answered = []
    with Library.open(home, read_only=True) as opened, ExitStack() as stack:
        searcher = Searcher(opened)

        def answer(command):
            status = warm_status(searcher, command)
            answered.append(status)
            return status

        stack.enter_context(answering_commands({home: answer}))
        yield answered


SAME = [
    ("red",),
    ("red", "-green", "--explain"),
    ("blue", "boat", "--json"),
    ("red", "--jsonl", "-k", 2),
    ("red", "-0", "--page", 2, "-k", 2),
    ("--where", "has: caption and modified > 1/2/2003"),
    ("sklrth",),
    ("boat", "--mode", "words"),
]
ALONE = [  # a file of the client, errors, and who does not want it
    ("{pictures}/red.png",),
    ("@-",),
    ("red", "--like", "{pictures}/blue.png"),
    ("--where", "colour: red"),
    ("red", "-"),
    ("red", "--page", 2, "--offset", 3),
    ("red", "--no-service"),
]


def printed(words, home, pictures):
    words = [str(word).format(pictures=pictures) for word in words]
    result = run("search", *words, "--library", home, input=(pictures / "red.png").read_bytes())
    out = result.stdout if "--json" not in words else result.stdout.partition('"elapsed')[0]
    return out, result.stderr, result.exit_code


def test_warm_answer_is_the_cold_one(warm, home, colour_pictures):
    for words in SAME:
        cold = printed((*words, "--no-service"), home, colour_pictures)
        assert not warm
        assert printed(words, home, colour_pictures) == cold, words
        assert len(warm) == 1, words
        warm.clear()


def test_what_a_service_does_not_take_is_answered_here(warm, home, colour_pictures):
    for words in ALONE:
        cold = printed((*words, "--no-service"), home, colour_pictures)
        assert printed(words, home, colour_pictures) == cold, words
        assert not [status for status in warm if status is not None], words


def test_socket_is_of_this_user_alone_and_goes_with_the_service(home, runtime):
    with answering_commands({home: lambda command: 0}) as (path,):
        assert path == socket_path(home)
        modes = [oct(one.stat().st_mode & 0o777) for one in (runtime, path)]
        assert modes == ["0o700", "0o600"]
        with answering_commands({home: lambda command: 1}) as second:
            assert second == []
        assert client.ask(home, {}).status == 0
    assert not path.exists()


def test_stale_foreign_and_other_sockets_are_ignored(home, runtime, monkeypatch):
    path = socket_path(home)
    ask = partial(client.ask, home, {})
    runtime.mkdir(0o700)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    assert ask() is None
    with answering_commands({home: lambda command: 5}) as made:
        assert made == [path]
        assert ask().status == 5
        monkeypatch.setattr(client, "installation", lambda: "another version")
        assert ask() is None
        monkeypatch.undo()
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime.parent))
        runtime.chmod(0o777)
        assert ask() is None
        with answering_commands({home / "other": lambda command: 5}) as none:
            assert none == []


def test_service_goes_on_without_a_socket_that_cannot_be_made(home, runtime, monkeypatch):
    def full(server):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(WarmServer, "server_bind", full)
    with answering_commands({home: lambda command: 0}) as made:
        assert made == []


def test_reply_that_is_none_is_ignored(home, runtime):
    runtime.mkdir(0o700)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(socket_path(home)))
        server.listen(1)

        def nonsense():
            other, _ = server.accept()
            with other:
                other.recv(10_000)
                other.sendall(b'{"status": "x"}\n')

        thread = threading.Thread(target=nonsense)
        thread.start()
        assert client.ask(home, {}) is None
        thread.join(10)

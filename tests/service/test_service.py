"""The service answers as the command line does, to those who may ask, and refuses all else."""

import json
import os
import shutil
import socket
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from command_line import answered, index_colours, run
from odd_pictures import png_claiming
from running_service import HOST, address_of, client_of

from search.remote import RemoteSearcher
from ui.cli.options.serving import libraries_by_name
from ui.service.responses import FoundAnswer
from ui.service.settings import Limits


@pytest.fixture
def home(colour_library):
    """The path of a library: red, green and blue; black and yellow with captions."""
    return colour_library.path


@pytest.fixture
def client(home):
    """A client of a service that tells no paths."""
    with client_of(home) as opened:
        yield opened


def sent(content: bytes) -> dict[str, str]:
    """A picture as it is sent in JSON."""
    return {"data": b64encode(content).decode()}


def without_time(answer: dict) -> dict:
    return answer | {"elapsed_ms": 0}


SEARCHES = {
    "words": (["red"], {"query": "red"}),
    "minus": (["red", "-green"], {"query": "red -green"}),
    "another language": (["ein", "roter", "Hund"], {"query": "ein roter Hund"}),
    "one text": (["red - green", "--literal"], {"query": "red - green", "literal": True}),
    "a weight": (["blue", "--weight", 0], {"query": "blue", "weight": 0}),
    "explained": (["blue", "-red", "--explain"], {"query": "blue -red", "explain": True}),
    "a page": (["red", "-k", 2, "--offset", 2], {"query": "red", "k": 2, "offset": 2}),
    "words alone": (["boat", "--mode", "words"], {"query": "boat", "mode": "words"}),
    "a condition": (["--where", "has: caption"], {"where": "has: caption"}),
    "a date": (["--where", "modified > 1/2/2003"], {"where": "modified > 1/2/2003"}),
    "doubtful hits": (["sklrth", "--all"], {"query": "sklrth", "all": True}),
    "marks": (["red", "--like", "{blue}"], {"query": "red", "like": ["{blue}"]}),
    "diverse": (["red", "--diversity", 0.5], {"query": "red", "diverse": 0.5}),
}


def test_an_answer_is_what_the_command_line_prints(home, colour_pictures):
    blue = colour_pictures / "blue.png"
    with client_of(home, paths=True) as client:
        for name, (words, asked) in SEARCHES.items():
            words = [blue if word == "{blue}" else word for word in words]
            asked = asked | ({"like": [sent(blue.read_bytes())]} if "like" in asked else {})
            printed = answered("search", *words, "--library", home)
            response = client.post("/search", json=asked)
            assert response.status_code == 200, (name, response.text)
            assert without_time(response.json()) == without_time(printed), name
            FoundAnswer.model_validate(printed)
        status = client.get("/status").json()
    assert status == answered("status", "--library", home)


def test_every_endpoint_answers(client, home, colour_pictures):
    run("album", "reds", "red", "--library", home)
    run("album", "picked / red", "--add", colour_pictures / "red.png", "--library", home)
    red = (colour_pictures / "red.png").read_bytes()
    first = client.post("/search", json={"query": "red", "k": 1}).json()["hits"][0]
    assert first["name"] == "red.png"
    key = first["id"]
    asked = {
        "similar": client.post("/similar", json={"id": key, "k": 9}),
        "ids": client.post("/ids", json={"where": "has: caption"}),
        "explain": client.post("/explain", json={"id": key, "query": "blue"}),
        "embed": client.post("/embed", json={"texts": ["red"], "pictures": [sent(red)]}),
        "upload": client.post(
            "/search/upload", data={"k": "1", "query": "red"}, files={"picture": red}
        ),
        "picture": client.get(f"/pictures/{key}"),
        "libraries": client.get("/libraries"),
        "tags": client.get("/tags"),
        "filters": client.get("/filters"),
        "albums": client.get("/albums"),
        "album": client.get("/albums/reds", params={"k": 1}),
        "picked": client.get("/albums/picked / red"),
        "duplicates": client.get("/duplicates"),
        "health": client.get("/health"),
    }
    assert {name: r.status_code for name, r in asked.items()} == dict.fromkeys(asked, 200)
    found = {name: r.json() for name, r in asked.items()}
    assert key not in [hit["id"] for hit in found["similar"]["hits"]]
    assert len(found["ids"]["ids"]) == 2
    assert found["explain"]["id"] == key
    assert found["explain"]["explanation"]["terms"][0]["text"] == "blue"
    assert found["embed"]["texts"] == [[1, 0, 0, 0, 0]]
    assert found["embed"]["pictures"] == [[1, 0, 0, 0, 0]]
    assert len(found["upload"]["hits"]) == 1
    assert (found["picture"]["name"], found["picture"]["width"]) == ("red.png", 16)
    assert found["libraries"] == {"libraries": ["colours"]}
    assert "taken" in found["filters"]["fields"]
    assert [album["album"] for album in found["albums"]["albums"]] == ["picked / red", "reds"]
    assert [hit["name"] for hit in found["picked"]["hits"]] == ["red.png"]
    assert len(found["album"]["hits"]) == 1
    for name in ("thumbnail", "view", "original"):
        image = client.get(found["picture"]["links"][name])
        assert image.headers["content-type"] in ("image/jpeg", "image/png"), image.text
    assert image.content == red
    assert 'picfuse_pictures{library="colours"} 5.0' in client.get("/metrics").text


BAD = {
    "no JSON": (b"{", 422, "the body is no JSON"),
    "a list": ([], 422, "valid dictionary"),
    "a misspelt field": ({"qurey": "red"}, 422, "qurey: Extra inputs"),
    "nothing": ({}, 400, "an empty query"),
    "10 MB of words": ({"query": "red " * 2_500_000}, 422, "at most 4000 characters"),
    "too many hits": ({"query": "red", "k": 10**9}, 422, "k: Input should be less"),
    "a dangling sign": ({"query": "red -"}, 400, "a term is missing at the end"),
    "a false condition": ({"where": "colour: red"}, 400, "\"where: no field 'colour'"),
    "a condition without end": ({"where": "(width > 3"}, 400, "where"),
    "an unknown tag": ({"tags": ["joyful"]}, 400, "joyful"),
    "an id that is not there": ({"terms": [{"picture": {"id": 99}}]}, 400, "picture 99"),
    "a URL": ({"query": "http://localhost/x.jpg"}, 400, "fetches nothing (--allow-urls)"),
    "a file of the machine": ({"query": "/etc/passwd.jpg", "mode": "vector"}, 200, ""),
    "two kinds at once": ({"terms": [{"text": "a", "picture": {"id": 1}}]}, 422, "give either"),
    "no base64": ({"terms": [{"picture": {"data": "%%%"}}]}, 422, "terms.0.picture.data"),
    "no picture": ({"terms": [{"picture": sent(b"red")}]}, 400, "the picture: "),
    "terms that cancel out": ({"query": "red -red"}, 400, "cancel out"),
    "not a number": (b'{"query": "red", "weight": NaN}', 422, "weight"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_request_is_told_what_is_wrong(client, case):
    body, status, said = BAD[case]
    content = body if isinstance(body, bytes) else json.dumps(body)
    response = client.post("/search", content=content, headers={"Content-Type": "application/json"})
    assert response.status_code == status, response.text
    assert said in response.text
    assert len(response.text) < 5000
    if status != 200:
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["status"] == status


def test_picture_bomb_costs_only_itself(client, tmp_path):
    bomb = png_claiming(tmp_path / "bomb.png", 30_000, 30_000).read_bytes()
    response = client.post("/search", json={"terms": [{"picture": sent(bomb)}]})
    assert (response.status_code, "pixels" in response.json()["detail"]) == (400, True)
    assert client.post("/search", json={"query": "red"}).status_code == 200


def test_what_is_not_there_is_not_found(client):
    for address in ("/pictures/99", "/pictures/99/view", "/albums/none", "/nothing"):
        response = client.get(address)
        assert (response.status_code, response.json()["status"]) == (404, 404), address
    unknown = client.get("/status", params={"library": "other"})
    assert unknown.status_code == 400
    assert "there are: colours" in unknown.json()["detail"]
    assert client.post("/similar", json={"id": 99}).status_code == 404
    assert client.post("/index").status_code == 403


def test_no_answer_tells_a_path(client, home, colour_pictures):
    run("album", "all", "--where", f'folder: "{colour_pictures}"', "--library", home)
    addresses = ["/status", "/duplicates", "/albums", "/albums/all", "/pictures/1", "/tags"]
    texts = [client.get(address).text for address in addresses]
    assert 'folder: \\"pictures\\"' in texts[2]
    for asked in ({"query": "red", "fold": True}, {"terms": [{"picture": {"id": 1}}]}):
        texts.append(client.post("/search", json=asked).text)
    (colour_pictures / "red.png").unlink()
    texts.append(client.get("/pictures/1/original").text)
    shutil.rmtree(home)
    texts.append(client.get("/status").text)
    assert "library 'colours'" in texts[-1]
    assert not [text for text in texts if str(home.parent) in text]


def test_who_may_not_ask_is_refused(home):
    asked = {"json": {"query": "red"}}
    with client_of(home, token="secret", limits=Limits(rate=2)) as client:
        key = {"Authorization": "Bearer secret"}
        refused = {
            401: client.post("/search", **asked),
            403: client.post("/search", **asked, headers=key | {"Origin": "https://evil.test"}),
            421: client.post("/search", **asked, headers=key | {"Host": "evil.test"}),
        }
        assert {status: r.status_code for status, r in refused.items()} == {
            status: status for status in refused
        }
        assert client.get("/status", headers={"Authorization": "Bearer wrong"}).status_code == 401
        for origin in ("http://[", "null"):
            odd = client.get("/status", headers=key | {"Origin": origin})
            assert odd.status_code == 403
        other_port = key | {"Origin": f"http://{HOST}:1"}
        assert client.get("/status", headers=other_port).status_code == 403
        assert client.get("/health").status_code == 200
        for host in (HOST.upper() + ".", "127.0.0.1:8600"):
            assert client.get("/health", headers={"Host": host}).status_code == 200
        several = [client.get("/libraries", headers=key).status_code for _ in range(6)]
        assert (several[0], several[-1]) == (200, 429)


def test_limits_of_body_time_and_waiting(home):
    with client_of(home, limits=Limits(body=1000, waiting=0)) as client:
        large = client.post("/search", json={"query": "red", "tags": ["x" * 99] * 20})
        assert large.status_code == 413, large.text
        waiting = client.post("/search", json={"query": "red"})
        assert (waiting.status_code, waiting.headers["retry-after"]) == (503, "1")
    with client_of(home, limits=Limits(seconds=1e-9)) as client:
        assert client.post("/search", json={"query": "red"}).status_code == 503


def test_slow_and_half_bodies_hold_up_nobody(home):
    with address_of(home, limits=Limits(body_seconds=0.2)) as address:
        port = int(address.rpartition(":")[2])
        head = b"POST /search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n\r\n{"
        with closing(socket.create_connection(("127.0.0.1", port))) as half:
            half.sendall(head)
        with closing(socket.create_connection(("127.0.0.1", port), timeout=20)) as slow:
            slow.sendall(head)
            assert b"408" in slow.recv(200)


def test_library_that_changes_is_searched_as_it_is(client, home, paint, colour_pictures):
    def found():
        hits = client.post("/search", json={"query": "red", "k": 9, "all": True}).json()["hits"]
        return {hit["name"] for hit in hits}

    before = found()
    paint("purple.png")
    index_colours(colour_pictures, home)
    assert found() == before | {"purple.png"}
    shutil.rmtree(home)
    paint("white.png")
    index_colours(colour_pictures, home)
    assert found() == before | {"purple.png", "white.png"}


def test_many_clients_get_their_own_answers_while_the_library_is_indexed(
    home, paint, colour_pictures
):
    colours = ["red", "green", "blue"] * 12
    with address_of(home) as address, ThreadPoolExecutor(8) as pool:

        def first(colour):
            with RemoteSearcher(address) as searcher:
                hits = searcher.search(f"a {colour} wall", weight=1, k=1).hits
            return hits[0].path.stem

        found = pool.map(first, colours)
        paint("purple.png")
        index_colours(colour_pictures, home)
        assert list(found) == colours


def test_name_that_is_not_utf8_is_answered(client, home, paint, colour_pictures):
    paint(os.fsdecode(b"blue-\xff.png"))
    index_colours(colour_pictures, home)
    hits = client.post("/search", json={"query": "blue", "weight": 1, "fold": False}).json()["hits"]
    assert {hits[0]["name"], hits[1]["name"]} == {"blue.png", "blue-\ufffd.png"}


def test_job_indexes_and_is_followed_by_events(home, paint):
    paint("purple.png")
    with client_of(home, index=True) as client:
        started = client.post("/index")
        assert started.status_code == 202
        place = started.headers["location"]
        events = client.get(f"{place}/events").text
        last = json.loads(events.strip().split("\n\n")[-1].partition("data: ")[2])
        assert (last["state"], last["added"], last["error"]) == ("done", 1, None)
        assert client.get(place).json() == last
        assert client.delete(place).json()["state"] == "done"
        for address in ("/jobs/99", "/jobs/99/events"):
            assert client.get(address).status_code == 404
        assert client.get("/pictures/6").json()["name"] == "purple.png"


def test_addresses_that_strangers_reach_need_a_token(home, tmp_path):
    refused = run("serve", "--host", "0.0.0.0", "--library", home)
    assert (refused.exit_code, "give a token" in refused.stderr) == (2, True)
    empty = tmp_path / "token"
    empty.touch()
    refused = run("serve", "--host", "0.0.0.0", "--library", home, "--token-file", empty)
    assert "has no token" in refused.stderr
    twice = run("serve", "--library", f"a={home}", "--library", f"a={os.fspath(home)}")
    assert "two libraries are named 'a'" in twice.stderr


@pytest.mark.parametrize(("name", "extra"), [("serve", "serve"), ("mcp", "mcp")])
def test_missing_extra_is_named(home, name, extra, monkeypatch):
    monkeypatch.setattr("ui.cli.commands.serve.find_spec", lambda package: None)
    refused = run(name, "--library", home)
    assert (refused.exit_code, f"pip install 'picfuse[{extra}]'" in refused.stderr) == (3, True)


def test_library_of_the_environment_may_have_spaces_in_its_name(monkeypatch, tmp_path):
    monkeypatch.setenv("PICFUSE_LIBRARY", str(tmp_path / "my pictures"))
    assert libraries_by_name(()) == {"library": tmp_path / "my pictures"}
    named = libraries_by_name(("a=~/x", str(tmp_path / "b")))
    assert list(named) == ["a", "b"]
    monkeypatch.chdir(tmp_path)
    assert list(libraries_by_name((".", "b=~/x"))) == [tmp_path.name, "b"]
    assert named["a"].is_absolute()

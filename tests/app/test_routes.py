"""The routes over a library, asked as a page does and as somebody would who means harm."""

from __future__ import annotations

import io
import os
import shutil
import time
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from types import SimpleNamespace

import pytest
from faults import decoding_here
from PIL import Image
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from indexer import IndexOptions, Library, index_folder
from indexer.encoders.registry import BUILT_IN
from search.browsing.picked import add_pictures, set_favourites
from ui.views.options import HOSTS
from ui.web.answers import answers
from ui.web.guard import Guard
from ui.web.libraries import KeptLibrary
from ui.web.login import COOKIE, LOGIN, Login, Tries, random_password
from ui.web.pictures import SIDES
from ui.web.routes import picture_routes

PASSWORD = "correct horse"
HOME = "http://localhost:8501"
PLAIN, TURNED, INNER = "IMG_2.jpg", "img_10.jpg", "a & b/img_10.jpg"


def made_shelf(place):
    """A library of a large wide picture, a turned one with a date, and a captioned blue one."""
    pictures = place / "pictures"
    (pictures / "a & b").mkdir(parents=True)
    Image.new("RGB", (3000, 1500), "red").save(pictures / PLAIN)
    os.utime(pictures / PLAIN, (1, 1))
    turned = Image.new("RGB", (40, 20), "green")
    exif = turned.getexif()
    exif[0x0112], exif[0x0110] = 6, "Cam 5"
    exif.get_ifd(0x8769)[0x9003] = "2021:05:03 10:00:00"
    turned.save(pictures / TURNED, exif=exif)
    Image.new("RGB", (16, 12), "blue").save(pictures / INNER)
    (pictures / INNER).with_suffix(".txt").write_text("A blue wall <b>")
    library = Library.create(place / "library", encoder="colour")
    with decoding_here():
        assert not index_folder(library, pictures, options=IndexOptions(workers=1)).failed
    paths = {p.id: p.path for p in library.catalogue.pictures(range(9)).values()}
    ids = {str(path.relative_to(pictures)): key for key, path in paths.items()}
    hashes = library.catalogue.hashes_of(paths)
    add_pictures(library, "Trip", [ids[INNER], ids[PLAIN]])
    set_favourites(library, [ids[TURNED]], on=True)
    client = TestClient(Starlette(routes=picture_routes(KeptLibrary(library.path))), HOME)
    return SimpleNamespace(
        client=client,
        get=client.get,
        library=library,
        folder=pictures,
        ids=ids,
        paths=paths,
        hashes={key: content.hex() for key, (content, _) in hashes.items()},
    )


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """One that tests only ask."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BUILT_IN, "colour", "colour_encoder:open_encoder")
        made = made_shelf(tmp_path_factory.mktemp("shelf"))
        yield made
        made.library.close()


@pytest.fixture
def own_shelf(tmp_path):
    """One that a test may change."""
    made = made_shelf(tmp_path)
    yield made
    made.library.close()


def address(shelf, name, route="thumb", query=""):
    key = shelf.ids[name]
    return f"/pf/{route}/{key}/{shelf.hashes[key]}{query}"


def image(response) -> Image.Image:
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == "image/jpeg"
    return Image.open(io.BytesIO(response.content))


def test_pictures_come_upright_at_a_size_for_ever(shelf):
    assert image(shelf.get(address(shelf, PLAIN))).size == (320, 160)
    assert image(shelf.get(address(shelf, TURNED, "view"))).size == (20, 40)
    for asked, side in ((1, 256), (257, 512), (1500, 1600), (9999, 3000)):
        found = image(shelf.get(address(shelf, PLAIN, "view", f"?side={asked}")))
        assert max(found.size) == side
        assert side in (*SIDES, 3000)
    response = shelf.get(address(shelf, PLAIN, "view"))
    assert response.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    again = {"If-None-Match": response.headers["ETag"]}
    assert shelf.get(address(shelf, PLAIN, "view"), headers=again).status_code == 304


def test_original_is_the_file_under_its_name(shelf):
    response = shelf.get(address(shelf, INNER, "original"))
    assert response.content == shelf.paths[shelf.ids[INNER]].read_bytes()
    said = response.headers["Content-Disposition"]
    assert said == "attachment; filename=\"img_10.jpg\"; filename*=UTF-8''img_10.jpg"


@pytest.mark.parametrize("route", ["thumb", "view", "original", "details"])
@pytest.mark.parametrize(
    "path",
    [
        "{id}/{other}", "{id}/{hash}x", "{id}/", "{id}", "999/{hash}", "-{id}/{hash}", "0/{hash}",
        "9223372036854775808/{hash}", "1e3/{hash}", "{id}/../{hash}", "{id}/..%2f{hash}",
        "%2e%2e%2f{id}/{hash}", "{id}%00/{hash}", "{id}/{HASH}", "{id}/{hash}/",
        "{file}", "/{file}",
    ],
)  # fmt: skip
def test_nothing_is_sent_but_a_picture_by_its_id_and_hash(shelf, route, path):
    (first, content), (_, other) = sorted(shelf.hashes.items())[:2]
    file = shelf.paths[first]
    values = {"id": first, "hash": content, "HASH": content.upper(), "other": other, "file": file}
    if (route, path) != ("details", "{id}"):
        response = shelf.get(f"/pf/{route}/{path.format(**values)}", follow_redirects=False)
        assert response.status_code in (400, 404)
        assert response.headers["Content-Type"] == "application/problem+json"


def test_file_that_became_another_is_not_sent(own_shelf, tmp_path):
    key = own_shelf.ids[PLAIN]
    secret = tmp_path / "secret.jpg"
    Image.new("RGB", (9, 9), "white").save(secret)
    for swap in (lambda path: path.symlink_to(secret), lambda path: shutil.copy(secret, path)):
        own_shelf.paths[key].unlink()
        swap(own_shelf.paths[key])
        shutil.rmtree(own_shelf.library.thumbnails, ignore_errors=True)
        for route in ("thumb", "view", "original"):
            response = own_shelf.get(address(own_shelf, PLAIN, route))
            assert (response.status_code, "has changed" in response.text) == (404, True)
        sent = own_shelf.client.post("/pf/zip", json={"ids": [key]})
        with zipfile.ZipFile(io.BytesIO(sent.content)) as archive:
            assert archive.namelist() == ["NOT INCLUDED.txt"]


def test_thumbnail_of_a_picture_that_is_gone_is_shown_still(own_shelf):
    own_shelf.paths[own_shelf.ids[PLAIN]].unlink()
    assert image(own_shelf.get(address(own_shelf, PLAIN))).size == (320, 160)
    assert "no such file" in own_shelf.get(address(own_shelf, PLAIN, "view")).text


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({}, [TURNED, INNER, PLAIN]),  # by date, then by the time of the file
        ({"reverse": "1"}, [TURNED, PLAIN, INNER]),
        ({"order": "name"}, [TURNED, INNER, PLAIN]),
        ({"order": "folder"}, [TURNED, PLAIN, INNER]),
        ({"order": "folder", "reverse": "1"}, [INNER, PLAIN, TURNED]),
        ({"where": "camera: cam"}, [TURNED]),
        ({"folder": "a & b"}, [INNER]),
        ({"folder": "a & b", "where": "camera: cam or has: date"}, []),
        ({"album": "Trip"}, [INNER, PLAIN]),
        ({"album": "Trip", "order": "name", "reverse": "1"}, [PLAIN, INNER]),
        ({"where": 'album: Favourites or album: "trip" and file: img_2'}, [TURNED, PLAIN]),
    ],
)
def test_list_has_all_its_pictures_in_order(shelf, asked, names):
    asked = asked | ({"folder": f"{shelf.folder}/{asked['folder']}"} if "folder" in asked else {})
    found = shelf.get("/pf/columns", params=asked).json()
    assert found.pop("ids") == [shelf.ids[name] for name in names]
    aspects, dated = {PLAIN: 2, TURNED: 0.5, INNER: 1.333}, {TURNED: "2021-05-03"}
    assert found == {
        "version": shelf.library.generation,
        "total": len(names),
        "hashes": [shelf.hashes[shelf.ids[name]] for name in names],
        "aspects": [aspects[name] for name in names],
        "days": [dated.get(name) for name in names],
    }


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("columns?order=size", "none of taken, added, name, folder"),
        ("columns?where=colour:red", "no field 'colour'"),
        ("columns?where=taken:06/05/2021&dates=X", "none of DMY, MDY, YMD"),
        ("columns?where=album:Rome", "there are Favourites, Trip"),
        ("columns?album=Rome", "existing ones: Favourites, Trip"),
        ("view/{id}/{hash}?side=huge", "a number of pixels"),
        ("view/{id}/{hash}?side=99999999999999999999", "a number of pixels"),
    ],
)
def test_wrong_question_is_answered_with_the_remedy(shelf, path, said):
    key = shelf.ids[PLAIN]
    response = shelf.get(f"/pf/{path.format(id=key, hash=shelf.hashes[key])}")
    assert response.status_code == 400
    assert said in response.json()["detail"]


def test_list_is_sent_again_only_when_it_changes(own_shelf):
    first = own_shelf.get("/pf/columns")
    known = {"If-None-Match": first.headers["ETag"]}
    assert own_shelf.get("/pf/columns", headers=known).status_code == 304
    add_pictures(own_shelf.library, "Trip", [2])
    assert own_shelf.get("/pf/columns", headers=known).json()["version"] > first.json()["version"]
    plain = own_shelf.get("/pf/columns", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert plain.json() == own_shelf.get("/pf/columns").json()


def test_details_say_all_that_is_known(shelf):
    turned = shelf.get(f"/pf/details/{shelf.ids[TURNED]}").json()
    assert turned["taken"].startswith("2021-05-03")
    assert (turned["camera"], turned["width"], turned["height"]) == ("Cam 5", 20, 40)
    assert (turned["albums"], turned["favourite"]) == ([], True)
    inner = shelf.get(f"/pf/details/{shelf.ids[INNER]}").json()
    assert (inner["name"], inner["folder"]) == ("img_10.jpg", str(shelf.folder / "a & b"))
    assert [caption["text"] for caption in inner["captions"]] == ["A blue wall <b>"]
    assert (inner["albums"], inner["favourite"], inner["taken"]) == (["Trip"], False, None)


def test_facets_count_and_their_conditions_find(shelf):
    found = shelf.get("/pf/facets").json()
    (folder,) = found["folders"]
    (inner,) = folder["folders"]
    assert [album["name"] for album in found["albums"]] == ["Favourites", "Trip"]
    assert found["albums"][1]["cover"] == {
        "id": shelf.ids[INNER], "hash": shelf.hashes[shelf.ids[INNER]],
    }  # fmt: skip
    named = [folder, inner, *found["albums"], *found["years"], *found["cameras"]]
    assert [facet["pictures"] for facet in named] == [3, 1, 1, 2, 1, 1]
    for facet in named:
        matched = shelf.get("/pf/columns", params={"where": facet["where"]}).json()
        assert matched["total"] == facet["pictures"], facet


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("tr", [("Trip", "album")]),
        ("2021", [("2021", "year")]),
        ("B", [("a & b", "folder")]),
        ("cÁm", [("Cam 5", "camera")]),
        ("zebra", []),
        ("%", []),
        ("x" * 9999, []),
    ],
)
def test_names_that_begin_so_are_suggested(shelf, typed, names):
    found = shelf.get("/pf/suggest", params={"q": typed}).json()
    assert [(one["name"], one["kind"]) for one in found["names"]] == names
    assert found["examples"] == []


def test_captions_are_examples_where_nothing_is_typed(shelf):
    assert shelf.get("/pf/suggest").json() == {"names": [], "examples": ["A blue wall <b>"]}


def test_zip_has_the_files_under_names_of_their_own_and_says_what_is_missing(own_shelf):
    own_shelf.paths[own_shelf.ids[PLAIN]].unlink()
    ids = [own_shelf.ids[name] for name in (TURNED, INNER, PLAIN)]
    as_form = {"data": {"ids": ",".join(map(str, [*ids, ids[0], 77]))}}
    for sent in (as_form, {"json": {"ids": [*ids, 77]}}):
        response = own_shelf.client.post("/pf/zip", **sent)
        assert "pictures.zip" in response.headers["Content-Disposition"]
        with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
            assert archive.testzip() is None
            assert archive.namelist() == ["img_10.jpg", "img_10 (2).jpg", "NOT INCLUDED.txt"]
            inner = own_shelf.paths[own_shelf.ids[INNER]].read_bytes()
            assert archive.read("img_10 (2).jpg") == inner
            lost = archive.read("NOT INCLUDED.txt").decode().splitlines()
        assert [PLAIN in lost[0], "picture 77" in lost[1], len(lost)] == [True, True, 2]


@pytest.mark.parametrize(
    "sent",
    [
        {}, {"json": {}}, {"json": []}, {"json": {"ids": []}}, {"json": {"ids": ["1"]}},
        {"json": {"ids": [True]}}, {"json": {"ids": [-1]}}, {"json": {"ids": [2**63]}},
        {"json": {"ids": [1.5]}}, {"json": {"ids": "12"}}, {"data": {"ids": "a"}},
        {"data": {"ids": "9" * 30}}, {"content": b"{" * 5000}, {"content": b"ids=" + b"1," * 2**20},
        {"json": {"ids": [*range(1, 100_002)]}},
    ],
)  # fmt: skip
def test_zip_of_what_are_no_ids_is_refused(shelf, sent):
    response = shelf.client.post("/pf/zip", **sent)
    assert response.status_code in (400, 413)
    assert "ids" in response.text or "too many" in response.text


def test_library_that_is_not_there_is_an_error_and_one_that_is_replaced_is_opened(
    own_shelf, tmp_path
):
    place = tmp_path / "elsewhere"
    client = TestClient(Starlette(routes=picture_routes(KeptLibrary(place))), HOME)
    response = client.get("/pf/columns")
    assert (response.status_code, "no library" in response.text) == (503, True)
    for total, source in ((0, None), (3, own_shelf.library.path)):
        shutil.rmtree(place, ignore_errors=True)
        if source is None:
            Library.create(place, encoder="colour").close()
        else:
            own_shelf.library.close()
            shutil.copytree(source, place)
        assert client.get("/pf/columns").json()["total"] == total


# Who may ask


def guarded(login=None):
    """An app that answers everybody, behind the guard."""

    async def page(request):
        return PlainTextResponse("in")

    async def talk(websocket):
        await websocket.accept()
        await websocket.send_text("in")
        await websocket.close()

    routes = [
        WebSocketRoute("/talk", talk),
        Route("/{rest:path}", page, methods=["GET", "POST", "PUT", "DELETE"]),
    ]
    return TestClient(
        Starlette(routes=routes, middleware=[Middleware(Guard, HOSTS, login)]),
        HOME,
        follow_redirects=False,
    )


def passes(client, method, **headers) -> bool:
    """Whether a request gets past the guard; `TALK` opens a websocket."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if method == "TALK":
        try:
            with client.websocket_connect("ws://localhost:8501/talk", headers=headers) as opened:
                return opened.receive_text() == "in"
        except WebSocketDisconnect:
            return False
    response = client.request(method, "/x", headers=headers)
    assert (response.status_code, response.text) == (200, "in") or response.status_code == 403
    return response.status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST", "TALK"])
@pytest.mark.parametrize(
    ("headers", "good"),
    [
        ({}, True),
        ({"Host": "127.0.0.1:8501"}, True),
        ({"Host": "LOCALHOST."}, True),
        ({"Host": "evil.example"}, False),
        ({"Host": "localhost.evil.example"}, False),
        ({"Host": "a@localhost"}, False),
        ({"Host": "localhost:x"}, False),
        ({"Host": "localhost/../x"}, False),
        ({"Host": "192.168.0.7"}, False),
        ({"Host": ""}, False),
        ({"Sec_Fetch_Site": "same-origin"}, True),
        ({"Sec_Fetch_Site": "none"}, True),
        ({"Sec_Fetch_Site": "cross-site"}, False),
        ({"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "no-cors"}, False),
    ],
)
def test_other_hosts_and_other_pages_get_nothing(method, headers, good):
    assert passes(guarded(), method, **headers) is good


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "file://",
        "http://localhost:3000",
        "http://127.0.0.1:8501",
        "http://[::1",
        "",
    ],
)
def test_page_of_another_origin_changes_nothing_and_opens_no_websocket(origin):
    client = guarded()
    for method in ("POST", "PUT", "DELETE", "TALK"):
        assert passes(client, method, Origin=HOME)
        assert not passes(client, method, Origin=origin)


def test_link_of_another_page_opens_the_app_but_no_frame_shows_it():
    visit = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}
    client = guarded()
    assert passes(client, "GET", **visit, Sec_Fetch_Dest="document")
    assert not passes(client, "POST", **visit, Sec_Fetch_Dest="document")
    assert not passes(client, "GET", **visit, Sec_Fetch_Dest="iframe")
    assert client.get("/").headers["X-Frame-Options"] == "SAMEORIGIN"


def log_in(client, password=PASSWORD, after="/"):
    return client.post(LOGIN, data={"password": password, "next": after})


def test_with_a_password_nobody_gets_in_without_it():
    client = guarded(Login(PASSWORD))
    page = client.get('/albums?album="<b>', headers={"Accept": "text/html"})
    assert page.status_code == 401
    assert 'value="/albums?album=' in page.text
    assert "<b>" not in page.text
    assert client.get("/pf/columns").status_code == 401
    assert not passes(client, "TALK")
    response = log_in(client, after="/albums")
    assert (response.status_code, response.headers["Location"]) == (303, "/albums")
    said = response.headers["Set-Cookie"].lower()
    assert "httponly" in said
    assert "samesite=strict" in said
    assert client.get("/pf/columns").text == "in"
    assert passes(client, "TALK")
    assert passes(client, "GET", Host="192.168.0.7:8501")
    assert not passes(client, "GET", Host="evil.example")


@pytest.mark.parametrize("forged", ["", "x", "x.y.z", "{}.", "{}x", "{other}", "{}"])
def test_cookie_that_was_not_given_is_worth_nothing(forged, monkeypatch):
    client, other = guarded(Login(PASSWORD)), guarded(Login(PASSWORD))
    log_in(client)
    log_in(other)
    value = client.cookies[COOKIE]
    client.cookies.clear()
    if forged == "{}":  # it was given more than a month ago
        late = time.time() + 31 * 86400
        monkeypatch.setattr("itsdangerous.timed.time.time", lambda: late)
    client.cookies.set(COOKIE, forged.format(value, other=other.cookies[COOKIE]))
    assert client.get("/x").status_code == 401


@pytest.mark.parametrize("wrong", ["", "Correct horse", "correct horse ", "x" * 5000, "\U0001f600"])
def test_wrong_password_is_told(wrong):
    response = log_in(guarded(Login(PASSWORD)), wrong)
    assert response.status_code == 401
    assert "Set-Cookie" not in response.headers
    assert "wrong" in response.text


@pytest.mark.parametrize(
    "after", ["//evil.example", "/\\evil.example", "http://evil", "", "/\r\nx"]
)
def test_login_leads_nowhere_else(after):
    assert log_in(guarded(Login(PASSWORD)), after=after).headers["Location"] == "/"


def test_tries_are_limited_even_for_the_right_password():
    client = guarded(Login(PASSWORD))
    for _ in range(Tries.most):
        assert log_in(client, "guess").status_code == 401
    for guess in ("guess", PASSWORD):
        assert log_in(client, guess).status_code == 429


def test_limit_on_tries_is_for_an_address_and_for_all_and_ends(monkeypatch):
    tries, now = Tries(), [0.0]
    monkeypatch.setattr("ui.web.login.time.monotonic", lambda: now[0])
    for number in range(Tries.most_of_all):
        tries.note(f"10.0.0.{number // Tries.most}")
        assert tries.may("10.0.1.1") is (number < Tries.most_of_all - 1)
    assert not tries.may("10.0.0.1")
    now[0] = 60 * Tries.minutes + 1
    assert tries.may("10.0.0.1")


def test_form_from_another_page_logs_nobody_in():
    client = guarded(Login(PASSWORD))
    response = client.post(LOGIN, data={"password": PASSWORD}, headers={"Origin": "http://evil"})
    assert response.status_code == 403


def test_random_passwords_are_long_and_differ():
    made = {random_password() for _ in range(50)}
    assert len(made) == 50
    assert {len(one) for one in made} == {14}


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (401, True), (503, False)])
def test_health_is_an_answer_even_if_it_asks_for_a_password(status, healthy):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.handle_request).start()
        assert answers(server.server_port) == healthy
    assert not answers(server.server_port)  # it is closed now

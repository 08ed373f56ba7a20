"""The query grammar, and how a query becomes one row."""

import gzip
import io
import os
import socket
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from colour_encoder import MEANS, ColourEncoder
from PIL import Image

from indexer.embedding import IMAGE, TEXT
from indexer.errors import InputError, PlacedError, QueryError
from indexer.pictures.hashes import hash_bytes
from search import Query, Term
from search.query import pictures
from search.query.embedding import embed
from search.query.terms import Reading
from search.query.tokens import is_picture

ENCODER = ColourEncoder("colour", "1")


def terms(*words):
    return Query.parse(words).terms


def row(*terms, **options):
    return embed(Query(terms), ENCODER, {}, **options).q


def unit(*axes):
    return np.array(axes) / np.linalg.norm(axes)


def png(colour="red", size=(16, 12)):
    with io.BytesIO() as file:
        Image.new("RGB", size, colour).save(file, "PNG")
        return file.getvalue()


# Grammar


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["dog"], [Term("dog")]),
        (["golden", "retriever"], [Term("golden retriever")]),
        (["golden retriever"], [Term("golden retriever")]),
        (["  golden ", "\tretriever"], [Term("golden retriever")]),
        (["dog", "+", "beach"], [Term("dog"), Term("beach")]),
        (["dog", "-", "beach"], [Term("dog"), Term("beach", weight=-1)]),
        (["-", "dog", "+", "cat"], [Term("dog", weight=-1), Term("cat")]),
        (
            ["golden retriever", "+", "./pool.jpg", "-", "2:fruit"],
            [Term("golden retriever"), Term(picture="./pool.jpg"), Term("fruit", weight=-2)],
        ),
        (
            ["a", "-", "b", "+", "c", "-", "d"],
            [Term("a"), Term("b", weight=-1), Term("c"), Term("d", weight=-1)],
        ),
        (["2:dog"], [Term("dog", weight=2)]),
        (["0.5:dog", "in", "snow"], [Term("dog in snow", weight=0.5)]),
        ([".5:dog"], [Term("dog", weight=0.5)]),
        (["2:", "dog"], [Term("dog", weight=2)]),
        (["16:9 photo"], [Term("16:9 photo")]),
        (["4:3"], [Term("4:3")]),
        (["10:30", "clock"], [Term("10:30 clock")]),
        (["at 5:30", "sunset"], [Term("at 5:30 sunset")]),
        (['2:"16:9 photo"'], [Term("16:9 photo", weight=2)]),
        (["2:./pool.jpg"], [Term(picture="./pool.jpg", weight=2)]),
        (["dog", "-", "2:pool.jpg"], [Term("dog"), Term(picture="pool.jpg", weight=-2)]),
        (["dog", "pool.jpg"], [Term("dog"), Term(picture="pool.jpg")]),
        (["./pool.jpg", "2:dog"], [Term("dog", weight=2), Term(picture="./pool.jpg")]),
        (["a.png", "b.png"], [Term(picture="a.png"), Term(picture="b.png")]),
        (["@-"], [Term(picture="@-")]),
        (["dog", "", "cat"], [Term("dog cat")]),
        (["", "dog"], [Term("dog")]),
        (["T-shirt", "on-line"], [Term("T-shirt on-line")]),
        (["dog -snow"], [Term("dog"), Term("snow", weight=-1)]),
        (["dog", "-snow", "beach"], [Term("dog beach"), Term("snow", weight=-1)]),
        (["-snow dog"], [Term("dog"), Term("snow", weight=-1)]),
        (["dog - black cat"], [Term("dog"), Term("black cat", weight=-1)]),
        (["dog \u2212snow"], [Term("dog"), Term("snow", weight=-1)]),
        (["dog", "\u2013", "snow"], [Term("dog"), Term("snow", weight=-1)]),
        (["dog -2:snow"], [Term("dog"), Term("snow", weight=-2)]),
        (["dog -pool.jpg"], [Term("dog"), Term(picture="pool.jpg", weight=-1)]),
        (["dog", "-./my pool.jpg"], [Term("dog"), Term(picture="./my pool.jpg", weight=-1)]),
        (["dog +cat bed"], [Term("dog bed"), Term("cat")]),
        (['beach -"palm tree" sand'], [Term("beach sand"), Term("palm tree", weight=-1)]),
        (["beach", "-palm tree"], [Term("beach"), Term("palm tree", weight=-1)]),
        (
            ["\u201cbeach\u201d -\u201cpalm tree\u201d"],
            [Term("beach"), Term("palm tree", weight=-1)],
        ),
        (['"dog - cat" "2:x" "a.jpg"'], [Term("dog - cat 2:x a.jpg")]),
        (['5" pipe'], [Term('5" pipe')]),
        (["it is", "-5", "or -10\u00b0C"], [Term("it is -5 or -10\u00b0C")]),
        (
            ["C++", "--", "->", "x-ray", "black-and-white"],
            [Term("C++ -- -> x-ray black-and-white")],
        ),
        (["it's", "100%"], [Term("it's 100%")]),
    ],
)
def test_words_become_terms(words, expected):
    assert list(terms(*words)) == expected


@pytest.mark.parametrize("words", [[], [""], [" ", "\n"]])
def test_empty_query_is_refused(words):
    with pytest.raises(QueryError, match="an empty query: give words, a picture, or both"):
        Query.parse(words)


@pytest.mark.parametrize("words", [["dog", "-", "-", "cat"], ["dog", "+", "-", "cat"]])
def test_two_signs_in_a_row_are_refused(words):
    with pytest.raises(QueryError, match="a term is missing before '-'"):
        Query.parse(words)


@pytest.mark.parametrize("words", [["dog", "+"], ["dog", "-"], ["+"], ["-"], ["+", "dog"]])
def test_sign_at_an_end_is_refused(words):
    with pytest.raises(QueryError, match=r"a term is missing (at the end|before)"):
        Query.parse(words)


@pytest.mark.parametrize("words", [["-", "dog"], ["-dog"], ["-dog -cat"], ["0:dog"], ["NOT dog"]])
def test_query_that_only_takes_away_is_refused(words):
    with pytest.raises(QueryError, match="only subtracts"):
        Query.parse(words)


def test_two_glued_signs_are_refused_with_the_right_spelling():
    with pytest.raises(QueryError, match="put one sign before a term, as in '-cat'"):
        Query.parse("dog --cat")


def test_picture_with_signs_in_its_name_is_one_if_it_is_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert terms("dog - pool.jpg") == (Term("dog"), Term(picture="pool.jpg", weight=-1))
    (tmp_path / "dog - pool.jpg").touch()
    assert terms("dog - pool.jpg") == (Term(picture="dog - pool.jpg"),)


def test_words_of_a_line_may_name_no_files():
    parsed = Query.parse('dog ./a.jpg -/etc/passwd - "~/x" + http://host/a', files=False)
    assert [term.text for term in parsed.terms] == ["dog ./a.jpg", "/etc/passwd", "~/x", ""]


@pytest.mark.parametrize(
    "text",
    ["dog", "a dog - black cat + 2:bird - 0.5:snow", '"no smoking" + x', '2:"16:9 photo"',
     '"a.jpg" - "2:x"', "dog + ./pool.jpg - http://host/a.png", '"dog - cat"'],
)  # fmt: skip
def test_written_query_is_parsed_to_the_same_terms(text):
    query = Query.parse(text)
    assert Query.parse(str(query)) == query


def test_query_is_written_in_quotes_only_where_it_must_be():
    assert str(Query.parse(["dog", "-palm tree", "+", "3:cat"])) == "dog - palm tree + 3:cat"
    assert str(Query.parse('"no dogs" in "16:9"')) == '"no dogs in 16:9"'
    assert str(Query.parse("dog", picture=b"bytes")) == "dog"


@pytest.mark.parametrize(
    ("words", "readings"),
    [
        (["dog", "-", "snow"], []),
        ("dog - snow -cat", []),
        (["dog -snow"], []),
        (["dog - snow"], [Reading("dog - snow", "dog - snow")]),
        ("dog \u2013 snow", [Reading("dog \u2013 snow", "dog - snow")]),
        ("dog OR cat", [Reading("dog OR cat", "dog + cat")]),
        ("Portland OR", []),
        (["dog", "NOT", "snow"], [Reading("dog NOT snow", "dog - snow")]),
        ("dog -5", [Reading("-5", None, "- 5")]),
        ("no people", [Reading("no people", None, "- people")]),
    ],
)
def test_query_says_how_words_were_read_that_could_mean_something_else(words, readings):
    assert Query.parse(words).readings == tuple(readings)


def test_literal_query_is_one_text():
    words = ["dog", "-snow", "2:a.jpg", '"no', "cat"]
    assert Query.parse(words, literal=True) == Query.of('dog -snow 2:a.jpg "no cat')
    beside = Query.parse("without snow", picture=b"bytes", literal=True, weight=0.2)
    assert beside == Query((Term("without snow"), Term(picture=b"bytes")), 0.2)


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (["dog", "--cat"], 4),
        (["dog", "-", "+", "cat"], 6),
        (["dog", "", "+"], 6),
        (["dog  + --cat"], 7),
        (["-cat", "dog - "], 11),
        (["-", "dog"], 0),
        (["golden retriever", "+", "2:"], 21),
        (["dog", "+", f"{'9' * 40}:cat"], 6),
    ],
)
def test_an_error_points_at_its_place(words, place):
    with pytest.raises(PlacedError) as caught:
        Query.parse(words)
    assert (caught.value.text, caught.value.place) == (" ".join(words), place)
    assert caught.value.marked == f"{' '.join(words)}\n{' ' * place}^"
    assert str(caught.value) == caught.value.problem


@pytest.mark.parametrize("words", [["2:"], ["dog", "+", "2:", " "]])
def test_weight_without_a_term_is_refused(words):
    with pytest.raises(QueryError, match="a term has no words"):
        Query.parse(words)


@pytest.mark.parametrize("weight", ["9" * 400, "9" * 40])
def test_weight_beyond_all_bounds_is_refused(weight):
    with pytest.raises(QueryError, match="weight"):
        Query.parse(["dog", "+", f"{weight}:cat"])


@pytest.mark.parametrize(
    "word",
    [
        "pool.jpg", "POOL.JPG", "a b.webp", "photo.HEIC", "./pool", "../pool", "/pool", "~/pool",
        "http://host/x", "https://host/x", "@-", "sub/pool.tiff", "./line\nbreak.png",
    ],
)  # fmt: skip
def test_word_that_names_a_picture_is_one(word):
    assert is_picture(word)


@pytest.mark.parametrize(
    "word", ["jpg", ".jpg", "dog", "pool.jpgs", "v1.0", "e.g.", "and/or", "ftp://host/x", "a@-b"]
)
def test_word_that_does_not_is_none(word):
    assert not is_picture(word)


def test_query_of_words_and_picture():
    query = Query.of(" dog ", "pool.jpg", weight=0.3)
    assert query == Query((Term("dog"), Term(picture="pool.jpg")), 0.3)
    assert Query.of(picture=b"bytes").terms == (Term(picture=b"bytes"),)
    assert Query.of("- dog 2:cat").terms == (Term("- dog 2:cat"),)  # no grammar here
    with pytest.raises(QueryError, match="an empty query"):
        Query.of("  ")


def test_weight_of_picture_against_caption_is_kept():
    assert Query.parse(["dog"]).weight is None  # as the library is set to
    assert Query.parse(["dog"], weight=0.8).weight == 0.8


# Embedding


def test_words_and_picture_become_one_unit_row(tmp_path):
    path = tmp_path / "red.png"
    path.write_bytes(png("red"))
    assert np.allclose(row(Term("blue")), unit(0, 0, 1, 0, 0))
    assert np.allclose(row(Term("blue"), Term(picture=str(path))), unit(1, 0, 1, 0, 0))


def test_weights_add_and_take_away():
    assert np.allclose(row(Term("red", weight=3), Term("blue")), unit(3, 0, 1, 0, 0))


def test_what_is_taken_away_stays_apart_from_the_row_of_the_query():
    means = {TEXT: MEANS[TEXT]}
    embedded = embed(Query((Term("purple"), Term("red", weight=-0.5))), ENCODER, means)
    assert np.allclose(embedded.q, embed(Query.of("purple"), ENCODER, means).q)
    (taken,) = embedded.without
    assert (taken.term, taken.weight) == (1, 0.5)
    assert np.allclose(taken.row, embed(Query.of("red"), ENCODER, means).q)


def test_each_term_is_centred_by_the_mean_of_its_modality():
    means = {IMAGE: MEANS[IMAGE], TEXT: MEANS[TEXT]}
    found = embed(Query((Term("blue"), Term(picture=png("red")))), ENCODER, means).q
    blue = np.array([0, 0, 1, 0, 0]) - MEANS[TEXT]
    red = np.array([1, 0, 0, 0, 0]) - MEANS[IMAGE]
    expected = blue / np.linalg.norm(blue) + red / np.linalg.norm(red)
    assert np.allclose(found, expected / np.linalg.norm(expected), atol=1e-6)


def test_picture_of_the_query_is_known_by_its_content():
    content = png()
    embedded = embed(Query((Term("dog"), Term(picture=content))), ENCODER, {})
    assert embedded.content_hashes == (hash_bytes(content),)


def test_terms_that_cancel_out_are_refused():
    with pytest.raises(QueryError, match="cancel out"):
        row(Term("red"), Term("red", weight=-1))


# Query pictures


def test_missing_picture_is_named():
    with pytest.raises(QueryError, match=r"nowhere\.jpg: no such picture; check the name"):
        row(Term(picture="nowhere.jpg"))


@pytest.mark.parametrize("name", ["~nobody-of-this-name/x.jpg", "/" + 300 * "x", "./\0.jpg", "~10"])
def test_impossible_name_is_an_error_like_a_missing_one(name):
    with pytest.raises(QueryError, match="no such picture"):
        row(Term(picture=name))


def test_home_directory_is_understood(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "red.png").write_bytes(png("red"))
    assert np.allclose(row(Term(picture="~/red.png")), unit(1, 0, 0, 0, 0))


def test_picture_with_a_name_that_is_not_utf8_is_read(tmp_path):
    path = tmp_path / os.fsdecode(b"\xff.png")
    path.write_bytes(png("red"))
    assert np.allclose(row(Term(picture=str(path))), unit(1, 0, 0, 0, 0))


def test_folder_as_query_picture_is_refused(tmp_path):
    with pytest.raises(QueryError, match="not a regular file"):
        row(Term(picture=str(tmp_path)))


@pytest.mark.parametrize("content", [b"", b"no picture", png()[:45]])
def test_picture_that_cannot_be_decoded_is_named(tmp_path, content):
    path = tmp_path / "bad.png"
    path.write_bytes(content)
    with pytest.raises(QueryError, match=f"{path}: "):
        row(Term(picture=str(path)))


def test_bytes_that_are_no_picture_are_refused():
    with pytest.raises(QueryError, match="the query picture: "):
        row(Term(picture=b"no picture"))


# Pictures from the web


class _Handler(BaseHTTPRequestHandler):
    """Pictures, redirects and bad manners, by path."""

    def do_GET(self):
        if self.path == "/red.png":
            self._send(png("red"))
        elif self.path == "/large":
            self._send(b"x" * 5000)
        elif self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
        elif self.path == "/loop":
            self.send_response(302)
            self.send_header("Location", "http://8.8.8.8/loop")
            self.end_headers()
        elif self.path == "/silent":
            time.sleep(1)
        elif self.path == "/dribble":
            self.send_response(200)
            self.end_headers()
            for _ in range(1200):  # a minute, or until nobody listens
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.05)
        elif self.path == "/short":
            self.send_response(200)
            self.send_header("Content-Length", "5000")
            self.end_headers()
            self.wfile.write(png("red")[:50])
        else:
            self.send_error(404)

    def _send(self, content):
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass

    def handle(self):
        with suppressed():
            super().handle()


@contextmanager
def suppressed():
    try:
        yield
    except (BrokenPipeError, ConnectionResetError):
        assert sys.exc_info()


@pytest.fixture(scope="module")
def host():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


def test_picture_is_fetched_from_a_url(host):
    assert np.allclose(row(Term(picture=f"{host}/red.png")), unit(1, 0, 0, 0, 0))


def test_offline_forbids_urls(host):
    with pytest.raises(QueryError, match="not fetched because of --offline"):
        row(Term(picture=f"{host}/red.png"), offline=True)


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1/x", "http://localhost/x", "http://10.0.0.1/x", "http://[::1]/x",
        "http://169.254.169.254/latest/meta-data", "file:///etc/passwd", "ftp://127.0.0.1/x",
        "http://192.168.1.1:80/", "http://0.0.0.0/", "http://[::ffff:127.0.0.1]/", "http:///x",
        "gopher://x/y",
    ],
)  # fmt: skip
def test_redirect_to_a_private_address_is_refused(host, target):
    with pytest.raises(QueryError, match=r"redirects to .* not public|cannot be fetched"):
        row(Term(picture=f"{host}/to/{target}"))


def test_redirect_to_a_public_address_is_followed(host, monkeypatch):
    monkeypatch.setattr(pictures, "_is_public", lambda name: True)
    assert np.allclose(row(Term(picture=f"{host}/to/{host}/red.png")), unit(1, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True), ("127.0.0.1", False), ("10.1.2.3", False), ("::1", False),
        ("fe80::1", False), ("169.254.169.254", False), ("no.such.host.invalid", False),
        ("", False), ("2606:4700:4700::1111", True),
    ],
)  # fmt: skip
def test_public_addresses_are_told_from_private_ones(address, public):
    assert pictures._is_public(address) == public


def test_page_that_is_not_there_is_refused(host):
    with pytest.raises(QueryError, match=r"cannot be fetched \(.*Not Found.*save it"):
        row(Term(picture=f"{host}/nowhere.png"))


def test_answer_that_is_too_large_is_refused(host, monkeypatch):
    monkeypatch.setattr(pictures, "MAX_BYTES", 1000)
    with pytest.raises(QueryError, match=r"larger than 0 MB; save it"):
        row(Term(picture=f"{host}/large"))


def test_server_that_says_nothing_is_given_up(host, monkeypatch):
    monkeypatch.setattr(pictures, "TIMEOUT", 0.1)
    with pytest.raises(QueryError, match="cannot be fetched"):
        row(Term(picture=f"{host}/silent"))


def test_server_that_dribbles_is_given_up(host, monkeypatch):
    monkeypatch.setattr(pictures, "DEADLINE", 0.1)
    with pytest.raises(QueryError, match="no answer after"):
        row(Term(picture=f"{host}/dribble"))


def test_answer_that_ends_early_is_refused(host):
    with pytest.raises(QueryError):
        row(Term(picture=f"{host}/short"))


@pytest.mark.parametrize(
    "url", ["http://", "http://[", "http://127.0.0.1:1/x", "http://a..b/x", "http://\udcff/x"]
)
def test_url_that_leads_nowhere_is_refused(url):
    with pytest.raises(QueryError, match="cannot be fetched"):
        row(Term(picture=url))


# A server that means ill


ANSWERS = {
    "/empty": [b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
    "/closed": [b""],
    "/noise": [b"\x00\xff not http at all\r\n\r\n"],
    "/404": [b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"],
    "/500": [b"HTTP/1.1 500 \x1b[31mred\r\nContent-Length: 2\r\n\r\nno"],
    "/204": [b"HTTP/1.1 204 No Content\r\n\r\n"],
    "/206": [b"HTTP/1.1 206 Partial Content\r\nContent-Length: 2\r\n\r\nxx"],
    "/huge": [b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999999999999\r\n\r\nx"],
    "/more": [b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", png()],
    "/chunk": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n", png()],
    "/gzip": [b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", gzip.compress(png())],
    "/bomb": [b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", gzip.compress(bytes(10**7))],
    "/nowhere": [b"HTTP/1.1 302 Found\r\n\r\n"],
    "/fewer": [b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(png()), png(), b"more"],
    "/negative": [b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", png()],
}
ENDLESS = {
    "/endless": (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 2**16),
    "/endless-headers": (b"HTTP/1.1 200 OK\r\n", b"X-Header: x\r\n"),
    "/endless-line": (b"HTTP/1.1 200 OK\r\nX-Header: ", b"x" * 2**16),
    "/endless-chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"1\r\nx\r\n" * 99,
    ),
    "/slow-line": (b"HTTP/1.1 200 OK\r\nX-Header: ", b"x"),
    "/slow-status": (b"", b"x"),
}


class _IllHandler(BaseHTTPRequestHandler):
    """Bytes that are no good answer, by path; and redirects that never end."""

    def do_GET(self):
        self.server.asked.append(self.path)
        if self.path.startswith("/to/"):
            head = f"HTTP/1.1 302 Found\r\nLocation: {self.path.removeprefix('/to/')}\r\n\r\n"
            self.wfile.write(head.encode() + b"body " * 1000)
        for part in ANSWERS.get(self.path, ()):
            self.wfile.write(part)
        if self.path in ENDLESS:
            start, rest = ENDLESS[self.path]
            self.wfile.write(start)
            while not self.server.over.wait(0.01 if len(rest) < 7 else 0):
                self.wfile.write(rest)

    def log_message(self, *_):
        pass

    def handle(self):
        with suppressed():
            super().handle()


@pytest.fixture
def ill():
    """Such a server; `asked` are the paths that it was asked for."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _IllHandler)
    server.asked, server.over = [], threading.Event()
    server.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()


def resolves(monkeypatch, *found, name="cloud.test"):
    """Let a name have one address after the other, each time that it is looked up."""
    known, left = socket.getaddrinfo, list(found)

    def looked_up(host, port, *rest, **options):
        address = (left.pop(0) if len(left) > 1 else left[0]) if host == name else host
        return known(address, port, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/empty", "the server sent nothing; save it"),
        ("/closed", "cannot be fetched"),
        ("/noise", "cannot be fetched"),
        ("/404", r"cannot be fetched \(404 Not Found\); save it"),
        ("/500", r"cannot be fetched \(500 .*red\); save it"),
        ("/204", r"cannot be fetched \(204 No Content\)"),
        ("/206", r"cannot be fetched \(206 Partial Content\)"),
        ("/huge", "larger than 64 MB; save it"),
        ("/more", "ends .* bytes early; try again"),
        ("/chunk", "cannot be fetched"),
        ("/gzip", r"arrives compressed \(gzip\)"),
        ("/bomb", r"arrives compressed \(gzip\)"),
        ("/nowhere", "redirects without a target"),
    ],
)
def test_ill_answer_is_an_error_that_names_the_url(ill, path, reason):
    with pytest.raises(QueryError, match=f"^{ill.address}{path}: {reason}"):
        row(Term(picture=f"{ill.address}{path}"))


@pytest.mark.parametrize("path", ["/fewer", "/negative"])
def test_wrong_length_does_not_spoil_a_picture_that_is_there(ill, path):
    assert np.allclose(row(Term(picture=f"{ill.address}{path}")), unit(1, 0, 0, 0, 0))


@pytest.mark.parametrize("path", ENDLESS)
def test_answer_without_an_end_is_given_up(ill, path, monkeypatch):
    monkeypatch.setattr(pictures, "DEADLINE", 0.3)
    monkeypatch.setattr(pictures, "MAX_BYTES", 10**6)
    with pytest.raises(QueryError, match=f"^{ill.address}{path}: (larger than|cannot be fetched)"):
        row(Term(picture=f"{ill.address}{path}"))


def test_redirects_in_a_circle_end(ill, monkeypatch):
    monkeypatch.setattr(pictures, "_is_public", lambda name: True)
    monkeypatch.setitem(
        ANSWERS,
        "/circle",
        [b"HTTP/1.1 302 Found\r\nLocation: /circle\r\nContent-Length: 0\r\n\r\n"],
    )
    with pytest.raises(QueryError, match=f"^{ill.address}/circle: more than 5 redirects"):
        row(Term(picture=f"{ill.address}/circle"))
    assert ill.asked == ["/circle"] * 6


def test_picture_that_a_stranger_names_is_fetched_from_public_addresses_alone(ill, monkeypatch):
    url = f"{ill.address}/Äpfel.png"
    with pytest.raises(QueryError, match=f"^{url}: not a public address; send the picture"):
        pictures.public_picture(url)
    monkeypatch.setattr(pictures, "_is_public", lambda name: True)
    monkeypatch.setitem(ANSWERS, "/%C3%84pfel.png", [b"HTTP/1.1 200 OK\r\n\r\n", png()])
    assert pictures.public_picture(url) == png()
    assert ill.asked == ["/%C3%84pfel.png"]


@pytest.mark.parametrize(
    "target",
    [
        "file:///etc/passwd", "ftp://example.com/x", "data:image/png;base64,xx", "//127.0.0.1/x",
        "/x", "http://a:b@8.8.8.8/x", "javascript:alert(1)", "HTTP://LOCALHOST/x", "http://0/x",
        "http://2130706433/x", "http://0x7f.1/x", "http://[::]/x", "http://[fe80::1%25lo]/x",
        "http://224.0.0.1/x", "http://100.64.0.1/x", "http://[64:ff9b::7f00:1]/x", "http://[",
    ],
)  # fmt: skip
def test_redirect_that_leads_off_the_public_web_is_refused(ill, target):
    with pytest.raises(QueryError, match=f"^{ill.address}/to/.*: (redirects to|cannot be fetched)"):
        row(Term(picture=f"{ill.address}/to/{target}"))
    assert len(ill.asked) == 1


def test_redirect_to_a_name_that_changes_its_address_is_hung_up(ill, monkeypatch):
    resolves(monkeypatch, "8.8.8.8", "127.0.0.1")
    target = ill.address.replace("127.0.0.1", "cloud.test")
    with pytest.raises(QueryError, match=r"leads to 127\.0\.0\.1, which is not public"):
        row(Term(picture=f"{ill.address}/to/{target}/secret"))
    assert [path for path in ill.asked if path == "/secret"] == []


def test_encrypted_redirect_to_a_name_that_changes_its_address_is_hung_up(ill, monkeypatch):
    resolves(monkeypatch, "8.8.8.8", "127.0.0.1")
    monkeypatch.setattr(pictures.HTTPSConnection, "connect", pictures.HTTPConnection.connect)
    target = ill.address.replace("http://127.0.0.1", "https://cloud.test")
    with pytest.raises(QueryError, match=r"leads to 127\.0\.0\.1, which is not public"):
        row(Term(picture=f"{ill.address}/to/{target}/secret"))
    assert len(ill.asked) == 1


def test_name_that_the_user_typed_may_be_on_his_own_network(host, monkeypatch):
    resolves(monkeypatch, "127.0.0.1", name="nas.test")
    url = host.replace("127.0.0.1", "nas.test")
    assert np.allclose(row(Term(picture=f"{url}/red.png")), unit(1, 0, 0, 0, 0))


def test_redirect_through_a_proxy_is_judged_by_its_name(ill, monkeypatch):
    monkeypatch.setenv("http_proxy", ill.address)  # on this network, as proxies are
    monkeypatch.setenv("no_proxy", "")
    resolves(monkeypatch, "8.8.8.8")
    first = "http://cloud.test/first"
    monkeypatch.setitem(ANSWERS, first, [b"HTTP/1.1 302 Found\r\nLocation: /red.png\r\n\r\n"])
    monkeypatch.setitem(ANSWERS, "http://cloud.test/red.png", [b"HTTP/1.1 200 OK\r\n\r\n", png()])
    inward = b"HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\n\r\n"
    monkeypatch.setitem(ANSWERS, "http://cloud.test/in", [inward])
    assert np.allclose(row(Term(picture=first)), unit(1, 0, 0, 0, 0))
    with pytest.raises(QueryError, match=r"redirects to http://10\.0\.0\.1/, which is not public"):
        row(Term(picture="http://cloud.test/in"))
    assert ill.asked == [first, "http://cloud.test/red.png", "http://cloud.test/in"]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_password_in_a_url_is_refused_and_not_repeated(ill, scheme):
    rest = ill.address.partition("//")[2]
    with pytest.raises(
        QueryError, match="user names and passwords in a URL are never sent"
    ) as error:
        row(Term(picture=f"{scheme}://me:s3cret@{rest}/red.png"))
    assert "s3cret" not in str(error.value)
    assert str(error.value).startswith(f"{scheme}://{rest}/red.png: ")
    assert ill.asked == []


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("::ffff:8.8.8.8", True), ("::ffff:127.0.0.1", False), ("::ffff:10.0.0.1", False),
        ("2002:7f00:1::", False), ("2002:808:808::", True), ("64:ff9b::a00:1", False),
        ("64:ff9b::808:808", True), ("0.0.0.0", False), ("::", False), ("fe80::1%1", False),
        ("fd00::1", False), ("224.0.0.1", False), ("ff02::1", False), ("255.255.255.255", False),
        ("100.64.0.1", False), ("172.31.255.255", False), ("172.32.0.1", True),
    ],
)  # fmt: skip
def test_addresses_within_addresses_are_looked_into(address, public):
    assert pictures._is_global(address) == public


def test_query_errors_are_input_errors():
    assert issubclass(QueryError, InputError)


def test_text_is_parted_at_its_spaces():
    assert Query.parse("red dog - 2:cat") == Query.parse(["red", "dog", "-", "2:cat"])


def test_picture_asks_beside_what_is_taken_away():
    taken, picture = Query.parse(["-", "tower"], picture=b"bytes").terms
    assert (taken.text, taken.weight) == ("tower", -1)
    assert (picture.picture, picture.weight) == (b"bytes", 1)

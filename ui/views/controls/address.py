"""The address of a search: it holds the whole question, to keep and to go back to.

The page follows from the address alone. A control shows what the address says, and a
change of it changes the address, which makes an entry of the browser's history.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import streamlit as st

from indexer.settings import DATE_ORDERS
from search.query.options import AUTO, MODES, WORDS
from ui.gallery.data import SORTS, Mark

LONGEST = 10_000  # characters that can be typed or pasted
NEWEST = next(iter(SORTS))
_KEPT = "search-address"  # in the session: the last one, for the way back from another page
_MOST_MARKS = 1_000


@dataclass(frozen=True, slots=True)
class SearchAddress:
    """A whole question.

    `like`: a picture of the library to search with, `picture`: an uploaded one, by its key on the
    shelf. `weight` None: that of the library. `weaker`: whether weaker matches are shown.
    """

    q: str = ""
    where: str = ""
    like: str = ""
    picture: str = ""
    right: tuple[int, ...] = ()
    wrong: tuple[int, ...] = ()
    weaker: bool = False
    sort: str = NEWEST
    tags: tuple[str, ...] = ()
    mode: str = AUTO
    weight: float | None = None
    fold: bool = True
    diverse: bool = False
    dates: str = ""

    @property
    def nothing(self) -> bool:
        """Whether there is no query; tags and a filter may still be set."""
        return not (self.like or self.picture or self.q.strip() or self.right)

    @property
    def markable(self) -> bool:
        """Whether marks can refine the search; they cannot if it compares words only."""
        return self.mode != WORDS or bool(self.like)

    @property
    def filter(self) -> str | None:
        """Filter in the language of `--where`; None without one."""
        return self.where.strip() or None

    def marked(self, picture_id: int, mark: Mark | None) -> SearchAddress:
        """The same with another mark of a picture, or none."""
        right = tuple(key for key in self.right if key != picture_id)
        wrong = tuple(key for key in self.wrong if key != picture_id)
        right += (picture_id,) if mark == "right" else ()
        wrong += (picture_id,) if mark == "wrong" else ()
        return replace(self, right=right[-_MOST_MARKS:], wrong=wrong[-_MOST_MARKS:])

    @classmethod
    def of(cls, said: Mapping[str, list[str]]) -> SearchAddress:
        """Address of its parameters; impossible values are passed over."""
        found = {name: read(said[name]) for name, read in _READERS.items() if said.get(name)}
        return cls(**{name: value for name, value in found.items() if value is not None})

    def parameters(self) -> dict[str, str | list[str]]:
        """Parameters that differ from those of the start page."""
        plain = SearchAddress()
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: _written(name, value)
            for name, value in values.items()
            if value != getattr(plain, name)
        }


def current() -> SearchAddress:
    """Address of the page as it is now."""
    return SearchAddress.of({name: st.query_params.get_all(name) for name in _READERS})


def arrive(from_elsewhere: bool) -> SearchAddress:
    """Address of this run; a visit from another page continues the last search."""
    kept = st.session_state.get(_KEPT)
    found = current()
    if from_elsewhere and kept is not None and found == SearchAddress():
        found = kept
        st.query_params.from_dict(found.parameters())
    st.session_state[_KEPT] = found
    return found


def go(to: SearchAddress) -> None:
    """Go to another address; the controls follow in the run to come."""
    st.query_params.from_dict(to.parameters())


def change(**changes: Any) -> None:
    """Go to the present address with some changes."""
    go(replace(current(), **changes))


def bound(name: str, value: Any, *, folded: bool = True) -> dict[str, Any]:
    """Arguments of a control that shows a part of the address and changes it.

    A control that is `folded` into a closed box takes, when the box opens, the value of the last
    run, so each run sets it. One that is always visible keeps the text that is being typed.
    """
    if folded or st.session_state.get(name) != value:
        st.session_state[name] = value
    return {"key": name, "on_change": _changed, "args": (name,)}


def _changed(name: str) -> None:
    value = st.session_state[name]
    cleared: dict[str, Any] = {}
    if name == "q":
        cleared = {"like": "", "right": (), "wrong": (), "weaker": False}
    change(**{name: tuple(value) if isinstance(value, list) else value}, **cleared)


# Parts of the address as text, and back


def _text(said: list[str]) -> str:
    return said[-1][:LONGEST]


def _among(known: tuple[str, ...]) -> Callable[[list[str]], str | None]:
    return lambda said: said[-1] if said[-1] in known else None


def _ids(said: list[str]) -> tuple[int, ...]:
    parts = said[-1].split(",")[:_MOST_MARKS]
    return tuple(
        int(part) for part in parts if part.isascii() and part.isdigit() and len(part) < 19
    )


def _truth(said: list[str]) -> bool | None:
    return {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}.get(
        said[-1].lower()
    )


def _share(said: list[str]) -> float | None:
    try:
        value = float(said[-1])
    except ValueError:
        return None
    return value if math.isfinite(value) and 0 <= value <= 1 else None


_READERS: dict[str, Callable[[list[str]], Any]] = {
    "q": _text, "where": _text, "like": _text, "picture": _text, "right": _ids, "wrong": _ids,
    "weaker": _truth, "sort": _among(tuple(SORTS)), "tags": tuple, "mode": _among(MODES),
    "weight": _share, "fold": _truth, "diverse": _truth, "dates": _among(DATE_ORDERS),
}  # fmt: skip


def _written(name: str, value: Any) -> str | list[str]:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name in ("right", "wrong"):
        return ",".join(str(key) for key in value)
    return list(value) if isinstance(value, tuple) else str(value)

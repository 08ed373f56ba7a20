"""Errors, grouped by what the user can do about them.

    PicfuseError
    ├── InputError            the request is wrong: correct and repeat it      (exit status 2)
    │   ├── QueryError        a query cannot be parsed, or its picture cannot be read
    │   │   └── PlacedError   a query cannot be parsed from a known place on
    │   ├── CaptionFileError  a caption file that the user named cannot be used
    │   └── DatasetError      a data set cannot be used for training or evaluation
    ├── LibraryError          the library needs attention                      (exit status 3)
    │   ├── LibraryNotFound   there is no library at this path
    │   ├── LibraryDamaged    the library exists but cannot be read
    │   ├── LibraryLocked     another process is writing to the library
    │   └── EncoderMismatch   the library was made with another encoder
    ├── ModelError            a model is unavailable, or not what it claims    (exit status 3)
    └── PictureError          one picture cannot be read; work continues       (a `Failure`)

Every message gives the value, the place and the remedy.
"""


class PicfuseError(Exception):
    """Base class of all errors that picfuse raises on purpose."""


class InputError(PicfuseError):
    """The request is wrong: correct and repeat it."""


class QueryError(InputError):
    """A query cannot be parsed, or its picture cannot be read."""


class PlacedError(QueryError):
    """A query cannot be parsed: the problem begins at `text[place:]`.

    `option` is the command-line option that held the text; empty for the terms themselves.
    """

    def __init__(self, problem: str, text: str, place: int, *, option: str = "") -> None:
        super().__init__(f"{option}: {problem}" if option else problem)
        self.problem, self.text, self.place, self.option = problem, text, place, option

    @property
    def marked(self) -> str:
        """The text on one line, with a mark under the place on the next."""
        line = "".join(c if c.isprintable() else " " for c in self.text)
        return f"{line}\n{' ' * self.place}^"


class CaptionFileError(InputError):
    """A caption file that the user named cannot be used."""


class DatasetError(InputError):
    """A data set cannot be used for training or evaluation."""


class LibraryError(PicfuseError):
    """The library needs attention."""


class LibraryNotFound(LibraryError):  # noqa: N818 - named by the state, not by "Error"
    """There is no library at this path."""


class LibraryDamaged(LibraryError):  # noqa: N818
    """The library exists but cannot be read."""


class LibraryLocked(LibraryError):  # noqa: N818
    """Another process is writing to the library."""


class EncoderMismatch(LibraryError):  # noqa: N818
    """The library was made with another encoder."""


class ModelError(PicfuseError):
    """A model is unavailable, or not what it claims to be."""


class PictureError(PicfuseError):
    """One picture cannot be read; work on the others continues."""

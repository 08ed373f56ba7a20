"""What can go wrong, named by what the user can do about it.

    PicfuseError
    ├── InputError            the request is wrong: fix it and ask again       (exit status 2)
    │   ├── QueryError        a query that cannot be parsed or whose picture cannot be read
    │   │   └── PlacedError   the same, with the place where it goes wrong
    │   ├── CaptionFileError  a caption file that was named but cannot be used
    │   └── DatasetError      a data set that cannot be trained on or evaluated
    ├── LibraryError          the library needs care                           (exit status 3)
    │   ├── LibraryNotFound   there is no library here
    │   ├── LibraryDamaged    it is there but cannot be read
    │   ├── LibraryLocked     another process is writing to it
    │   └── EncoderMismatch   it was made with another encoder
    ├── ModelError            a model cannot be had or is not what it claims   (exit status 3)
    └── PictureError          one picture cannot be read; the others go on     (a `Failure`)

Every message gives the value, the place and the remedy.
"""


class PicfuseError(Exception):
    """Base of everything that picfuse raises on purpose."""


class InputError(PicfuseError):
    """The request is wrong: fix it and ask again."""


class QueryError(InputError):
    """A query that cannot be parsed, or whose picture cannot be read."""


class PlacedError(QueryError):
    """A query that cannot be parsed: `text[place:]` is where the problem begins.

    `option` is where the text was given on the command line; empty for the terms themselves.
    """

    def __init__(self, problem: str, text: str, place: int, *, option: str = "") -> None:
        super().__init__(f"{option}: {problem}" if option else problem)
        self.problem, self.text, self.place, self.option = problem, text, place, option

    @property
    def marked(self) -> str:
        """The text on a line, and below it a mark at the place."""
        line = "".join(c if c.isprintable() else " " for c in self.text)
        return f"{line}\n{' ' * self.place}^"


class CaptionFileError(InputError):
    """A caption file that was named but cannot be used."""


class DatasetError(InputError):
    """A data set that cannot be trained on or evaluated."""


class LibraryError(PicfuseError):
    """The library needs care."""


class LibraryNotFound(LibraryError):  # noqa: N818 - named by the state, not by "Error"
    """There is no library at this path."""


class LibraryDamaged(LibraryError):  # noqa: N818
    """The library is there but cannot be read."""


class LibraryLocked(LibraryError):  # noqa: N818
    """Another process is writing to the library."""


class EncoderMismatch(LibraryError):  # noqa: N818
    """The library was made with another encoder."""


class ModelError(PicfuseError):
    """A model cannot be had, or is not what it claims to be."""


class PictureError(PicfuseError):
    """One picture cannot be read; the others go on."""

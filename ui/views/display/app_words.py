"""Messages in words of the app; the core names remedies of the command line."""

from __future__ import annotations

import re

_REMEDIES = tuple(
    (re.compile(found, re.IGNORECASE), said)
    for found, said in (
        (r"already exists; replace it with --replace", "exists. Tick 'Replace' or choose another "
         "name"),
        (r"'': not a valid album name.*", "Give the album a name"),
        (r"; save it again with --replace, or delete it with --delete", ". Save it again, or "
         "delete it below"),
        (r"; save it again with --replace", ". Save it again under this name"),
        (r"^not a picture \(or damaged at its start\): unknown format", "This is not a picture, or "
         "it is damaged"),
        (r"(the file|it) has changed since it was indexed.*", r"\1 has changed. Update its folder "
         "on the page 'Library'"),
        (r"; plug it in and run 'picfuse index' again", ". Connect the disk, then update again"),
        (r"no folder to index: .*", "There is no folder to update. Add one first"),
        (r"; name another with --library", ". Start 'picfuse ui' with another --library"),
        (r"\(to (index it anyway|allow more): (--[a-z-]+)\)", r"(to \1, run 'picfuse index' with "
         r"\2 in a terminal)"),
        (r"\b(run|with|is|by) ('picfuse (?:index|doctor|train|forget)[^']*')(?! with)", r"\1 \2 in "
         "a terminal"),
    )
)  # fmt: skip


def in_app_words(message: str) -> str:
    """A message as a sentence, with remedies that can be found in the app."""
    subject = message.partition(": ")[0]  # perhaps the name of a file, which keeps its letters
    if not {"/", ".", "\\"} & {*subject}:
        message = message[:1].upper() + message[1:]
    for found, said in _REMEDIES:
        message = found.sub(said, message)
    return message if message.endswith((".", "?", "!", "…")) else f"{message}."

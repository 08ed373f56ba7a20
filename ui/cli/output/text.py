"""Output: hits as lines or JSON, and text of files made safe for a terminal."""

from __future__ import annotations

import base64
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ui.sentences import excerpt_line, explanation_lines

if TYPE_CHECKING:
    from search import Answer, Hit, Query, Term
    from search.answer.hits import Explanation
    from search.query.examples import Example
    from search.query.terms import Reading
    from search.words.unknown import Unknown

_JOINER = "\u200d"  # inside emoji


def terminal_safe(text: str) -> str:
    """Text from a file or a file name, with control characters escaped."""
    return "".join(
        c if c.isprintable() or c == _JOINER else c.encode("unicode_escape").decode() for c in text
    )


@contextmanager
def harmless_usage() -> Iterator[None]:
    """Escape what usage errors of click quote: arguments may be names of files."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:  # it prints the help
        raise
    except click.UsageError as error:
        raise click.UsageError(terminal_safe(error.format_message()), error.ctx) from error


def print_json(value: object) -> None:
    """Print a JSON value on one line of standard output."""
    click.echo(json.dumps(value, ensure_ascii=True))


def path_fields(path: Path) -> dict[str, str]:
    """`path`, and `path_base64` if the name is not UTF-8."""
    raw = os.fsencode(path)
    try:
        return {"path": raw.decode()}
    except UnicodeDecodeError:
        encoded = base64.b64encode(raw).decode()
        return {"path": raw.decode(errors="replace"), "path_base64": encoded}


def hit_fields(hit: Hit) -> dict[str, Any]:
    """The JSON fields of a hit."""
    return {
        "rank": hit.rank,
        "id": hit.picture_id,
        **path_fields(hit.path),
        "score": _rounded(hit.score),
        "confidence": _rounded(hit.confidence),
        "found_by": hit.found_by,
        **({"doubtful": True} if hit.doubtful else {}),
        "caption": hit.caption,
        **({"captions": list(hit.captions)} if len(hit.captions) > 1 else {}),
        "image_score": _rounded(hit.image_score),
        "caption_score": _rounded(hit.caption_score),
        **({"metadata": metadata_fields(hit.metadata)} if hit.metadata else {}),
        **({} if hit.tags is None else {"tags": tag_fields(hit.tags)}),
        **({} if hit.excerpt is None else {"excerpt": valid(hit.excerpt)}),
        **({} if hit.words is None else {"words": [valid(word) for word in hit.words]}),
        **like_fields(hit),
        **({} if hit.explanation is None else {"explanation": explanation_fields(hit.explanation)}),
    }


def metadata_fields(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata of a picture, for JSON."""
    return {name: _valid_value(value) for name, value in metadata.items()}


def _valid_value(value: Any) -> Any:
    if isinstance(value, list):
        return [_valid_value(one) for one in value]
    return valid(value) if isinstance(value, str) else value


def explanation_fields(explanation: Explanation) -> dict[str, Any]:
    """The JSON fields of an explanation."""
    return {
        "picture": _rounded(explanation.picture),
        "caption": _rounded(explanation.caption),
        "taken_away": _rounded(explanation.taken_away),
        "marks": _rounded(explanation.marks),
        **({} if explanation.text is None else {"text": _rounded(explanation.text)}),
        "exact": explanation.exact,
        "terms": [
            {**term_fields(part.term), "share": _rounded(part.share)} for part in explanation.terms
        ],
    }


def unknown_fields(unknown: Sequence[Unknown]) -> dict[str, Any]:
    """The JSON field of unknown words; empty if there are none."""
    words = [{"word": valid(one.word), "meant": one.meant} for one in unknown]
    return {"unknown": words} if words else {}


def like_fields(hit: Hit) -> dict[str, Any]:
    """The JSON fields of the pictures folded into a hit; empty if there are none."""
    if not hit.folded:
        return {}
    alike = [{"id": picture.id, **path_fields(picture.path)} for picture in hit.folded]
    return {"folded": len(hit.folded), "like": alike}


def tag_fields(tags: Mapping[str, float]) -> dict[str, float]:
    """Tags with their probabilities, for JSON."""
    return {valid(name): round(probability, 4) for name, probability in tags.items()}


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 4)


def valid(text: str) -> str:
    """Text of an argument, with U+FFFD for each byte that is not UTF-8."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def query_fields(query: Query) -> dict[str, Any]:
    """The JSON fields of a query."""
    return {
        "terms": [term_fields(term) for term in query.terms],
        "weight": query.weight,
        **reading_fields(query.readings),
    }


def reading_fields(readings: Sequence[Reading]) -> dict[str, Any]:
    """The JSON field of how words were read; empty if nothing else could be meant."""
    fields = [{key: text and valid(text) for key, text in asdict(one).items()} for one in readings]
    return {"readings": fields} if fields else {}


def term_fields(term: Term) -> dict[str, Any]:
    """The JSON fields of a term."""
    if term.picture is None:
        return {"weight": term.weight, "text": valid(term.text)}
    return {"weight": term.weight, "picture": _name(term.picture)}


def _name(picture: str | bytes | Example) -> str:
    if isinstance(picture, str | bytes):
        return valid(picture) if isinstance(picture, str) else "@-"
    return "@-" if picture.path is None else os.fsencode(picture.path).decode(errors="replace")


def answer_fields(answer: Answer) -> dict[str, Any]:
    """The JSON fields of an answer."""
    return {
        "query": query_fields(answer.query),
        "hits": [hit_fields(hit) for hit in answer.hits],
        "present": _rounded(answer.probability_present),
        "elapsed_ms": answer.elapsed_ms,
        "next_offset": answer.next_offset,
        "suggestion": answer.suggestion and valid(answer.suggestion),
        **({"left_out": [valid(text) for text in answer.left_out]} if answer.left_out else {}),
        **({} if answer.unread_by is None else {"unread_by": answer.unread_by}),
        **unknown_fields(answer.unknown),
    }


def print_answer(answer: Answer, style: str) -> None:
    """Print the hits: as "lines" for people; as "jsonl" or "0" for scripts."""
    if style == "jsonl":
        for hit in answer.hits:
            print_json(hit_fields(hit))
    elif style == "0":
        sys.stdout.buffer.write(b"".join(os.fsencode(hit.path) + b"\0" for hit in answer.hits))
    else:
        print_hits(answer.hits)


def print_hits(hits: Sequence[Hit]) -> None:
    """Print hits for people: rank, score, confidence if known, path, and the caption below."""
    calibrated = any(hit.confidence is not None for hit in hits)
    for hit in hits:
        said = f"{'':6}" if hit.score is None else f"{hit.score:6.3f}"
        score = click.style(said, fg="green")
        sure = f"{'' if hit.confidence is None else f'{hit.confidence:.0%}':>4}  "
        beside = f"  {sure if calibrated else ''}"
        like = click.style(f"  +{len(hit.folded)} like it", dim=True) if hit.folded else ""
        click.echo(f"{hit.rank:3}  {score}{beside}{terminal_safe(str(hit.path))}{like}")
        if hit.caption:
            click.echo(
                click.style(f"{'':11}{'':{len(beside)}}{terminal_safe(hit.caption)}", dim=True)
            )
        if hit.words:
            said = f"has: {terminal_safe(', '.join(hit.words))}"
            click.echo(click.style(f"{'':11}{'':{len(beside)}}{said}", dim=True))
        if hit.excerpt:
            said = terminal_safe(excerpt_line(hit.excerpt))
            click.echo(click.style(f"{'':11}{'':{len(beside)}}{said}", dim=True))
        if hit.explanation is not None:
            for line in explanation_lines(hit.explanation):
                click.echo(
                    click.style(f"{'':11}{'':{len(beside)}}{terminal_safe(line)}", fg="cyan")
                )

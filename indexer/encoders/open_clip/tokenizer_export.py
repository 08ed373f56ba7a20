"""Export of open_clip's tokenizers to a form without open_clip, verified on examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from open_clip.tokenizer import HFTokenizer, SimpleTokenizer, get_clean_fn
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import Tensor

from indexer.encoders.open_clip.tokenizer import CLEANING, KeptTokenizer

EXAMPLES = (  # texts of every kind that tokenizers treat differently
    "a photo of two dogs on a beach",
    "",
    "  It's the DOG's Caf\u00e9, isn't it?\t\n",
    "e\u0301clair na\u00efve \u0130stanbul stra\u00dfe \u01c5 \ufb01sh \u00bd \u00b2",
    "fish &amp;amp; chips &lt;3 &quot;to go&quot;",
    "foo_bar-baz: 4th of July 2041 (IMG_2041.JPG) #1 @home 50% +-*/=",
    "\u72ac\u304c\u96ea\u306e\u4e2d \u0434\u0432\u0435 \u0441\u043e\u0431\u0430\u043a\u0438 \u0643",
    "\u201cquotes\u201d \u2026 \u2014 \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f600\u0308",
    "a\x00b\x07c\u200bd\u00a0e",
    "<start_of_text> text <end_of_text>[SEP] </s> <pad> [UNK]",
    "caf\u00c3\u00a9 \u00e2\u20ac\u0153broken\u00e2\u20ac\u009d",
    "x" * 700,
    "word, " * 200,
)


def kept_form(tokenizer: Callable[[list[str]], Tensor]) -> KeptTokenizer | None:
    """Convert a tokenizer to be stored; None if no conversion gives the same tokens."""
    if isinstance(tokenizer, SimpleTokenizer) and tokenizer.reduction_fn is None:
        kept = _of_merges(tokenizer)
    elif isinstance(tokenizer, HFTokenizer) and not tokenizer.tokenizer_mode:
        kept = _of_transformers(tokenizer)
    else:
        return None
    return kept if kept is not None and _same(kept, tokenizer) else None


def _same(kept: KeptTokenizer, tokenizer: Callable[[list[str]], Tensor]) -> bool:
    return np.array_equal(kept(EXAMPLES), tokenizer(list(EXAMPLES)).numpy())


def _of_merges(tokenizer: SimpleTokenizer) -> KeptTokenizer | None:
    """Convert a byte-pair encoding with start and end tokens, padded with zeros."""
    ids = {tokenizer.decoder[key]: key for key in tokenizer.all_special_ids}
    start, end = (
        tokenizer.decoder[tokenizer.sot_token_id],
        tokenizer.decoder[tokenizer.eot_token_id],
    )
    merges = sorted(tokenizer.bpe_ranks, key=tokenizer.bpe_ranks.__getitem__)
    model = Tokenizer(models.BPE(tokenizer.encoder, merges, end_of_word_suffix="</w>"))
    model.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    model.add_special_tokens(list(ids))
    model.post_processor = processors.TemplateProcessing(
        single=f"{start} $A {end}", special_tokens=[(token, ids[token]) for token in (start, end)]
    )
    return _kept(model, tokenizer, words=tokenizer.pat.pattern, pad_id=0)


def _of_transformers(tokenizer: HFTokenizer) -> KeptTokenizer | None:
    """Convert a fast tokenizer of transformers; None for others."""
    inner = tokenizer.tokenizer
    if getattr(inner, "backend_tokenizer", None) is None:
        return None
    model = Tokenizer.from_str(inner.backend_tokenizer.to_str())
    blank = inner.sep_token_id if tokenizer.strip_sep_token else None
    return _kept(
        model,
        tokenizer,
        blank=blank,
        pad_id=inner.pad_token_id or 0,
        direction=inner.padding_side,
    )


def _kept(
    model: Tokenizer,
    tokenizer: Any,
    *,
    words: str | None = None,
    blank: int | None = None,
    **padding: Any,
) -> KeptTokenizer | None:
    cleaning = next((n for n in CLEANING if get_clean_fn(n) is tokenizer.clean_fn), None)
    if cleaning is None or not tokenizer.context_length:
        return None
    model.enable_truncation(tokenizer.context_length)
    model.enable_padding(length=tokenizer.context_length, **padding)
    return KeptTokenizer(cleaning, words, model.to_str(), blank)

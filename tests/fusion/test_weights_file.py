"""Files of weights: equal ones have equal bytes, and none is ever there by half."""

import numpy as np
import pytest
from safetensors import SafetensorError

from indexer.files import whole_file
from indexer.weights_file import packed, unpacked

TENSORS = {"a": np.arange(6, dtype=np.float16).reshape(2, 3), "b": np.ones(1, np.float32)}


def test_equal_weights_have_equal_bytes_in_whatever_order_they_come():
    turned = {name: TENSORS[name] for name in reversed(TENSORS)}
    one = packed(TENSORS, "said", {"x": 1, "y": 2})
    assert packed(turned, "said", {"y": 2, "x": 1}) == one
    assert packed(TENSORS, "said", {"x": 1, "y": 3}) != one


def test_what_was_packed_is_unpacked_as_float32():
    tensors, metadata = unpacked(packed(TENSORS, "said", {"x": "é"}))
    assert metadata == {"said": '{"x": "\\u00e9"}'}
    assert {name: tensor.dtype for name, tensor in tensors.items()} == dict.fromkeys(
        TENSORS, np.float32
    )
    assert all(np.array_equal(tensors[name], TENSORS[name]) for name in TENSORS)


def test_bytes_of_something_else_are_refused():
    for content in (b"", b"file,label\n", packed(TENSORS, "said", {})[:-1]):
        with pytest.raises(SafetensorError):
            unpacked(content)


def write_half(path):
    with whole_file(path) as temporary:
        temporary.write_text("half of the sec")
        raise KeyboardInterrupt


def test_file_appears_at_the_end_and_an_interrupt_leaves_the_one_before(tmp_path):
    path = tmp_path / "deep" / "file"
    with whole_file(path) as temporary:
        temporary.write_text("first")
        assert not path.exists()
    with pytest.raises(KeyboardInterrupt):
        write_half(path)
    assert path.read_text() == "first"
    assert list(path.parent.iterdir()) == [path]

"""Accepted captions are written beside their pictures."""

import pytest
from full_disk import files_of_at_most

from indexer.captions.writing import write_caption
from indexer.errors import InputError


@pytest.mark.parametrize("room", [0, 5])
def test_full_disk_leaves_no_part_of_a_caption(tmp_path, room):
    picture = tmp_path / "red.png"
    picture.touch()
    with files_of_at_most(room), pytest.raises(InputError, match="cannot be written to"):
        write_caption(picture, "a red wall")
    assert list(tmp_path.iterdir()) == [picture]
    assert write_caption(picture, "a red wall").read_text() == "a red wall\n"

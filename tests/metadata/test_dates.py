"""Dates in whatever shape: in metadata, and in the names of files and folders."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.metadata.dates import Moment, moment_of
from indexer.metadata.fields import shown_moment
from indexer.metadata.names import name_facts


def shown(moment):
    if moment is None:
        return None
    last = None if moment.last is None else moment.last.isoformat()
    return shown_moment(moment.first.isoformat(), last)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("2015:06:07 08:09:10", "2015-06-07T08:09:10"),
        ("2015-06-07T08:09:10", "2015-06-07T08:09:10"),
        ("2015/06/07 08:09:10", "2015-06-07T08:09:10"),
        ("2015.06.07 08.09.10", "2015-06-07T08:09:10"),
        ("2015: 6: 7  8: 9:10", "2015-06-07T08:09:10"),
        ("2015:06:07 08:09:10\0", "2015-06-07T08:09:10"),
        ("2015:06:07 08:09:10.50", "2015-06-07T08:09:10"),
        ("2015:06:07 08:09:10+02:00", "2015-06-07T08:09:10"),
        ("2015-06-07T08:09:10.123456Z", "2015-06-07T08:09:10"),
        ("2015:06:07 08:09:10 PM", "2015-06-07T20:09:10"),
        ("2015:06:07 12:09:10 am", "2015-06-07T00:09:10"),
        ("2015:06:07 24:00:00", "2015-06-08T00:00:00"),
        ("2015:06:07 08:09:60", "2015-06-07T08:09:59"),
        ("2015:06:07 08:09", "2015-06-07T08:09"),
        ("2015:06:07 25:61:00", "2015-06-07"),
        ("20150607T080910", "2015-06-07T08:09:10"),
        ("20150607080910", "2015-06-07T08:09:10"),
        ("20150607", "2015-06-07"),
        ("2015:06:07", "2015-06-07"),
        ("1890:01:02 00:00:00", "1890-01-02T00:00:00"),
        ("1985:07:00 00:00:00", "1985-07"),
        ("1985:00:00 00:00:00", "1985"),
        ("1985:  :     :  :  ", "1985"),
        ("19850000", "1985"),
        ("1985-07", "1985-07"),
        ("1985", "1985"),
        ("c. 1985", "1985"),
        ("1980s", "1980..1989"),
        ("June 1985", "1985-06"),
        ("7 June 2015", "2015-06-07"),
        ("June 7, 2015 8:09 PM", "2015-06-07T20:09"),
        ("Sun, 07 Jun 2015 08:09:10 GMT", "2015-06-07T08:09:10"),
        ("Sun Jun  7 08:09:10 2015", "2015-06-07T08:09:10"),
        ("2015年6月7日 08:09:10", "2015-06-07T08:09:10"),
        ("07.06.2015 08:09:10", "2015-06-07T08:09:10"),
        ("13/06/2015", "2015-06-13"),
        ("06/13/2015", "2015-06-13"),
        ("06/07/2015", "2015"),  # which of both is the month?
        ("0000:00:00 00:00:00", None),
        ("    :  :     :  :  ", None),
        ("1970:01:01 00:00:00", None),  # a clock that counts from nothing
        ("2021:02:30 10:00:00", None),
        ("2015:13:01 10:00:00", None),
        ("9999:99:99 99:99:99", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_date_is_known_as_far_as_it_is_written(text, meaning):
    assert shown(moment_of(text)) == meaning


@given(st.text(alphabet="0123456789:-/. TZ+APMjun", max_size=30))
def test_any_text_is_a_date_or_none(text):
    moment = moment_of(text)
    assert moment is None or Moment.of(str(moment)) == moment


@pytest.mark.parametrize(
    ("name", "dates"),
    [
        ("IMG-20150607-WA0001.jpg", ["2015-06-07"]),
        ("PXL_20150607_080910123.jpg", ["2015-06-07T08:09:10"]),
        ("IMG_20150607_080910_1.jpg", ["2015-06-07T08:09:10"]),
        ("IMG20150607080910.jpg", ["2015-06-07T08:09:10"]),
        ("Screenshot_2015-06-07-08-09-10.jpg", ["2015-06-07T08:09:10"]),
        ("Screenshot_20150607-080910_Maps.jpg", ["2015-06-07T08:09:10"]),
        ("Screen Shot 2015-06-07 at 8.09.10 PM.png", ["2015-06-07T20:09:10"]),
        ("WhatsApp Image 2015-06-07 at 08.09.10.jpeg", ["2015-06-07T08:09:10"]),
        ("2015-06-07 08.09.10.jpg", ["2015-06-07T08:09:10"]),
        ("signal-2015-06-07-080910.jpg", ["2015-06-07T08:09:10"]),
        ("mmexport1433664550000.jpg", ["2015-06-07T08:09:10"]),
        ("2015-06-07 0012.jpg", ["2015-06-07"]),  # the twelfth of that day
        ("07.06.2015 party.jpg", ["2015-06-07"]),
        ("13-06-2015.jpg", ["2015-06-13"]),
        ("06-07-2015.jpg", []),
        ("2015年6月7日.jpg", ["2015-06-07"]),
        ("scan_1985-07.jpg", ["1985-07"]),
        ("Rome 1985.jpg", ["1985"]),
        ("Trip to Max 1985.jpg", ["1985"]),
        ("IMG_1985.jpg", []),
        ("Photo 1985.jpg", []),
        ("desktop 1920 x 1985.jpg", []),
        ("DSC01985.jpg", []),
        ("1985.jpg", []),
        ("wallpaper-1920x1080.jpg", []),
        ("20151345_1.jpg", []),
        ("Snapchat-1234567890123456.jpg", []),
        ("2019-08 Rome/a.jpg", ["2019-08"]),
        ("2019/08/15/a.jpg", ["2019-08-15"]),
        ("2019/08 Rome/a.jpg", ["2019-08"]),
        ("2019/Rome/a.jpg", ["2019"]),
        ("15 August 2019/a.jpg", ["2019-08-15"]),
        ("Aug 2019/a.jpg", ["2019-08"]),
        ("2019-2020/a.jpg", ["2019..2020"]),
        ("1980s/a.jpg", ["1980..1989"]),
        ("1999/IMG_20150607_1.jpg", ["2015-06-07", "1999"]),
        ("DCIM/100CANON/IMG_2001.JPG", []),
    ],
)
def test_names_of_files_and_folders_tell_dates(name, dates):
    facts = name_facts(b"/home/2001/Pictures", name.encode())
    assert [shown(Moment.of(fact.value)) for fact in facts] == dates


def test_the_indexed_folder_has_a_name_too():
    (fact,) = name_facts(b"/home/2019-08 Rome/", b"caf\xe9.jpg")
    assert (fact.source, shown(Moment.of(fact.value))) == ("folder name", "2019-08")

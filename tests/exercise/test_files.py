from datetime import UTC, datetime

import pytest

from pipeline.exercise.server import Server
from pipeline.feeds.grib_index import parse_idx
from tests.exercise.conftest import Ask

GRIB = "noaa-gfs-bdp-pds.s3.amazonaws.com/gfs.20240405/00/atmos/gfs.t00z.pgrb2.0p25.f009"


def test_a_whole_file_comes_with_etag_and_length(ask: Ask) -> None:
    answer = ask(GRIB)
    assert answer.status_code == 200
    assert answer.content[:4] == b"GRIB"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["etag"].startswith('"')
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert "date" not in answer.headers
    assert ask(GRIB, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304


def test_head_tells_the_length_and_sends_nothing(ask: Ask) -> None:
    head, whole = ask(GRIB, method="HEAD"), ask(GRIB)
    assert head.content == b""
    assert head.headers["content-length"] == whole.headers["content-length"]


@pytest.mark.parametrize(
    ("header", "first", "end"), [("bytes=0-99", 0, 100), ("bytes=100-", 100, None), ("bytes=-50", -50, None)]
)
def test_a_range_is_answered_by_206_with_exactly_these_bytes(ask: Ask, header: str, first: int, end: int | None) -> None:
    whole = ask(GRIB).content
    answer = ask(GRIB, headers={"Range": header})
    assert answer.status_code == 206
    assert answer.content == whole[first:end]
    start = first % len(whole)
    assert answer.headers["content-range"] == f"bytes {start}-{start + len(answer.content) - 1}/{len(whole)}"


def test_a_range_that_runs_over_the_end_is_cut_there(ask: Ask) -> None:
    size = len(ask(GRIB).content)
    answer = ask(GRIB, headers={"Range": f"bytes={size - 10}-{size + 10}"})
    assert (answer.status_code, len(answer.content)) == (206, 10)


def test_a_range_beyond_the_end_is_answered_by_416(ask: Ask) -> None:
    size = len(ask(GRIB).content)
    answer = ask(GRIB, headers={"Range": f"bytes={size}-"})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{size}"


@pytest.mark.parametrize("header", ["bytes=0-1,5-6", "lines=1-2", "bytes=-"])
def test_a_range_that_is_not_understood_is_ignored(ask: Ask, header: str) -> None:
    assert ask(GRIB, headers={"Range": header}).status_code == 200


def test_an_index_leads_to_whole_messages(ask: Ask) -> None:
    records = parse_idx(ask(f"{GRIB}.idx").text)
    record = next(record for record in records if record.key == "TMP:2 m above ground")
    assert record.end is not None
    body = ask(GRIB, headers={"Range": f"bytes={record.start}-{record.end - 1}"}).content
    assert body[:4] == b"GRIB"
    assert body[-4:] == b"7777"


def test_a_cycle_is_there_when_it_is_announced(server: Server, ask: Ask) -> None:
    server.set_clock(datetime(2024, 4, 5, 5, 14, tzinfo=UTC), "zhaiyk-2024")
    missing = ask(GRIB)
    assert missing.status_code == 404
    assert b"NoSuchKey" in missing.content
    server.set_clock(datetime(2024, 4, 5, 5, 15, tzinfo=UTC), "zhaiyk-2024")
    assert ask(GRIB).status_code == 200


def test_the_truth_is_nowhere_served(server: Server, ask: Ask) -> None:
    stage = server.stage("zhaiyk-2024")
    scene = stage.items(datetime(2024, 4, 20, tzinfo=UTC))[0]["id"]
    assert stage.truth(scene).is_file()
    assert not any("truth" in target for target in stage.files)
    served = (stage.folder / "files").resolve()
    assert not stage.truth(scene).resolve().is_relative_to(served)
    blob = next(target for target in stage.files if target.startswith("sentinel1euwestrtc"))
    for path in (
        f"{blob.rsplit('/', 1)[0]}/../../truth/{scene}.tif",
        f"truth/{scene}.tif",
        f"{blob.split('/')[0]}/truth/{scene}.tif",
    ):
        assert ask(path).status_code == 404


def test_an_unknown_host_is_not_there(ask: Ask) -> None:
    assert ask("example.org/anything").status_code == 404

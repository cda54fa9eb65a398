"""The Cancel of a false alarm, where the map that was warned of is not there any more."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline import steps
from pipeline.alerts import cap
from pipeline.exercise.scenario import Deletion
from pipeline.products.catalog import item_key
from pipeline.service.alerts import record
from tests.drills import Player, on_stage
from tests.test_faults import START, at, drill_of, quake, sent

GONE = Deletion.model_validate({"at": at(25), "what": "delete", "service": "usgs", "event": "main"})


def lose(player: Player, how: str) -> str:
    """Return the id of the only Item, after its removal or damage."""
    (item,) = player.items()
    key = item_key(item["id"])
    if how == "removed":
        shutil.rmtree(Path(player.work.store.root, key).parent)
    else:
        player.work.store.put(key, b"{")
    return str(item["id"])


@pytest.mark.parametrize("anew", [False, True], ids=["as it was indexed", "by a new index"])
@pytest.mark.parametrize("how", ["removed", "damaged"])
def test_a_false_alarm_is_cancelled_though_its_item_is_lost(tmp_path: Path, how: str, anew: bool) -> None:
    with on_stage(drill_of(quake(5, 6.6), GONE), tmp_path) as player:
        player.at(START, "terrain")
        assert player.at(at(5), "usgs") == []
        item = lose(player, how)
        if anew:
            player.work.catalog.rebuild()
        assert player.at(at(25), "usgs", "usgs_fdsn") == []
        alert, cancel = sent(player)
        assert (alert.msg_type, cancel.msg_type) == ("Alert", "Cancel")
        assert [reference[1] for reference in cancel.references] == [alert.identifier]
        assert {dict(info.parameters)["hazmon:item"] for info in cancel.infos} == {item}
        assert [info.language for info in cancel.infos] == [info.language for info in alert.infos]
        (key,) = (key for key in player.messages() if cancel.identifier in key)
        data = player.work.store.get(key)
        assert (cap.parse(data), record.read(key, data).hazard) == (cancel, "shaking")
        assert player.at(at(30), "usgs", "usgs_fdsn") == []
        event = cancel.incidents[0].removeprefix("event-")
        assert [ref.new for ref in steps.warn(player.work, "shaking", f"event:{event}:2:20240122T180904Z", at(31))] == [False]
        assert len(sent(player)) == 2, "asked again, nothing is sent twice"

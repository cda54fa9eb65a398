"""What the steps work in: every name in the configuration is checked, with the file it stands in."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline import config, steps
from pipeline.errors import ConfigError
from tests.drills import CONFIG


def changed(folder: Path, kind: str, id: str, fields: dict[str, Any]) -> steps.Workspace:
    """Return a workspace with some fields of one file changed."""
    old = yaml.safe_load((CONFIG / kind / f"{id}.yaml").read_text(encoding="utf-8"))
    (folder / "more" / kind).mkdir(parents=True)
    (folder / "more" / kind / f"{id}.yaml").write_text(yaml.safe_dump({**old, **fields}), encoding="utf-8")
    return steps.open_workspace(str(folder / "home"), config.Config(CONFIG, folder / "more"))


def test_the_shipped_configuration_is_in_order(tmp_path: Path) -> None:
    work = steps.open_workspace(str(tmp_path), config.Config(CONFIG))
    lines = work.check()
    assert {f"feed {id}" for id in work.config.feeds} <= {line.split(":")[0] for line in lines}
    assert {f"hazard {id}" for id in work.config.hazards} <= {line.split(":")[0] for line in lines}


def test_an_unknown_feed_is_named_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'usgz': expected one of .*usgs"):
        steps.open_workspace(str(tmp_path), config.Config(CONFIG)).feed("usgz")


@pytest.mark.parametrize(
    ("kind", "id", "fields", "message"),
    [
        ("feeds", "usgs", {"protocol": "gopher"}, r"usgs\.yaml: field protocol: found 'gopher'"),
        ("feeds", "usgs", {"options": {"least": 3}}, r"usgs\.yaml: field options: .*least"),
        ("hazards", "shaking", {"layer": "tremor"}, r"shaking\.yaml: field layer: found 'tremor'"),
        ("hazards", "shaking", {"inputs": {"depth": "event.depth"}}, r"shaking\.yaml: field inputs: found \['depth'\]"),
        ("hazards", "shaking", {"parameters": {"colour": 1}}, r"shaking\.yaml: field parameters: found \['colour'\]"),
        ("hazards", "shaking", {"trigger": "usgz"}, r"shaking\.yaml: field trigger: found 'usgz'"),
    ],
)
def test_a_wrong_field_is_named_with_its_file(tmp_path: Path, kind: str, id: str, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        changed(tmp_path, kind, id, fields).check()


def test_a_folder_or_bucket_of_another_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match="s3://"):
        steps.open_workspace("ftp://somewhere", config.Config(CONFIG))

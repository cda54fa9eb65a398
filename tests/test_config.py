import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import config
from pipeline.errors import ConfigError

ROOT = Path(__file__).parents[1]


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return folder


def test_the_configuration_that_ships_is_consistent():
    config.load(ROOT / "config").check()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title: X\nbounds: [0, 0, 1, 1]\ncolour: blue\n", "colour"),
        ("title: X\nbounds: [0, 5, 1, 1]\n", "south < north"),
        ("title: X\nid: other\nbounds: [0, 0, 1, 1]\n", "file's name"),
        ("- 1\n", "mapping"),
        ("title: !!python/object:os.system {}\n", "YAML"),
        ("title: [\n", "YAML"),
    ],
)
def test_a_fault_is_named_by_file_field_found_and_expected(tmp_path, text, words):
    folder = write(tmp_path, "regions/x.yaml", text)
    with pytest.raises(ConfigError, match=words) as caught:
        _ = config.load(folder).regions
    assert "x.yaml" in str(caught.value)


def test_a_name_that_points_nowhere_is_found(tmp_path):
    write(tmp_path, "regions/x.yaml", "title: X\nbounds: [0, 0, 1, 1]\n")
    write(
        tmp_path,
        "hazards/h.yaml",
        "layer: l\nregions: [y]\ngrid: region\nresolution: 1\ntrigger: []\ninputs: {}\n",
    )
    with pytest.raises(ConfigError, match=r"h\.yaml.*regions.*'y'.*\['x'\]"):
        config.load(tmp_path).check()


def test_a_later_folder_replaces_single_files(tmp_path, monkeypatch):
    write(tmp_path / "a", "regions/x.yaml", "title: one\nbounds: [0, 0, 1, 1]\n")
    write(tmp_path / "a", "regions/y.yaml", "title: kept\nbounds: [0, 0, 1, 1]\n")
    write(tmp_path / "b", "regions/x.yaml", "title: two\nbounds: [0, 0, 1, 1]\n")
    monkeypatch.setenv("HAZMON_CONFIG", f"{tmp_path / 'a'}:{tmp_path / 'b'}")
    assert {id: r.title for id, r in config.load().regions.items()} == {"x": "two", "y": "kept"}


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ConfigError, match="nowhere"):
        config.load(tmp_path / "nowhere")


def test_reading_the_configuration_loads_no_array_library():
    code = (
        "import sys, pipeline.config as c; c.load().hazards;"
        "bad = {'numpy', 'xarray', 'rasterio', 'pandas', 'dask'} & set(sys.modules); sys.exit(str(bad) if bad else 0)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)

"""The environment of the reference programs: OpenQuake (AGPL) and ShakeMap (CC0), which are no dependencies of the project."""

from __future__ import annotations

import os
import subprocess
import venv
from pathlib import Path

REQUIREMENTS = ("openquake.engine==3.24.1", "h3", "fiona", "shakemap-modules[assemble,model]==1.1.18", "esi-shakelib==1.2.1")
#: Versions of everything they need, so that the reference stays what it was.
CONSTRAINTS = Path(__file__).with_name("oracle_constraints.txt")


def oracle_python() -> str:
    """Return the interpreter that HAZMON_ORACLE_PYTHON names, else that of the cache folder, made when first asked for."""
    if named := os.environ.get("HAZMON_ORACLE_PYTHON"):
        return named
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "hazmon" / "oracle"
    python, made = folder / "bin" / "python", folder / "made-from.txt"
    recipe = "\n".join((*REQUIREMENTS, CONSTRAINTS.read_text()))
    if not made.exists() or made.read_text() != recipe:
        print(f"making the environment of OpenQuake and ShakeMap in {folder}, once; it takes some minutes", flush=True)
        venv.create(folder, clear=True, with_pip=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--constraint", str(CONSTRAINTS), *REQUIREMENTS]
        subprocess.run(install, check=True)
        made.write_text(recipe)
    return str(python)

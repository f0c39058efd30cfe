"""Build step of the wheel and the source archive: the static folder is there, made now if it has to be.

A source archive carries it ready-made and none of what it is made from.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Assets(BuildHookInterface):  # type: ignore[type-arg]
    """Makes src/getbill/static before anything is packed."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 hatchling's signature
        """Run bin/assets in a clone; an unpacked source archive brings its result."""
        assets = Path(self.root, "bin", "assets")
        if assets.exists():
            subprocess.run([sys.executable, assets], check=True)  # noqa: S603 our own script

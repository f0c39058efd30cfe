"""Damage to the workers' journals of hand-overs, live or left behind: cut, deleted, copied over another, swapped."""

import random
import shutil
from contextlib import suppress
from pathlib import Path


def spoil(folder: Path, chance: random.Random) -> None:
    """Damage one journal of a folder, if there is any; a worker may delete one meanwhile."""
    paths = sorted(folder.glob("*.slots"))
    if not paths:
        return
    path, other = chance.choice(paths), chance.choice(paths)
    with suppress(FileNotFoundError):
        match chance.choice(["cut", "delete", "copy", "swap"]):
            case "cut":
                with path.open("r+b") as file:
                    file.truncate(chance.randrange(path.stat().st_size + 1))
            case "delete":
                path.unlink()
            case "copy" if path != other:
                shutil.copyfile(path, other)
            case "swap" if path != other:
                _swap(path, other)


def _swap(path: Path, other: Path) -> None:
    aside = path.with_suffix(".aside")
    path.rename(aside)
    with suppress(FileNotFoundError):
        other.rename(path)
    aside.rename(other)

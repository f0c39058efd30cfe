"""Measure figures of GetBill and print them, as a table or as one JSON object a line."""

import argparse
import importlib
import json
import signal
import sys
import time
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.figures import Figure

# Each name's module measures it, by `measure` unless another function is named; some print more than one figure.
NAMES = {
    "create": "bench.create",
    "get": "bench.get",
    "mix": "bench.mixed_load",
    "page": "bench.page",
    "deliver": "bench.deliver",
    "hang": "bench.hang",
    "kills": "bench.kills",
    "import-csv": "bench.imports:csv",
    "import-xlsx": "bench.imports:xlsx",
    "import-scale": "bench.imports:scale",
    "import-beside": "bench.interference",
    "tick": "bench.tick",
    "frozen": "bench.frozen",
    "smtp": "bench.smtp",
    "contact-kills": "bench.contact_kills",
    "workspaces": "bench.many_workspaces",
    "outage": "bench.outage",
    "memory": "bench.memory",
    "first-run": "bench.first_run",
    "mapping": "bench.mapping",
}
# What is asked for by one name; each part has an installation of its own.
WHOLES = {"import": ("import-csv", "import-xlsx", "import-scale", "import-beside")}


def main() -> int:
    """Run the figures asked for, all by default; fail when one misses its target."""
    parser = argparse.ArgumentParser(prog="bin/bench", description=__doc__)
    names_known = ", ".join([*WHOLES, *NAMES])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {names_known}; all by default")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    request = parser.parse_args()
    names = [part for name in request.names or NAMES for part in WHOLES.get(name, (name,))]
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        parser.error(f"There is no figure {unknown[0]!r}. There are: {names_known}.")
    for sign in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, _leave)
    figures: list[Figure] = []
    try:
        for name in names:
            result = _measure(name)
            figures += result
            if request.json:
                for figure in result:
                    print(json.dumps(figure.line()), flush=True)
    finally:
        # A figure that fails, or a run cut short, takes nothing from those there are.
        if figures and not request.json:
            Console().print(_table(figures))
    return 0 if all(figure.is_met for figure in figures) else 1


def _measure(name: str) -> list[Figure]:
    began = time.monotonic()
    module, _, function = NAMES[name].partition(":")
    measure = getattr(importlib.import_module(module), function or "measure")
    result: list[Figure] = measure(lambda text: _say(f"{name}: {text}"))
    _say(f"{name}: done in {time.monotonic() - began:.0f} s")
    return result


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _leave(_sign: int, _frame: Any) -> None:
    sys.exit(143)


def _table(figures: list[Figure]) -> Table:
    table = Table("figure", "ours", "limit", "ratio", "target", "met", "unit")
    for figure in figures:
        line = figure.line()
        bound = "at least" if figure.is_more_better else "at most"
        target = "" if figure.target is None else f"{bound} {figure.target:g}"
        is_met = "" if figure.target is None else "yes" if figure.is_met else "[red]no[/red]"
        numbers = (f"{line[key]:,.5g}" for key in ("ours", "limit", "ratio"))
        table.add_row(figure.name, *numbers, target, is_met, line["unit"])
    return table


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)

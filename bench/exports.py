"""Score the seen layouts, or those named, and print every miss."""

import argparse
import sys
import time
from pathlib import Path

from bench.export_figures import tell
from testbed.corpus.exports.layout import FOLDER, layouts
from testbed.corpus.exports.recipient import recipient


def main() -> int:
    """Print how the layouts came out; fail where something is wrong in silence or nothing answers a question."""
    parser = argparse.ArgumentParser(prog="python -m bench.exports", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a seen layout; all of them by default")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the layouts are")
    parser.add_argument("--part", choices=("seen", "unseen"), default="seen", help="of unseen figures only")
    parser.add_argument("--details", action="store_true", help="print misses of unseen layouts too")
    parser.add_argument(
        "--worker", action="store_true", help="have a worker's children do the imports, as in production"
    )
    arguments = parser.parse_args()
    chosen = layouts(arguments.part, arguments.folder)
    names = {layout.name for layout in chosen}
    if strange := set(arguments.names) - names:
        parser.error(f"There is no {arguments.part} layout {min(strange)!r}.")
    if arguments.names:
        chosen = [layout for layout in chosen if layout.name in arguments.names]
    began = time.monotonic()
    with recipient(is_quick=not arguments.worker) as ours:
        ready = time.monotonic()
        verdict = ours.verdict(chosen)
        scored = time.monotonic()
    tell(verdict, arguments.part, print, has_details=arguments.part == "seen" or arguments.details)
    print(f"{scored - ready:.0f} s for {len(chosen)} files, after {ready - began:.0f} s to start")
    return 1 if verdict.wrong or verdict.second_rounds or verdict.faults else 0


if __name__ == "__main__":
    sys.exit(main())

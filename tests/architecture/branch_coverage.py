"""Branch coverage of the packages that read files, printed by bin/test before the full run; a package below the aim fails the run."""

import sys
from pathlib import Path

from coverage import Coverage

SOURCE = Path(__file__).parents[2] / "src" / "getbill"
PACKAGES = ("imports", "mapping")
AIM = 95.0


def main() -> int:
    """Print the share of branches that the tests took in each package; return the exit code."""
    coverage = Coverage()
    coverage.combine()
    coverage.save()
    shares = {package: branch_share(coverage, SOURCE / package) for package in PACKAGES}
    listed = ", ".join(f"{package} {share:.1f} %" for package, share in shares.items())
    print(f"branch coverage: {listed} (aim {AIM:.0f} %)")  # noqa: T201 printing is what it is for
    return int(min(shares.values()) < AIM)


def branch_share(coverage: Coverage, package: Path) -> float:
    """Return the percentage of a package's branches that were taken."""
    branches = [
        counts for path in package.rglob("*.py") for counts in coverage.branch_stats(str(path)).values()
    ]
    return 100 * sum(taken for _, taken in branches) / sum(total for total, _ in branches)


if __name__ == "__main__":
    sys.exit(main())

"""Print how many packages of a requirements file this machine installs."""

import re
import sys
from pathlib import Path

from pip._vendor.packaging.requirements import Requirement

LINE = re.compile(r"[\w.-]+(?:\[[^]]*\])?==[^\\]*")

lines = [LINE.match(line) for line in Path(sys.argv[1]).read_text("utf-8").splitlines()]
needed = [Requirement(line[0].strip()) for line in lines if line]
print(sum(1 for one in needed if one.marker is None or one.marker.evaluate()))

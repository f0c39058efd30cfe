"""What others install is what we run: the wheel is built for real and looked into."""

import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import getbill

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    target = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(target)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    return zipfile.ZipFile(next(target.glob("*.whl")))


def test_the_wheel_holds_every_file_the_program_reads(wheel: zipfile.ZipFile) -> None:
    package = ROOT / "src" / "getbill"
    expected = {
        f"getbill/{path.relative_to(package)}"
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    packed = {name for name in wheel.namelist() if name.startswith("getbill/")}

    assert packed == expected
    assert {
        "getbill/migrations/sql/0001/90_queue.sql",
        "getbill/static/swagger/swagger-ui-bundle.js",
    } <= packed


def test_the_wheel_says_what_it_is(wheel: zipfile.ZipFile) -> None:
    folder = f"getbill-{getbill.__version__}.dist-info"

    report = Parser().parsestr(wheel.read(f"{folder}/METADATA").decode())

    assert report["License-Expression"] == "Apache-2.0"
    assert report["Version"] == getbill.__version__
    assert report["Requires-Python"] == ">=3.11"
    assert "getbill = getbill.process.cli:main" in wheel.read(f"{folder}/entry_points.txt").decode()

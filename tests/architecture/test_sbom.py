"""The software bill of materials lists what is locked, and nothing else."""

import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from types import ModuleType

import pytest

from architecture.source import ROOT


@pytest.fixture(scope="module")
def sbom() -> ModuleType:
    loader = SourceFileLoader("sbom", str(ROOT / "bin" / "sbom"))
    module = module_from_spec(spec_from_loader("sbom", loader))
    sys.modules["sbom"] = module
    loader.exec_module(module)
    return module


def test_every_locked_package_is_listed_with_its_hashes_and_what_needs_it(sbom: ModuleType) -> None:
    lock = (ROOT / "requirements" / "run.txt").read_text("utf-8")

    packages = list(sbom.python_packages())

    assert len(packages) == sum(
        "==" in line and not line.startswith(("#", " ")) for line in lock.splitlines()
    )
    assert sum(len(package.hashes) for package in packages) == lock.count("--hash=sha256:")
    names = {package.name for package in packages} | {"getbill"}
    assert all(package.needed_by and package.needed_by <= names for package in packages)
    (aiohttp,) = [package for package in packages if package.name == "aiohttp"]
    assert aiohttp.needed_by == {"getbill"}


def test_what_pages_are_made_of_is_listed(sbom: ModuleType) -> None:
    packages = {package.name: package for package in sbom.npm_packages()}

    assert packages["swagger-ui-dist"].needed_by == {"getbill"}
    assert packages["@scarf/scarf"].needed_by == {"swagger-ui-dist"}
    assert all(len(package.hashes[0][1]) == 128 for package in packages.values())

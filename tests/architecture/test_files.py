"""Whatever the program writes on disk is its owner's alone: each place that makes a file says so."""

import ast
import subprocess
import sys
from pathlib import Path

from architecture.source import ROOT, modules
from getbill.kit.files import private_files

# Files that others made, or that only pass a descriptor on; each with the reason.
ELSEWHERE = {
    "kit/files/private_files.py": "is where files are made for their owner alone",
    "kit/files/durable_files.py": "overwrites a secret before it is deleted",
    "embedded/server.py": "PostgreSQL's log, restricted before it is opened; anew under the process' own umask",
    "embedded/launch.py": "tells the kernel which number root has; makes no file",
    "sheets/files/workbook_parts.py": "writes into an archive that is a temporary file",
    "embedded/data_folder.py": "the place of the cluster, under the process' own umask; names nobody",
}
WRITING = set("wax+")


def test_files_are_made_for_their_owner_alone() -> None:
    wrong = [
        f"{module.name}:{call.lineno}"
        for module in modules()
        if module.name not in ELSEWHERE
        for call in ast.walk(module.tree)
        if isinstance(call, ast.Call) and _makes_a_file(call)
    ]

    assert not wrong, f"Make the file by kit.files.private_files.create, or with mode 0o600: {wrong}"


def _makes_a_file(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in {"write_text", "write_bytes", "copyfile", "FileHandler"}:
        return True
    if name == "touch":
        return bool(_told(call, "mode") != 0o600 and not call.args and call.keywords)
    if name != "open":
        return False
    if isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", "") == "os":
        makes = any("O_CREAT" in ast.unparse(argument) for argument in call.args)
        return makes and not any(isinstance(part, ast.Constant) and part.value == 0o600 for part in call.args)
    texts = [
        part.value for part in call.args if isinstance(part, ast.Constant) and isinstance(part.value, str)
    ]
    return any(len(text) <= 3 and not WRITING.isdisjoint(text) for text in texts)


def _told(call: ast.Call, name: str) -> object:
    return next((ast.literal_eval(keyword.value) for keyword in call.keywords if keyword.arg == name), None)


def test_a_process_makes_no_file_for_others_and_no_dump_of_its_memory(tmp_path: Path) -> None:
    report = (
        "import resource, pathlib; from getbill.kit.files import private_files as files; files.keep_private();"
        f"pathlib.Path({str(tmp_path / 'made')!r}).write_text('x');"
        "print(resource.getrlimit(resource.RLIMIT_CORE)[0])"
    )

    done = subprocess.run(
        [sys.executable, "-c", report],
        cwd=ROOT,
        env={"PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "0\n"
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o600


def test_every_command_begins_so() -> None:
    (main,) = [
        function
        for module in modules()
        if module.name == "process/cli.py"
        for function in module.functions()
        if function.name == "main"
    ]

    assert ast.unparse(main.body[1]) == "private_files.keep_private()"


def test_a_file_that_was_everybodys_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    path.write_text("old and longer")
    path.chmod(0o644)

    with private_files.create(path) as file:
        file.write(b"new")

    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o600)
    path.chmod(0o644)
    private_files.restrict(path)
    private_files.restrict(tmp_path / "nothing")
    assert path.stat().st_mode & 0o777 == 0o600

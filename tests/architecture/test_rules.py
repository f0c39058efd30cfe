"""The house rules that a reader relies on; each failure says how to put it right."""

import ast
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from source import ROOT, modules

from getbill.settings import Settings, names

# From the ground up; what stands on one line does not import each other. What the design calls later
# is named already, so that a new package finds its place.
LEVELS = (
    ("kit",),
    ("embedded", "migrations"),
    ("settings",),
    ("vault",),
    ("events",),
    ("companies", "channels"),
    ("access",),
    ("todos", "sheets"),
    ("templates", "quarantine", "mapping"),
    ("scenarios", "compliance"),
    ("debtors", "creditors"),
    ("debts",),
    ("payments", "followups"),
    ("plans",),
    ("contacts",),
    ("conversations",),
    ("webhooks", "streams", "imports", "reports"),
    ("sftp",),
    ("todo_decisions",),
    ("dashboard", "portal", "sandbox", "credentials"),
    ("reactions",),
    ("explorer", "health"),
    ("process",),
    ("commands",),
    ("__main__",),
)
FILE_WORDS = re.compile(r"utils?|helpers?|managers?|services?|base|impl|handlers?|common|misc")
CLASS_WORDS = re.compile(r"(Service|Manager|Helper|Util|Utils|Base|Impl|Handler)$")
# They hand the supervisor's environment on to the processes it starts.
HAND_ON = {"process/subprocesses/fork_server.py", "process/subprocesses/supervision.py"}
CLOCK = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
}


def level(concept: str) -> int | None:
    return next((index for index, line in enumerate(LEVELS) if concept in line), None)


def test_imports_go_downward_only() -> None:
    wrong = []
    for module in modules():
        own = level(module.concept)
        for imported, line in module.imported_concepts():
            other = level(imported)
            if imported == module.concept or own is None or other is None:
                continue
            if other >= own:
                wrong.append(f"{module.name}:{line} imports {imported}")

    assert not wrong, f"Record an event instead, or move what is shared down: {wrong}"


def test_every_concept_has_its_level() -> None:
    concepts = {module.concept for module in modules()} - {"__init__"}

    assert {concept for concept in concepts if level(concept) is None} == set(), "Name it in LEVELS."


def test_only_the_clock_reads_the_wall_clock() -> None:
    wrong = [
        f"{module.name}:{node.lineno}"
        for module in modules()
        if module.name != "kit/clock.py"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and _called(node) in CLOCK
    ]

    assert not wrong, f"Take `now` as an argument, or ask kit.clock at the edge: {wrong}"


def _called(call: ast.Call) -> tuple[str, str] | None:
    function = call.func
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name | ast.Attribute):
        owner = function.value
        return (owner.id if isinstance(owner, ast.Name) else owner.attr, function.attr)
    return None


def test_only_settings_read_the_environment() -> None:
    wrong = [
        module.name
        for module in modules()
        if re.search(r"os\.environ|os\.getenv|getenv\(", module.text)
        # The supervisor hands its own environment on to the processes it starts.
        and module.name not in {"settings.py", *HAND_ON}
    ]

    assert not wrong, f"Make it a setting, read once and handed down: {wrong}"


def test_every_module_says_what_it_is() -> None:
    missing = [module.name for module in modules() if not ast.get_docstring(module.tree)]

    assert not missing, f"Begin with what the concept is to a collector, then its invariant: {missing}"


def test_imports_stand_at_the_top() -> None:
    wrong = [
        f"{module.name}:{node.lineno}"
        for module in modules()
        for function in module.functions()
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]

    assert not wrong, f"Move the import to the top, or the code down a level: {wrong}"


def test_names_say_what_a_thing_is() -> None:
    files = [module.name for module in modules() if FILE_WORDS.fullmatch(module.path.stem)]
    classes = [
        f"{module.name}: {node.name}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef) and CLASS_WORDS.search(node.name)
    ]

    assert not files + classes, f"Name it after what it is in the business: {files + classes}"


def test_the_readmes_table_is_the_settings() -> None:
    written = re.findall(r"^\| `[A-Z_]+` \|.*$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)

    expected = table()

    assert written == expected, "README.md's table of settings should be:\n" + "\n".join(expected)


def table() -> list[str]:
    rows = []
    for name, variable in names().items():
        field = Settings.model_fields[name]
        default = getattr(field.default, "value", field.default)
        answer = "" if default in {None, ()} else f"`{'./' if name == 'data_dir' else ''}{default}`"
        rows.append(f"| `{variable}` | {answer} | {field.description} |")
    return rows


def test_every_setting_is_described() -> None:
    missing = [name for name, field in Settings.model_fields.items() if not field.description]

    assert not missing


def test_a_secret_setting_is_never_shown() -> None:
    secret = re.compile(r"(password|_key|database_url|secret|token)$")

    answer = [
        name
        for name, field in Settings.model_fields.items()
        if secret.search(name)
        and "Secret" not in str(field.annotation)
        and "Path" not in str(field.annotation)
    ]

    assert not answer, f"Make it a SecretStr: {answer}"


def test_the_lock_files_name_no_address() -> None:
    locks = [*(ROOT / "requirements").glob("*.txt"), ROOT / "package-lock.json"]
    locks += (ROOT / "tests").glob("*/*/package-lock.json")

    wrong = [lock.name for lock in locks if "://" in lock.read_text("utf-8")]

    assert not wrong, f"Where packages come from is the machine's affair: {wrong}"

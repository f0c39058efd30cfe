"""The codes that a report can be asked for are those that findings have."""

import ast
from pathlib import Path

import getbill
from getbill.imports.findings.model import CODES

HOME = Path(getbill.__file__).parent
# What refuses parameters, or calls as a whole, is no finding.
OTHERS = {
    "unknown-parameter",
    "repeated-parameter",
    "empty-range",
    "unknown-cursor",
    "unheeded",
    "columns-collide",
}
CHECKS = [
    "kit/http/bodies.py",
    "kit/text/names.py",
    "kit/text/storable_text.py",
    *(f"debts/wire/{name}.py" for name in ("bodies", "checks", "serializers", "bulk_parser")),
]


def test_every_code_of_a_check_of_a_body_is_known() -> None:
    literals = {
        call.args[1].value
        for path in [*(HOME / name for name in CHECKS), *(HOME / "imports").rglob("*.py")]
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call)
        and getattr(call.func, "id", "") in {"FieldError", "one_field"}
        and len(call.args) > 1
        and isinstance(call.args[1], ast.Constant)
    }

    assert len(literals) > 10
    assert sorted(literals - CODES - OTHERS - {"text"}) == []

"""The published examples, taken out of the documents they stand in.

The documents lie beside the project; where that folder is absent the project's own copy of the same calls is read.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SEEDS = HERE.parents[2] / "shared" / "seeds"
OWN = HERE / "published_calls.txt"
# Bulk intake comes with an issue of its own.
NOT_YET = ("/debts/batch", "batch_id")

_STARTS = {"curl": "curl ", "python": "import requests", "node": "const response = await fetch("}
_OBJECT = re.compile(r"^\{$.*?^\}$", re.MULTILINE | re.DOTALL)
_ENDS = {"python": "print(", "node": "console.log("}


@dataclass(frozen=True)
class Snippet:
    """One example in one language, as published."""

    language: str
    text: str


def documents() -> list[str]:
    """The published documents, or the project's own copy of their calls."""
    files = sorted(SEEDS.glob("*.txt")) if SEEDS.is_dir() else [OWN]
    return [file.read_text("utf-8") for file in files]


def snippets(documents: list[str]) -> list[Snippet]:
    """Every example that can be run, in the order in which it is published."""
    result = [snippet for document in documents for snippet in _snippets(document.splitlines())]
    return [snippet for snippet in result if not any(word in snippet.text for word in NOT_YET)]


def _snippets(lines: list[str]) -> Iterator[Snippet]:
    number = 0
    while number < len(lines):
        language = next((name for name, start in _STARTS.items() if lines[number].startswith(start)), None)
        if language is None:
            number += 1
            continue
        batch = [lines[number]]
        while not _is_whole(language, batch):
            number += 1
            batch.append(lines[number])
        number += 1
        yield Snippet(language, "\n".join(batch))


def _is_whole(language: str, names: list[str]) -> bool:
    if language != "curl":
        return names[-1].startswith(_ENDS[language])
    text = "\n".join(names)
    return text.count("'") % 2 == 0 and not text.endswith("\\")


def examples(documents: list[str]) -> list[dict[str, Any]]:
    """Every published answer and payload: each JSON object that stands by itself."""
    texts = [text for document in documents for text in _OBJECT.findall(document)]
    return [json.loads(text) for text in texts if not any(word in text for word in NOT_YET)]


def missing(example: Any, real: Any, path: str = "") -> list[str]:
    """The keys of a published example that a real answer does not have."""
    if not isinstance(example, dict):
        return []
    if not isinstance(real, dict):
        return [path]
    return [
        place
        for name, inner in example.items()
        for place in (missing(inner, real[name], f"{path}/{name}") if name in real else [f"{path}/{name}"])
    ]

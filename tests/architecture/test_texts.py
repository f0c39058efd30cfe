"""Texts for people are English in the code; every other language stands in the catalogues and templates."""

import ast
import re
from collections.abc import Iterator

from architecture.source import Module, modules

# Modules whose strings hold letters of other languages, with the reason.
EXCEPTIONS = {
    "imports/wire.py": "headers of a creditor's file, as an example of the API",
    "kit/text/names.py": "invisible characters that names may not have",
    "process/demo.py": "names of the demo company's debtors",
}
# Packages that recognise the words of creditors' files; they may hold words, never sentences.
RECOGNITION = ("mapping/", "sheets/")

_LEAST_WORDS = 3
# Words that a sentence in French, German or Spanish can hardly do without.
_FUNCTION_WORDS = re.compile(
    r"\b(?:le|la|les|des|une|est|sont|pour|avec|dans|vous|votre|cette"
    r"|der|die|das|ist|sind|und|nicht|wir|sie|ihre|los|las|una|para|con|su|es|esta)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[A-ZÀ-Ý{][^|\\]*\w [^|\\]*[.?!]", re.DOTALL)


def _strings(module: Module) -> Iterator[str]:
    """The strings of a module, without its docstrings."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def _is_foreign(text: str) -> bool:
    """Whether a text, which is more than a letter, has letters beyond ASCII or another language's words."""
    has_letters = len(text) > 1 and any(sign.isalpha() and not sign.isascii() for sign in text)
    return has_letters or len(set(_FUNCTION_WORDS.findall(text))) >= _LEAST_WORDS


def _is_sentence(text: str) -> bool:
    return _SENTENCE.fullmatch(text.strip()) is not None


def _foreign_texts(module: Module) -> list[str]:
    texts = [text for text in _strings(module) if _is_foreign(text)]
    if module.name.startswith(RECOGNITION):
        return [text for text in texts if _is_sentence(text)]
    return texts


def test_texts_in_other_languages_are_recognised() -> None:
    for text in ("La créance est soldée.", "Le fichier est vide, et la ligne aussi.", "Wie heißt {header}?"):
        assert _is_foreign(text)
        assert _is_sentence(text)
    assert not _is_foreign("The file is empty; su is a command, and la a note.")
    assert not _is_sentence("solde dû|montant dû")


def test_texts_in_the_code_are_english() -> None:
    foreign = {
        module.name: texts
        for module in modules()
        if module.name not in EXCEPTIONS and (texts := _foreign_texts(module))
    }

    assert not foreign, f"Write the template in English and its translation in a catalogue: {foreign}"


def test_every_exception_is_needed() -> None:
    assert EXCEPTIONS.keys() <= {module.name for module in modules() if _foreign_texts(module)}

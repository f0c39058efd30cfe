"""Word lists: data files with the words, codes and patterns of languages, checked as they are loaded.

A file is TOML. A table is a list, a key of it a concept, and the value its words, separated by commas. In the
table `patterns` a value is a regular expression, whose lines are alternatives. `docs/vocabulary.md` is the
guide for editors.
"""

import re
import tomllib
import unicodedata
from collections.abc import Callable, Collection
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

Notation = Callable[[str], str]
_PACKAGE = Path(__file__).parents[2]
_ACCENTS = re.compile(r"[\u0300-\u036f]")
_PLACES = re.compile(r"\{([a-z_]*)\}")
# Letters that do not decompose into a base letter and an accent.
LETTERS = str.maketrans(
    {"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "\u0131": "i"}
)


class WordListRefused(ValueError):
    """A data file with a mistake: the file, the list or line, and the reason."""

    def __init__(self, file: Path, place: str, reason: str) -> None:
        name = file.relative_to(_PACKAGE) if file.is_relative_to(_PACKAGE) else file.name
        super().__init__(f"{name}, {place}: {reason}")


def plain(text: str) -> str:
    """Return a text in the notation of most lists: lower case, no accents."""
    if text.isascii():
        return text.lower()
    return _ACCENTS.sub("", unicodedata.normalize("NFKD", text.casefold().translate(LETTERS)).casefold())


def as_written(text: str) -> str:
    """Return a text unchanged, for lists in which case and accents count."""
    return text


class WordLists:
    """The lists of one file; each method raises `WordListRefused` for a list with a mistake."""

    def __init__(self, file: Path) -> None:
        self.file = file

    @cached_property
    def _tables(self) -> dict[str, Any]:
        try:
            return tomllib.loads(self.file.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise WordListRefused(self.file, "notation", str(error)) from None

    def __contains__(self, table: str) -> bool:
        """Return whether the file has a table of this name."""
        return table in self._tables

    def concepts(self, table: str) -> tuple[str, ...]:
        """Return the concepts of a table, in the file's order."""
        return tuple(self._texts(table))

    def words(self, concept: str, table: str = "words", notation: Notation = plain) -> tuple[str, ...]:
        """Return the words of one concept, in the file's order."""
        return self._split(f"{table}.{concept}", self._text(table, concept), notation)

    def table(
        self, table: str, concepts: Collection[str] | None = None, notation: Notation = plain
    ) -> dict[str, tuple[str, ...]]:
        """Return the words of each concept; with `concepts`, any other concept is refused."""
        names = self.concepts(table)
        for name in names if concepts is not None else ():
            self._check_names(f"{table}.{name}", name.split("+"), concepts or ())
        return {name: self.words(name, table, notation) for name in names}

    def all_words(self, table: str, notation: Notation = plain) -> frozenset[str]:
        """Return the words of all concepts of a table."""
        return frozenset().union(*self.table(table, notation=notation).values())

    def concepts_by_word(
        self, table: str, concepts: Collection[str] | None = None, notation: Notation = plain
    ) -> dict[str, str]:
        """Return the concept of each word; a word of two concepts is refused."""
        result: dict[str, str] = {}
        for concept, words in self.table(table, concepts, notation).items():
            for word in words:
                if (other := result.setdefault(word, concept)) != concept:
                    self._refuse(f"{table}.{concept}", f"{word!r} is a word of {other!r} already")
        return result

    def all_concepts_by_word(
        self, table: str, concepts: Collection[str] | None = None, notation: Notation = plain
    ) -> dict[str, frozenset[str]]:
        """Return the concepts of each word, for a table in which a word may stand several times."""
        result: dict[str, frozenset[str]] = {}
        for concept, words in self.table(table, concepts, notation).items():
            for word in words:
                result[word] = result.get(word, frozenset()) | {concept}
        return result

    def pattern(
        self, concept: str, shape: str = "{}", flags: int = 0, *, table: str = "patterns"
    ) -> re.Pattern[str]:
        """Return a compiled pattern: the alternatives of a concept in the place of `{}` in the shape.

        `{name}` in the shape stands for the alternatives of another concept of the table.
        """
        whole = _PLACES.sub(lambda match: self._alternatives(table, match[1] or concept), shape)
        return self._compile(f"{table}.{concept}", whole, flags)

    def _alternatives(self, table: str, concept: str) -> str:
        lines = self._text(table, concept).strip("\n").split("\n")
        for line in lines:
            if not line.strip("|") or line.startswith("|") or line.endswith("|") or "||" in line:
                self._refuse(f"{table}.{concept}", "an empty alternative, which matches any text")
        return "|".join(lines)

    def patterns(self, table: str, flags: int = 0) -> dict[str, re.Pattern[str]]:
        """Return the compiled pattern of each concept of a table."""
        return {concept: self.pattern(concept, flags=flags, table=table) for concept in self.concepts(table)}

    def members(self, concept: str, table: str, allowed: Collection[str]) -> frozenset[str]:
        """Return the words of one concept, each of which has to be one of the allowed names."""
        words = self.words(concept, table, as_written)
        self._check_names(f"{table}.{concept}", words, allowed)
        return frozenset(words)

    def endings(self, concept: str, table: str = "endings") -> tuple[tuple[re.Pattern[str], str], ...]:
        """Return the patterns of endings with what replaces each: `a > o`; none where the file has none."""
        if table not in self or concept not in self.concepts(table):
            return ()
        pairs = (pair.partition(" >") for pair in self.words(concept, table, as_written))
        return tuple(
            (self._compile(f"{table}.{concept}", rf"{ending}\b"), other.strip()) for ending, _, other in pairs
        )

    def rules(
        self, table: str, concepts: Collection[str], results: Collection[str]
    ) -> dict[frozenset[str], dict[str, float]]:
        """Return the results of each set of concepts with their scores; an earlier rule has precedence."""
        rules: dict[frozenset[str], dict[str, float]] = {}
        for needs, text in self._texts(table).items():
            place, key = f"{table}.{needs}", frozenset(needs.split())
            self._check_names(place, key, concepts)
            if above := next((rule for rule in rules if rule <= key), None):
                self._refuse(place, f"never decides: the rule {' '.join(sorted(above))!r} stands above it")
            rules[key] = {}
            for part in self._split(place, text, as_written) if text else ():
                name, _, score = part.partition(" ")
                self._check_names(place, {name}, results)
                if not re.fullmatch(r"0\.\d+", score):
                    self._refuse(place, f"{part!r} has no score between 0 and 1")
                rules[key][name] = float(score)
        return rules

    def _texts(self, table: str) -> dict[str, Any]:
        texts = self._tables
        for name in table.split("."):
            inner = texts.get(name)
            if not isinstance(inner, dict):
                self._refuse(table, "there is no such table")
            texts = inner
        return texts

    def _check_names(self, place: str, names: Collection[str], allowed: Collection[str]) -> None:
        if unknown := set(names) - set(allowed):
            self._refuse(place, f"there is nothing named {min(unknown)!r}")

    def _text(self, table: str, concept: str) -> str:
        text = self._texts(table).get(concept)
        if not isinstance(text, str):
            self._refuse(f"{table}.{concept}", "there is no such list")
        return text

    def _split(self, place: str, text: str, notation: Notation) -> tuple[str, ...]:
        words = tuple(word.strip() for word in " ".join(text.split()).split(","))
        if "" in words:
            self._refuse(place, "an empty entry")
        if len(set(words)) < len(words):
            self._refuse(place, f"{next(word for word in words if words.count(word) > 1)!r} stands twice")
        if notation(text) != text:
            for word in words:
                if (right := notation(word)) != word:
                    self._refuse(place, f"{word!r} is compared as {right!r}: write that")
        return words

    def _compile(self, place: str, pattern: str, flags: int = 0) -> re.Pattern[str]:
        try:
            return re.compile(pattern, flags)
        except re.error as error:
            self._refuse(place, f"{pattern!r} is no pattern: {error}")

    def _refuse(self, place: str, reason: str) -> NoReturn:
        raise WordListRefused(self.file, place, reason)

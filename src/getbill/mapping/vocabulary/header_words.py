"""Header words and their concepts, from `header_words.toml` and, for further languages, `words/`.

Phrases have underscores between their words here.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from getbill.kit.text.word_lists import WordLists, as_written
from getbill.mapping.fields import Field

_FOLDER: Final = Path(__file__).parent
CONCEPTS: Final = WordLists(_FOLDER / "concepts.toml").concepts("concepts")
LISTS: Final = WordLists(_FOLDER / "header_words.toml")
_FIELDS: Final = frozenset(Field)


def load_concepts(files: Iterable[WordLists]) -> dict[str, frozenset[str]]:
    """Return the concepts of the words of some files; a word of several files has those of each."""
    concepts_by_word: dict[str, frozenset[str]] = {}
    for lists in files:
        for word, concepts in lists.concepts_by_word("words", CONCEPTS).items():
            known = concepts_by_word.get(word, frozenset())
            concepts_by_word[word.replace(" ", "_")] = known | frozenset(concepts.split("+"))
    return concepts_by_word


def _load_homonyms(files: Iterable[WordLists]) -> dict[str, dict[str, frozenset[str]]]:
    homonyms: dict[str, dict[str, frozenset[str]]] = {}
    for lists in files:
        for language in lists.concepts("homonyms") if "homonyms" in lists else ():
            for word, concepts in lists.concepts_by_word(f"homonyms.{language}", CONCEPTS).items():
                homonyms.setdefault(word.replace(" ", "_"), {})[language] = frozenset(concepts.split("+"))
    return homonyms


def _load_fields(files: Iterable[WordLists]) -> dict[str, str]:
    return {
        name.replace(" ", "_"): field
        for lists in files
        if "whole" in lists
        for name, field in lists.concepts_by_word("whole", _FIELDS).items()
    }


LANGUAGES = [WordLists(path) for path in sorted((_FOLDER / "words").glob("*.toml"))]
_ALL = [LISTS, *LANGUAGES]
WORDS: Final = load_concepts(_ALL)
# Only words of `header_words.toml` are completed and matched with typos: with many languages, nearly any word
# is similar to one.
OWN_WORDS: Final = load_concepts([LISTS])
# Complete headers with exactly one field.
WHOLE: Final = _load_fields(_ALL)
# Words with a different meaning in one language than in most, by language code.
HOMONYMS: Final = _load_homonyms(LANGUAGES)
# Words that only join others, without and with those of further languages.
JOINING: Final = frozenset(LISTS.words("words", "joining"))
ALL_JOINING: Final = JOINING.union(
    *(lists.words("words", "joining") for lists in LANGUAGES if "joining" in lists)
)
# Currency signs, with the word that each stands for.
SIGNS: Final = {
    sign: word for word, signs in LISTS.table("signs", notation=as_written).items() for sign in signs
}

"""All languages share one pool of words: a word of one must not take from another what its word means."""

import tomllib
from pathlib import Path

from getbill.mapping.vocabulary import headers

FOLDER = Path(headers.__file__).with_name("words")
# Both readings end in no field, or the cells decide between them.
BOTH = {"dni", "referent", "zahlungsart", "kostenstelle"}


def test_a_word_of_a_language_keeps_what_the_lexicon_says_of_it() -> None:
    core = headers._load_concepts([])
    batch = {
        (path.stem, word)
        for path in FOLDER.glob("*.toml")
        for concepts, words in tomllib.loads(path.read_text("utf-8")).get("words", {}).items()
        for word in map(headers._lexicon_key, words.split())
        if word in core and not core[word] & set(concepts.split("+"))
    }

    assert {(language, word) for language, word in batch if word not in BOTH} == set()


def test_a_header_that_every_country_has_is_read_alike_with_all_languages() -> None:
    read = {
        header: headers.parse_header(header).concepts
        for header in ("CP", "Namen", "Restante", "Nom", "Due", "Data")
    }

    assert read == {
        "CP": {"zip"},
        "Namen": {"name"},
        "Restante": {"open"},
        "Nom": {"name"},
        "Due": {"due"},
        "Data": {"date"},
    }

"""All languages share one pool of words: a word of one must not take from another what its word means."""

from getbill.mapping.vocabulary import header_words, headers

# Both readings end in no field, or the cells decide between them.
BOTH = {"dni", "referent", "zahlungsart", "kostenstelle"}


def test_a_word_of_a_language_keeps_what_the_lexicon_says_of_it() -> None:
    core = header_words.OWN_WORDS
    batch = {
        (lists.file.stem, word)
        for lists in header_words.LANGUAGES
        for word, concepts in lists.concepts_by_word("words").items()
        if not core.get(word.replace(" ", "_"), frozenset(concepts.split("+"))) & set(concepts.split("+"))
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

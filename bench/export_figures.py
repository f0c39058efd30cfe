"""What the corpus of real exports is measured by, and how it is printed."""

from collections import Counter
from collections.abc import Callable

from bench.figures import Figure
from testbed.corpus.exports.answers import SCORED
from testbed.corpus.exports.judge import OUTCOMES, QUESTIONED, RIGHT, Verdict

RIGHT_LEAST = 0.90
UNASKED_FILES_LEAST = 0.60
Say = Callable[[str], None]


def tell(verdict: Verdict, part: str, say: Say, *, has_details: bool) -> None:
    """Print how each field came out, and every miss where that may be seen."""
    say(
        f"{part}: {verdict.files} files, {verdict.files_without_question} without a question;"
        f" {verdict.second_rounds} second rounds of questions; {len(verdict.faults)} faults"
    )
    say(
        f"  {'':14}"
        + "".join(f"{outcome:>12}" for outcome in OUTCOMES)
        + f"{'must ask':>12}{'right':>9}{'of settled':>14}"
    )
    for name in SCORED:
        counted = verdict.outcomes[name]
        if counted.total():
            counts = "".join(f"{counted[outcome]:>12}" for outcome in OUTCOMES)
            share = counted[RIGHT] / counted.total()
            settled_share = counted[RIGHT] / max(1, counted.total() - verdict.undecidable[name])
            say(f"  {name:14}{counts}{verdict.undecidable[name]:>12}{share:>9.1%}{settled_share:>14.1%}")
    if not verdict.values:
        return
    must_ask = sum(verdict.undecidable.values())
    settled_share = verdict.right / max(1, verdict.values - must_ask)
    say(
        f"  {verdict.right} of {verdict.values} values right without asking: {verdict.right / verdict.values:.1%};"
        f" {settled_share:.1%} of those that the file settles; {sum(verdict.guessed.values())} right by luck;"
        f" rows {dict(verdict.rows) or 0}; after the answers {verdict.wrong_after_answers} still wrong"
    )
    say(
        f"  wrong in silence: {verdict.wrong}; lost in silence: {verdict.lost}; questions: {dict(verdict.questions.most_common())}"
    )
    if has_details:
        _tell_details(verdict, say)


def _tell_details(verdict: Verdict, say: Say) -> None:
    of_questions: Counter[tuple[str, str, str]] = Counter()
    for miss in verdict.misses:
        if miss.outcome == QUESTIONED:
            of_questions[miss.layout, miss.name, miss.codes] += 1
        else:
            say(f"  {miss}")
    for (layout, name, codes), count in of_questions.items():
        say(f"  {layout}: {name} questioned in {count} rows [{codes}]")
    for question in verdict.asking:
        say(f"  QUESTION {question}")
    for fault in verdict.faults:
        say(f"  FAULT {fault}")


def figures(verdict: Verdict, part: str) -> list[Figure]:
    """Return the figures of a part."""
    if not verdict.values:
        return []
    name, values, files = f"exports, {part}", verdict.values, verdict.files
    return [
        _few(f"{name}: wrong in silence", verdict.wrong, values, "values", 0.0),
        # Without a target: what a file has and nobody misses is no harm.
        _few(f"{name}: lost in silence", verdict.lost, values, "values", None),
        _few(f"{name}: second rounds", verdict.second_rounds, files, "files", 0.0),
        _many(
            f"{name}: files without a question", verdict.files_without_question, files, UNASKED_FILES_LEAST
        ),
        _many(f"{name}: right without asking", verdict.right, values, RIGHT_LEAST),
        *(
            _many(f"{name}: {field} right without asking", counted[RIGHT], counted.total(), RIGHT_LEAST)
            for field, counted in verdict.outcomes.items()
            if counted.total()
        ),
    ]


def _few(name: str, count: int, whole: int, unit: str, most: float | None) -> Figure:
    return Figure(name, count, whole, unit, most, is_more_better=False)


def _many(name: str, count: int, whole: int, least: float) -> Figure:
    return Figure(
        name, count, whole, "values" if least == RIGHT_LEAST else "files", least, is_more_better=True
    )

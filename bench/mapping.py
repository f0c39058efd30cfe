"""How often the columns of strangers' files are taken for what they are, and whether ever a value is wrong.

Each layout of the corpus is written as a file, read, proposed and composed as an import does it. A column is
right when it got its label without a question, or a question where the label says that only a human can tell. An
amount, date or currency that differs from the debt's own, in a column nobody was asked about, is wrong.
"""

from bench.corpus.score import Score, score
from bench.figures import Figure

HEADLINE = ("layouts", "held_out")


def measure(say) -> list[Figure]:  # noqa: ANN001 - as every figure
    """Score both parts of the corpus and print each field's precision and recall."""
    figures = []
    for part in HEADLINE:
        found = score(part)
        _print(found, part, say)
        name = "columns right" if part == "layouts" else "columns right, held out"
        # Held-out layouts are scored to be known, not to be reached: a target would have them tuned on.
        target = 0.98 if part == "layouts" else None
        figures.append(
            Figure(f"mapping: {name}", found.right, found.columns, "columns", target, is_more_better=True)
        )
        wrong = len(found.wrong_values)
        name = "wrong values" if part == "layouts" else "wrong values, held out"
        figures.append(Figure(f"mapping: {name}", wrong, found.values, "values", 0.0, is_more_better=False))
    return figures


def _print(found: Score, part: str, say) -> None:  # noqa: ANN001 - as above
    say(
        f"{part}: {found.layouts} layouts, {found.columns} columns: {found.right} right, {found.guessed} wrong, "
        f"{found.asked} asked without need; {found.values} amounts, dates and currencies composed, "
        f"{len(found.wrong_values)} wrong; after a human's answers {found.answered_values} composed, "
        f"{len(found.answered_wrong)} wrong"
    )
    for field, (precision, recall, count) in sorted(found.by_field().items()):
        say(f"  {field:20} precision {precision:6.1%}  recall {recall:6.1%}  of {count}")

"""How often the columns of strangers' files are taken for what they are, and whether ever a value is wrong.

Each layout of the corpus is written as a file, read, proposed and composed as an import does it. A column is
right when it got its label without a question, or a question where the label says that only a human can tell. An
amount, date or currency that differs from the debt's own, in a column nobody was asked about, is wrong.

Real exports are scored through the API of an installation: every value that its debts have, against the truths.
"""

from bench import export_figures
from bench.figures import Figure
from testbed.corpus import exports
from testbed.corpus.exports.recipient import recipient
from testbed.corpus.score import Score, score

# Held-out layouts, and headers disguised with other words, order and typos, are scored to be known, not to be
# reached: a target would have them tuned on. Wrong values have a target everywhere: none.
PARTS = (
    ("layouts", "", False, 0.98),
    ("held_out", ", held out", False, None),
    ("layouts", ", headers disguised", True, None),
)


def measure(say) -> list[Figure]:  # noqa: ANN001 - as every figure
    """Score the corpus and print each field's precision and recall."""
    figures = []
    for part, which, is_disguised, target in PARTS:
        result = score(part, is_disguised=is_disguised)
        _print(result, f"{part}{which}", say)
        right = (f"mapping: columns right{which}", result.right, result.columns, "columns", target)
        wrong = (f"mapping: wrong values{which}", len(result.wrong_values), result.values, "values", 0.0)
        figures += [Figure(*right, is_more_better=True), Figure(*wrong, is_more_better=False)]
    return figures + _of_exports(say)


def _of_exports(say) -> list[Figure]:  # noqa: ANN001 - as above
    figures = []
    with recipient(is_quick=True) as ours:
        for part in exports.PARTS:
            verdict = ours.verdict(exports.layouts(part))
            export_figures.tell(verdict, f"exports, {part}", say, has_details=part == "seen")
            figures += export_figures.figures(verdict, part)
    return figures


def _print(result: Score, part: str, say) -> None:  # noqa: ANN001 - as above
    say(
        f"{part}: {result.layouts} layouts, {result.columns} columns: {result.right} right, {result.guessed} wrong, "
        f"{result.asked} asked without need; {result.values} amounts, dates and currencies composed, "
        f"{len(result.wrong_values)} wrong; after a human's answers {result.answered_values} composed, "
        f"{len(result.answered_wrong)} wrong"
    )
    for field, (precision, recall, count) in sorted(result.by_field().items()):
        say(f"  {field:20} precision {precision:6.1%}  recall {recall:6.1%}  of {count}")

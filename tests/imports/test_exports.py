"""The seen exports of the corpus, sent through the API: nothing wrong in silence, and never a second question."""

from testbed.corpus.exports import layouts
from testbed.corpus.exports.judge import WRONG
from testbed.corpus.exports.recipient import recipient


def test_nothing_of_a_real_export_is_wrong_in_silence() -> None:
    with recipient(is_quick=True) as ours:
        verdict = ours.verdict(layouts("seen"))
    assert verdict.values > 1_000
    assert [str(miss) for miss in verdict.misses if miss.outcome == WRONG] == []
    assert verdict.wrong == 0
    assert verdict.second_rounds == 0, verdict.faults

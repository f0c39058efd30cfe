"""The corpus of real exports: files as public descriptions show them, sent through the API and held against truths.

A layout is one TOML file, written before its first run: where it is described, the file literally, the debts that are
truly owed, the rows that are not, and what a person answers if asked. Those in `seen` were looked at while rules were
mended; of those in `unseen` only figures are printed, so that no rule is made for them. A layout that was opened moves to
`seen`, and others take its place.
"""

from testbed.corpus.exports.layout import PARTS, Layout, LayoutWrong, Truth, layouts, read

__all__ = ["PARTS", "Layout", "LayoutWrong", "Truth", "layouts", "read"]

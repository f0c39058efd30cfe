"""The corpus of real exports: files as public descriptions show them, sent through the API and held against truths.

A layout is one TOML file of `layouts/`, written before its first run: where it is described, the file literally, the
debts that are truly owed, the rows that are not, and what a person answers if asked. A seeded shuffle of the names
keeps a third of them `unseen`: only its figures are printed, so that no rule is made for it.
"""

from bench.corpus.exports.layout import PARTS, Layout, LayoutWrong, Truth, layouts, read

__all__ = ["PARTS", "Layout", "LayoutWrong", "Truth", "layouts", "read"]

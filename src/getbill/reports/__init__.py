"""Reports on collection: the number of resolved debts, recovered amounts, and delays.

Every figure is computed from the rows on request. Erased debts count with their amounts alone, the only data
that is kept of them.
"""

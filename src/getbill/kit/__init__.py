"""Small tools every concept stands on; none of them knows what a debt is.

Only `kit.clock` reads the wall clock, and nothing here imports from a package above.
"""

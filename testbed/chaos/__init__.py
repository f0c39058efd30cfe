"""The ordeal: API, worker and database killed every few seconds while an integrator works, and nothing may be lost.

`course.play` goes through one and returns it with the judge's verdict; `bin/bench kills` and the tests both call it.
"""

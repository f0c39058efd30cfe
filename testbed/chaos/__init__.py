"""The chaos test: API, worker and database killed every few seconds while an integrator works, and nothing may be lost.

`scenario_run.run` runs one and returns its result with the judge's verdict; `bin/bench kills` and the tests both call it.
"""

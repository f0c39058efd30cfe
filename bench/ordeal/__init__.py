"""The ordeal: API, worker and database killed every few seconds while an integrator works, and nothing may be lost.

`play` goes through one and returns it with the judge's verdict; `bin/bench kills` and the tests both call it.
"""

from bench.ordeal.course import Ordeal, OrdealBroken, Plan, play

__all__ = ["Ordeal", "OrdealBroken", "Plan", "play"]

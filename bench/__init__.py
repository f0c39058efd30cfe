"""The figures of GetBill: how fast it is beside the least that could do the same work, and what it costs to run."""

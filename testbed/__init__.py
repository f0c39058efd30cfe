"""Installations to test and to measure: made, filled, broken on purpose, and judged by what they did.

`tests` and `bench` both stand on it. It is no part of the program and not in the wheel.
"""

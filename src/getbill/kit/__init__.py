"""Domain-independent building blocks: clock, database, errors, ids, money, JSON, paging.

Import the modules (`from getbill.kit import ids`). Nothing here knows what a debt is, and nothing in this
package imports from the packages above it.
"""

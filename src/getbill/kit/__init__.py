"""What every concept stands on: clock, database, errors, ids, money, JSON, paging.

Nothing here knows what a debt is. Import the modules (`from getbill.kit import ids`); nothing in this
package imports from the packages above it.
"""

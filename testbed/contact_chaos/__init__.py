"""The chaos test of contacts: workers and database are killed while messages leave by real SMTP and HTTP.

What the providers received is the truth the ledger is judged by: nothing twice, nothing lost, nothing made up.
"""

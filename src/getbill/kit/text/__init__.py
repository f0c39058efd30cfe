"""Validated texts: e-mail addresses, IBANs, languages, names, and what the database can store."""

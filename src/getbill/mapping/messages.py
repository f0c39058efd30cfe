"""Messages about a mapping: reasons for columns, questions, and findings, each by its code."""

from collections.abc import Mapping as Facts
from typing import Any, Final

from getbill.kit.messages import Message, Template, template
from getbill.mapping.fields import Field

# The display name of each field; columns of a file have other names.
_TEMPLATES: Final[Facts[str, Template]] = {
    # Reasons.
    "header": template("The header identifies the field: {header}."),
    "header_typo": template("The header {header} was read as {word}."),
    "row_above": template("The value comes from the customer's row above the lines."),
    "contents": template("The header is not known; the cells identify the field, for example {example}."),
    "contradicted": template("The header {header} does not match the cells, for example {example}."),
    "unknown": template("The column could not be identified."),
    "empty": template("The column is empty."),
    "not_ours": template("{header} is not needed for a debt."),
    "taken": template("{header} is already the {field}."),
    "beside_first_name": template("{header} is the first name."),
    "beside_last_name": template("{header} is the last name."),
    "only_people": template("{header} is the only column of people or companies."),
    "names_beside": template("Each code has a single name in {header}."),
    "grows_with_days": template("Each row has its own number, increasing with the dates."),
    "pays_for_another": template("{header} is the payer."),
    "contact": template("The debtor's name is in {header}."),
    "whole_addresses": template("Each cell contains a complete address, with postal code and city."),
    "beside_place": template("The column is the street; {header} is separate."),
    "counts_rows": template("The column only numbers the rows."),
    "invoice_identifies": template("{header} identifies the debts."),
    "other_date": template("The invoice date is in {header}."),
    "never_after_due": template("The date is never after {header}."),
    "not_due": template("The amount due is in {header}."),
    "net_of_tax": template("The amount is without tax; {header} includes it."),
    "beside_due": template("The column is the amount invoiced; {header} is the amount due."),
    "collective_account": template("{header} is shared by several people and identifies none of them."),
    "open_debits": template("The file is a ledger; its unreconciled debits are in {header}."),
    "open_items": template(
        "The file is a list of open items: the debits in {header} are owed; credits are not debts."
    ),
    "less_paid": template("In every row, the amount is what was invoiced less {header}."),
    "sum_of_due": template("In every row, the amount is the sum of {header} and the other amounts due."),
    "part_of_due": template("The amount is a part of {header}."),
    "aged": template("The amount is the total of the ageing buckets."),
    "customer_total": template("The amount is the customer's total, repeated on each line."),
    "running_balance": template("The column is a running balance."),
    "same_amounts": template("The amounts are the same as in {header}."),
    "only_amount": template("The column is the only amount in the file."),
    "human": template("Chosen by a person."),
    "company": template("The currency is the company's own, {code}."),
    "own_column": template("Each row states its currency in {header}."),
    "header_code": template("The header {header} states the currency."),
    "sign": template("The currency symbol is beside the amounts of {header}."),
    "country_column": template("The rows state {country} as their country."),
    "country_shapes": template("The postal codes have the format of {country}."),
    "country_codes": template("The postal codes and their cities are in {country}."),
    "country_short_codes": template("The postal codes and their cities are in {country}."),
    "country_cities": template("The cities are in {country}."),
    "country_domains": template("The e-mail addresses have the domain of {country}."),
    "country_tax": template("The tax numbers are from {country}."),
    "country_ibans": template("The bank accounts are in {country}."),
    "country_currency": template("The amounts are in the currency of {country}."),
    "country_dates": template("The dates are written as in {country}."),
    "country_headers": template("The headers are in a language of {country}, and the phone numbers match."),
    "country_streets": template(
        "The street names are in a language of {country}, and nothing contradicts it."
    ),
    "country_company": template("The country is the company's own, {country}; the file agrees with it."),
    "country_unsettled": template("The file does not show the debtors' country."),
    "remembered": template("Confirmed for earlier files."),
    # Questions.
    "phone_country": template(
        "Which country do the phone numbers without a country code belong to: {examples}?"
    ),
    "which_field": template("What does {header} contain?"),
    "which_amount": template("Which column is the amount still due, taxes included: {columns}?"),
    "instalments": template(
        "{header} repeats with different due dates ({references}): {examples}. Create one debt for each due date (split), or one debt for their sum (merge)?"
    ),
    "amount_unit": template(
        "The file states '{title}'. Are the amounts of {headers} in that unit, for example {examples}?"
    ),
    "row_status": template("What status do these values of {header} give their rows: {unclear}?"),
    "amount_or_invoiced": template(
        "{header} is also in the file. Is this column the amount invoiced, or the amount still due?"
    ),
    "invoiced_only": template(
        "{header} is the amount invoiced, and no column states what was paid. Is all of it still due?"
    ),
    "tax_included": template("Does {header} include {tax}?"),
    "amounts_disagree": template(
        "The amount due is not the amount invoiced less the amount paid. Are these columns correct?"
    ),
    "negative_amounts": template("Most amounts of {header} are negative. Are they owed to you?"),
    "number_format": template("Is the separator in {examples} of {header} for decimals or for thousands?"),
    "date_order": template("Which comes first in {header}, the day or the month: {examples}?"),
    "dates_turned": template(
        "A spreadsheet may have swapped day and month in {header}, which contains {date}. Is {swapped} meant?"
    ),
    "currency_sign": template("Which currency is {sign}?"),
    "currency_unstated": template(
        "The file states no currency, and its places use {currencies}. Which currency is it?"
    ),
    "currencies_differ": template(
        "The headers of the amounts state different currencies: {headers}. Which one applies?"
    ),
    "currency_changed": template("The amounts were in {before} and are now in {now}. Is that correct?"),
    "missing_amount": template("Which column is the amount due?"),
    "missing_name": template("Which column is the debtor's name?"),
    "missing_reference": template(
        "Which column is your reference of the debt? If there is none, name the columns that identify a row together (reference_from)."
    ),
    "reference_repeats": template(
        "Values of {header} repeat ({distinct} different, {rows} rows). Does the column identify the debts?"
    ),
    "iban_whose": template(
        "{header} contains {distinct} different accounts. Are they the accounts to pay to, and not the debtors' own?"
    ),
    "contents_changed": template(
        "{header} was the {field}, but its cells no longer match. What does it contain now?"
    ),
    "number_format_changed": template(
        "The decimal separator in {header} was '{before}' and is now '{now}'. Is that correct?"
    ),
    "date_order_changed": template(
        "The dates in {header} were written as {before} and are now written as {now}. Is that correct?"
    ),
    # Findings.
    "row_is_settled": template("{header} is '{value}': nothing is owed on this row."),
    "row_is_excluded": template(
        "{header} is '{value}': the row is not collected unless you decide so. To collect such rows, set this value to open in the mapping."
    ),
    "row_is_partly_paid": template(
        "{header} is '{value}' and no column states the remainder: the full amount was imported. Check what is still due."
    ),
    "row_is_credit": template("{header} is '{value}': the row is a credit note, not a debt."),
    "row_text_doubt": template(
        "{header} is '{value}': the debt was imported nevertheless. Check that it is still due."
    ),
    "currency_unknown": template("{value} is not a known currency."),
    "currency_conflict": template("The row's currency is {value}, but its amount is in {other}."),
    "country_unknown": template("{value} is not a known country and was left out."),
    "phone_country_unknown": template(
        "{value} has no country code, and the row does not show its country; the phone number was left out. Write it with its country code, such as +31."
    ),
    "phone_contradicted": template(
        "{value} may be a number of {country} or of {other}; the phone number was left out. Write it with its country code."
    ),
    "phone_invalid": template(
        "{value} is not a phone number in {country} and was left out. Check its digits, or write it with its country code."
    ),
    "phone_wrong": template("{value} is not a phone number and was left out. Check its digits."),
    "phone_overseas": template(
        "{value} is an overseas number, and the row does not show its territory; it was left out. Write it with +262, +590, +594 or +596."
    ),
    "phone_expensive": template(
        "{value} is a premium-rate, shared-cost, satellite, personal or pager number and was left out. To have it called, send the debt with accept_expensive_destination."
    ),
    "postal_code_short": template(
        "{value} may have lost its leading zero, or be from another country; it was kept as it is. Add the zero or the country."
    ),
    "value_unknown": template("{value} is not understood here and was left out."),
    "day_before_midnight": template(
        "The UTC time was read as {date}; in your time zone it may be the next day."
    ),
    "first_of_several": template("The cell contains several values: {taken} was used, not {others}."),
}


def codes() -> list[str]:
    """Return every code with a message, of findings, reasons and questions."""
    return list(_TEMPLATES)


def message_of(code: str, facts: Facts[str, Any]) -> Message:
    """Return the message of a reason, a question or a finding; a field among the facts is shown by its name."""
    if "field" in facts:
        facts = {**facts, "field": Field(facts["field"]).display_name}
    return _TEMPLATES[code].filled(facts)

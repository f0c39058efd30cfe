"""Messages about a mapping, in French and in English: reasons for columns, questions, and findings.

One table has every message in both languages, so that none lacks a translation.
"""

from collections.abc import Mapping as Facts
from typing import Any, Literal

MessageLocale = Literal["en", "fr"]

# The message of each code, in English and in French.
_SENTENCES: dict[str, tuple[str, str]] = {
    # Reasons.
    "header": ("The header says so: {header}.", "L'en-tête le dit : {header}."),
    "header_typo": (
        "The header {header} is read as {word}.",
        "L'en-tête {header} est lu comme {word}.",
    ),
    "row_above": (
        "A row above the lines says it of their customer.",
        "Une ligne au-dessus des factures le dit de leur client.",
    ),
    "contents": (
        "The header says nothing, the cells do, such as {example}.",
        "L'en-tête ne dit rien, les cellules si, comme {example}.",
    ),
    "contradicted": (
        "The header {header} does not fit what the cells hold, such as {example}.",
        "L'en-tête {header} ne correspond pas aux cellules, comme {example}.",
    ),
    "unknown": ("Nothing tells what this column is.", "Rien ne dit ce qu'est cette colonne."),
    "empty": ("The column is empty.", "La colonne est vide."),
    "not_ours": ("{header} is nothing a debt needs.", "{header} n'est rien dont une créance ait besoin."),
    "taken": ("{header} already is {field}.", "{header} est déjà {field}."),
    "beside_first_name": ("{header} holds the first name.", "{header} contient le prénom."),
    "beside_last_name": ("{header} holds the last name.", "{header} contient le nom de famille."),
    "only_people": (
        "{header} is the only column of people or companies.",
        "{header} est la seule colonne de personnes ou de sociétés.",
    ),
    "names_beside": (
        "Each code has one name beside it, in {header}.",
        "Chaque code a un seul nom à côté de lui, dans {header}.",
    ),
    "grows_with_days": (
        "Each row has its own number, and they grow with the days.",
        "Chaque ligne a son numéro, et ils croissent avec les dates.",
    ),
    "pays_for_another": ("{header} is who pays.", "{header} est celui qui paie."),
    "contact": ("The debtor's name is in {header}.", "Le nom du débiteur est dans {header}."),
    "whole_addresses": (
        "Each cell holds a whole address, with postal code and city.",
        "Chaque cellule contient une adresse entière, avec code postal et ville.",
    ),
    "beside_place": (
        "The street: {header} has a column of its own.",
        "La rue : {header} a sa propre colonne.",
    ),
    "counts_rows": ("It only numbers the rows.", "Elle ne fait que numéroter les lignes."),
    "invoice_identifies": ("{header} tells the debts apart.", "{header} distingue les créances."),
    "other_date": ("The invoice's date is in {header}.", "La date de facture est dans {header}."),
    "never_after_due": ("It is never after {header}.", "Elle n'est jamais après {header}."),
    "not_due": ("What is due is in {header}.", "Ce qui est dû est dans {header}."),
    "net_of_tax": ("It is without tax; {header} is not.", "Hors taxes, à la différence de {header}."),
    "beside_due": ("What was invoiced, since {header} is what is due.", "Le montant facturé, puisque {header} est ce qui est dû."),
    "collective_account": (
        "{header} stands beside different people: it identifies nobody.",
        "{header} accompagne des personnes différentes : elle n'identifie personne.",
    ),
    "open_debits": (
        "A ledger: its lines that are not reconciled are debits, in {header}.",
        "Un grand livre : ses lignes non lettrées sont au débit, dans {header}.",
    ),
    "open_items": (
        "A list of open items: its debits are owed, in {header}; credits are no debts.",
        "Une liste de postes ouverts : ses débits sont dus, dans {header} ; les crédits ne sont pas des créances.",
    ),
    "less_paid": (
        "In every row it is what was invoiced less {header}.",
        "Sur chaque ligne, c'est le montant facturé moins {header}.",
    ),
    "sum_of_due": (
        "In every row it is the sum of {header} and the other amounts due.",
        "Sur chaque ligne, c'est la somme de {header} et des autres montants dus.",
    ),
    "part_of_due": ("It is a part of {header}.", "C'est une partie de {header}."),
    "aged": ("It adds up the ages of what is open.", "Elle totalise les tranches d'ancienneté de ce qui est ouvert."),
    "customer_total": (
        "It repeats a customer's total on each of their lines.",
        "Elle répète le total du client sur chacune de ses lignes.",
    ),
    "running_balance": ("It is a running balance.", "C'est un solde progressif."),
    "same_amounts": ("It has the same amounts as {header}.", "Mêmes montants que {header}."),
    "only_amount": ("It is the only amount in the file.", "C'est le seul montant du fichier."),
    "human": ("Chosen by a person.", "Choisi par une personne."),
    "company": ("The company's own currency, {code}.", "La devise de l'entreprise, {code}."),
    "own_column": ("Each row says it, in {header}.", "Chaque ligne la donne, dans {header}."),
    "header_code": ("The header {header} names it.", "L'en-tête {header} la nomme."),
    "sign": ("Its sign stands beside the amounts of {header}.", "Son signe accompagne les montants de {header}."),
    "country_column": ("The rows name {country} as their country.", "Les lignes indiquent {country} comme pays."),
    "country_shapes": ("The postal codes have the shape of {country}.", "Les codes postaux ont la forme de ceux de {country}."),
    "country_codes": (
        "The postal codes and what stands beside them are of {country}.",
        "Les codes postaux et ce qui les accompagne sont de {country}.",
    ),
    "country_short_codes": (
        "The postal codes and what stands beside them are of {country}.",
        "Les codes postaux et ce qui les accompagne sont de {country}.",
    ),
    "country_cities": ("The cities are in {country}.", "Les villes sont en {country}."),
    "country_domains": ("The e-mail addresses end as in {country}.", "Les adresses e-mail se terminent comme en {country}."),
    "country_tax": ("The tax numbers are of {country}.", "Les numéros fiscaux sont de {country}."),
    "country_ibans": ("The accounts are in {country}.", "Les comptes bancaires sont en {country}."),
    "country_currency": ("The amounts are in the currency of {country}.", "Les montants sont dans la devise de {country}."),
    "country_dates": ("The dates are written as in {country}.", "Les dates sont écrites comme en {country}."),
    "country_headers": (
        "The headers are in a language of {country}, and the telephone numbers fit.",
        "Les en-têtes sont dans une langue de {country}, et les numéros de téléphone y correspondent.",
    ),
    "country_streets": (
        "The streets are named as in {country}, and nothing speaks against it.",
        "Les rues sont nommées comme en {country}, et rien ne s'y oppose.",
    ),
    "country_company": (
        "The company's own country, {country}, which the file agrees with.",
        "Le pays de l'entreprise, {country}, auquel le fichier correspond.",
    ),
    "country_unsettled": (
        "Nothing in the file says in which country its debtors live.",
        "Rien dans le fichier ne dit dans quel pays vivent ses débiteurs.",
    ),
    "remembered": ("Confirmed for earlier files.", "Confirmé pour des fichiers précédents."),
    # Questions.
    "phone_country": (
        "Of which country are telephone numbers without one: {examples}?",
        "De quel pays sont les numéros de téléphone qui n'en indiquent pas : {examples} ?",
    ),
    "which_field": ("What is {header}?", "Qu'est-ce que {header} ?"),
    "which_amount": (
        "Which column is what is owed now, all taxes included: {columns}?",
        "Quelle colonne est ce qui reste dû, toutes taxes comprises : {columns} ?",
    ),
    "instalments": (
        "{header} repeats with several due dates ({references}): {examples}. A debt for each (split), or one of their sum (merge)?",
        "{header} se répète avec plusieurs échéances ({references}) : {examples}. Une créance pour chacune (split) ou une seule (merge) ?",
    ),
    "amount_unit": (
        "The file says « {title} »: are the amounts of {headers} in that unit, such as {examples}?",
        "Le fichier indique « {title} » : les montants de {headers} sont-ils dans cette unité, par exemple {examples} ?",
    ),
    "row_status": (
        "What do these values of {header} say of their rows: {unclear}?",
        "Que disent ces valeurs de {header} de leurs lignes : {unclear} ?",
    ),
    "amount_or_invoiced": (
        "With {header} beside it: is this the amount invoiced, or what is left to pay?",
        "À côté de {header} : est-ce le montant facturé, ou ce qui reste à payer ?",
    ),
    "invoiced_only": (
        "{header} is what was invoiced and no column says what was paid: is all of it still owed?",
        "{header} est le montant facturé et aucune colonne ne dit ce qui a été payé : tout est-il encore dû ?",
    ),
    "tax_included": (
        "Does {header} include {tax}?",
        "{header} comprend-il {tax} ?",
    ),
    "amounts_disagree": (
        "What is due is not what was invoiced less what was paid. Are these columns right?",
        "Ce qui est dû n'est pas le montant facturé moins le montant payé. Ces colonnes sont-elles les bonnes ?",
    ),
    "negative_amounts": (
        "Most amounts of {header} are below zero. Are they owed to you?",
        "La plupart des montants de {header} sont négatifs. Vous sont-ils dus ?",
    ),
    "number_format": (
        "Is the mark in {examples} of {header} the decimals' or the thousands'?",
        "Dans {header}, le signe de {examples} est-il celui des décimales ou des milliers ?",
    ),
    "date_order": (
        "Does the day or the month come first in {header}: {examples}?",
        "Dans {header}, est-ce le jour ou le mois qui vient en premier : {examples} ?",
    ),
    "dates_turned": (
        "A spreadsheet may have swapped day and month in {header}: it has {date}. Is {swapped} meant?",
        "Un tableur a pu inverser jour et mois dans {header} : il contient {date}. Faut-il lire {swapped} ?",
    ),
    "currency_sign": ("Which currency is {sign}?", "Quelle devise est {sign} ?"),
    "currency_unstated": (
        "The file names no currency and speaks of places that use {currencies}. Which is it?",
        "Le fichier ne nomme aucune devise et parle de lieux qui utilisent {currencies}. Laquelle est-ce ?",
    ),
    "currencies_differ": (
        "The amounts' headers name different currencies: {headers}. Which one counts?",
        "Les en-têtes des montants nomment des devises différentes : {headers}. Laquelle compte ?",
    ),
    "currency_changed": (
        "The amounts were in {before} and are now in {now}. Is that right?",
        "Les montants étaient en {before} et sont maintenant en {now}. Est-ce juste ?",
    ),
    "missing_amount": ("Which column is the amount due?", "Quelle colonne est le montant dû ?"),
    "missing_name": ("Which column is the debtor's name?", "Quelle colonne est le nom du débiteur ?"),
    "missing_reference": (
        "Which column is your reference of the debt? Where none is, name the columns that identify a row together (reference_from).",
        "Quelle colonne est votre référence de la créance ? S'il n'y en a pas, nommez celles qui l'identifient (reference_from).",
    ),
    "reference_repeats": (
        "{header} has {distinct} values in {rows} rows: does it tell the debts apart?",
        "{header} a {distinct} valeurs pour {rows} lignes : distingue-t-elle les créances ?",
    ),
    "iban_whose": (
        "{header} has {distinct} accounts: are they where debtors are to pay, and not their own?",
        "{header} contient {distinct} comptes : est-ce là que les débiteurs doivent payer, et non les leurs ?",
    ),
    "contents_changed": (
        "{header} was {field} and no longer looks like it. What is it now?",
        "{header} était {field} et n'y ressemble plus. Qu'est-ce maintenant ?",
    ),
    "number_format_changed": (
        "{header} wrote decimals with « {before} » and now with « {now} ». Is that right?",
        "{header} écrivait les décimales avec « {before} » et maintenant avec « {now} ». Est-ce juste ?",
    ),
    "date_order_changed": (
        "{header} wrote dates as {before} and now as {now}. Is that right?",
        "{header} écrivait les dates en {before} et maintenant en {now}. Est-ce juste ?",
    ),
    # Findings.
    "row_is_settled": (
        "{header} says « {value} »: nothing of this row is owed.",
        "{header} indique « {value} » : rien de cette ligne n'est dû.",
    ),
    "row_is_excluded": (
        "{header} says « {value} »: it is not collected without your answer. Set this value to open in the mapping, or leave it.",
        "{header} indique « {value} » : rien n'est réclamé sans votre réponse. Déclarez cette valeur « open », ou laissez la ligne.",
    ),
    "row_is_partly_paid": (
        "{header} says « {value} » and no column says what is left: the whole amount was taken. Check what is still owed.",
        "{header} indique « {value} » et aucune colonne ne donne le reste : le montant entier est repris. Vérifiez ce qui reste dû.",
    ),
    "row_is_credit": (
        "{header} says « {value} »: the row is a credit, not a debt.",
        "{header} indique « {value} » : la ligne est un avoir, pas une créance.",
    ),
    "row_text_doubt": (
        "{header} says « {value} »: the debt was taken all the same. Check that it is still owed.",
        "{header} indique « {value} » : la créance est reprise malgré tout. Vérifiez qu'elle est toujours due.",
    ),
    "currency_unknown": ("{value} is not a currency we know.", "{value} n'est pas une devise connue."),
    "currency_conflict": (
        "The row says {value} and its amount {other}.",
        "La ligne indique {value} et son montant {other}.",
    ),
    "country_unknown": (
        "{value} is not a country we know; it was left out.",
        "{value} n'est pas un pays connu ; il a été laissé de côté.",
    ),
    "phone_country_unknown": (
        "{value} names no country and the row does not tell which; the phone was left out. Write it with its country code, such as +31.",
        "{value} n'indique pas de pays et la ligne ne permet pas de le savoir ; le téléphone a été laissé de côté. Écrivez-le avec son indicatif, par exemple +31.",
    ),
    "phone_contradicted": (
        "{value} could be a number of {country} or of {other}; the phone was left out. Write it with its country code.",
        "{value} peut être un numéro de {country} ou de {other} ; le téléphone a été laissé de côté. Écrivez-le avec son indicatif.",
    ),
    "phone_invalid": (
        "{value} is no telephone number in {country}; it was left out. Check its digits, or write it with its country code.",
        "{value} n'est pas un numéro de téléphone en {country} ; il a été laissé de côté. Vérifiez ses chiffres ou écrivez-le avec son indicatif.",
    ),
    "phone_wrong": (
        "{value} is no telephone number; it was left out. Check its digits.",
        "{value} n'est pas un numéro de téléphone ; il a été laissé de côté. Vérifiez ses chiffres.",
    ),
    "phone_overseas": (
        "{value} is an overseas number and the row does not tell its territory; it was left out. Write it with +262, +590, +594 or +596.",
        "{value} est un numéro d'outre-mer et la ligne ne dit pas son territoire ; il a été laissé de côté. Écrivez-le avec +262, +590, +594 ou +596.",
    ),
    "phone_expensive": (
        "{value} is a premium-rate, shared-cost, satellite, personal or pager number; it was left out. Send the debt with accept_expensive_destination to have it called.",
        "{value} est un numéro surtaxé, à coût partagé, satellitaire, personnel ou de radiomessagerie ; il a été laissé de côté. Envoyez la créance avec accept_expensive_destination pour qu'il soit appelé.",
    ),
    "postal_code_short": (
        "{value} may have lost its first zero or be of another country; it was left as it is. Add the country or the zero.",
        "{value} a peut-être perdu son premier zéro ou est d'un autre pays ; il a été laissé tel quel. Ajoutez le pays ou le zéro.",
    ),
    "value_unknown": (
        "{value} is not understood here; it was left out.",
        "{value} n'est pas compris ici ; la valeur a été laissée de côté.",
    ),
    "day_before_midnight": (
        "The time of Greenwich was read as {date}; where you are it may be the day after.",
        "L'heure de Greenwich a été lue comme {date} ; chez vous, ce peut être le lendemain.",
    ),
    "first_of_several": (
        "The cell holds several; {taken} was taken, not {others}.",
        "La cellule en contient plusieurs ; {taken} a été pris, pas {others}.",
    ),
}  # fmt: skip


def locale_of(language: str) -> MessageLocale:
    """Return the message language for a person's language: French for French, else English."""
    return "fr" if language.startswith("fr") else "en"


def codes() -> list[str]:
    """Return every code with a message, of findings, reasons and questions."""
    return list(_SENTENCES)


def message_text(code: str, facts: Facts[str, Any], language: str) -> str:
    """Return the message of a reason, a question or a finding in French (`fr`) or English."""
    english, french = _SENTENCES[code]
    fact_texts = {
        name: ", ".join(map(str, fact)) if isinstance(fact, list | tuple) else fact
        for name, fact in facts.items()
    }
    return (french if locale_of(language) == "fr" else english).format(**fact_texts)

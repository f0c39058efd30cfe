"""Messages about a row, in French and in English.

One table holds every message of the imports package in both languages, so that none lacks a translation.
Errors from body validation are messages of the catalogue.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from getbill.kit.messages import Message, TranslatedMessage, message, translated

# By code: English, French.
_MESSAGES: Final[dict[str, tuple[str, str]]] = {
    "duplicate-in-file": (
        "The reference {reference} stands on line {line_before} already, with other values.",
        "La référence {reference} figure déjà à la ligne {line_before}, avec d'autres valeurs.",
    ),
    "instalment-merged": (
        "The instalment is in the amount of line {line_before}, whose debt has the same reference.",
        "L'échéance est comprise dans le montant de la ligne {line_before}, dont la créance porte la même référence.",
    ),
    "repeated-row": (
        "The row repeats line {line_before}.",
        "La ligne répète la ligne {line_before}.",
    ),
    "reference-known": (
        "A debt with the reference {reference} exists already, made from other values: {debt}.",
        "Une créance de référence {reference} existe déjà, avec d'autres valeurs : {debt}.",
    ),
    "updated": (
        "The debt {debt} exists already; this row changes: {fields}.",
        "La créance {debt} existe déjà ; cette ligne modifie : {champs}.",
    ),
    "person-changed": (
        "The debtor of {debt} changes: {fields}.",
        "Le débiteur de {debt} change : {champs}.",
    ),
    "debt-moved": (
        "The row names another person: {debt} moves to them, and the other debts keep their debtor.",
        "La ligne désigne une autre personne : {debt} lui est rattachée, les autres créances gardent leur débiteur.",
    ),
    "cannot-update": (
        "The debt {debt} of this reference could not be changed: {why}",
        "La créance {debt} de cette référence n'a pas pu être modifiée : {why}",
    ),
    "row-failed": (
        "The row could not be processed and was set aside: {why} Correct it here, or send it again.",
        "La ligne n'a pas pu être traitée et a été mise de côté : {why} Corrigez-la ici, ou envoyez-la de nouveau.",
    ),
    "code-of-several": (
        "The code {customer} stands for several people; it was not used to recognise anyone.",
        "Le code {customer} désigne plusieurs personnes ; il n'a servi à reconnaître personne.",
    ),
    "code-differs": (
        "The code {customer} belongs to a debtor with another {fields}; a separate debtor was created.",
        "Le code {customer} est celui d'un débiteur dont ces champs diffèrent : {champs}. Un débiteur distinct a été créé.",
    ),
    "debtor-differs": (
        "The debtor is known with another {fields}, which was kept. To change it: PUT /debts/{debt}.",
        "Le débiteur est déjà connu avec d'autres valeurs, conservées : {champs}. Pour les modifier : PUT /debts/{debt}.",
    ),
    "email-typo": (
        "The address ends in {domain}, which is nearly {meant}.",
        "L'adresse se termine par {domain}, très proche de {meant}.",
    ),
    "date-far": (
        "The date {date} is more than {years} years ahead.",
        "La date {date} est dans plus de {years} ans.",
    ),
    "contacted": (
        "The debtor has been contacted since; the debt stays.",
        "Le débiteur a été contacté depuis ; la créance reste.",
    ),
    "money-moved": (
        "Money has been entered since; the debt stays.",
        "De l'argent a été enregistré depuis ; la créance reste.",
    ),
    "contacted-since": (
        "The debtor has been contacted since; the change stays.",
        "Le débiteur a été contacté depuis ; la modification reste.",
    ),
    "money-since": (
        "Money has been entered since; the change stays.",
        "De l'argent a été enregistré depuis ; la modification reste.",
    ),
    "changed-since": (
        "It was changed again since; the change stays. Set the value by PUT /debts/{debt}.",
        "Modifiée de nouveau depuis ; la modification reste. Corrigez la valeur par PUT /debts/{debt}.",
    ),
    "moved-since": (
        "The debt is {status} now; the change stays.",
        "La créance est maintenant « {status} » ; la modification reste.",
    ),
    "cannot-restore": (
        "The earlier values are not accepted any more; the change stays. Set the value by PUT /debts/{debt}.",
        "Les valeurs d'avant ne sont plus acceptées ; la modification reste. Corrigez la valeur par PUT /debts/{debt}.",
    ),
    "moved-on": (
        "The debt is {status} now; it stays.",
        "La créance est maintenant « {status} » ; elle reste.",
    ),
}

_FIELDS_FRENCH: Final[dict[str, str]] = {
    "amount": "montant",
    "name": "nom du débiteur",
    "email": "e-mail",
    "phone": "téléphone",
    "currency": "devise",
    "due_date": "échéance",
    "invoice_date": "date de facture",
    "country": "pays",
    "postal_code": "code postal",
    "city": "ville",
    "address": "adresse",
    "company": "société",
    "birthdate": "date de naissance",
    "civility": "civilité",
    "reference": "référence",
    "first_name": "prénom",
    "last_name": "nom",
    "language": "langue",
    "street_address": "rue",
    "street_number": "numéro de rue",
    "object": "objet",
    "scenario": "scénario",
    "payment_link": "lien de paiement",
    "invoice_reference": "numéro de facture",
}


def field_names(fields: Sequence[str]) -> dict[str, str]:
    """Return field names as a list in both languages."""
    return {
        "fields": ", ".join(name.replace("_", " ") for name in fields) or "nothing",
        "champs": ", ".join(_FIELDS_FRENCH.get(name, name) for name in fields) or "rien",
    }


def codes() -> list[str]:
    """Return the codes defined by imports."""
    return list(_MESSAGES)


def bilingual_message(code: str, facts: Mapping[str, Any]) -> tuple[str, str]:
    """Return the message of an import code, in English and in French."""
    english, french = _MESSAGES[code]
    french_facts = {
        name: translated(fact, "fr") if isinstance(fact, str) else fact for name, fact in facts.items()
    }
    return english.format(**facts), french.format(**french_facts)


def name_field(pointer: str, detail: Message) -> Message:
    """Return a body validation error with the field's display name, since columns have other names."""
    field = pointer.rsplit("/", 1)[-1]
    if field not in _FIELDS_FRENCH:
        return detail
    field_name = TranslatedMessage({"en": field.replace("_", " "), "fr": _FIELDS_FRENCH[field]})
    return detail.with_subject(message("The field '{field}'", field=field_name))

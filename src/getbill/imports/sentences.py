"""What a person reads of a row, in French and in English, and what would be right where that is plain.

The checks of a body speak English; here is what they say in French. One table has every sentence of the import's own in
both languages, so that none is said in one only.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from getbill.imports import typos

# By code: English, French.
_OWN: Final[dict[str, tuple[str, str]]] = {
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

# By code of a body's checks, or by the field that is wrong.
_FRENCH: Final[dict[str, str]] = {
    "missing": "Le champ {field} est obligatoire.",
    "twice": "Le champ {field} est donné deux fois.",
    "too-many-decimals": "Le montant a plus de décimales que sa devise.",
    "too-large": "Le montant est trop grand.",
    "before-invoice": "L'échéance précède la date de facture.",
    "unknown": "Ce scénario n'existe pas.",
    "unknown-field": "Le champ {field} n'existe pas.",
    "characters": "Le texte contient un caractère qu'aucun texte ne peut contenir (U+0000).",
    "string-too-long": "La valeur de {field} est trop longue.",
    "string-too-short": "La valeur de {field} est trop courte.",
    "string-type": "La valeur de {field} doit être un texte.",
    "literal-error": "La valeur de {field} n'est pas une de celles possibles.",
}
_FRENCH_BY_FIELD: Final[dict[str, str]] = {
    "email": "L'adresse e-mail n'est pas valable. Écrivez-la comme nom@exemple.fr.",
    "phone": "Le numéro de téléphone n'est pas valable dans ce pays.",
    "amount": "Le montant doit être un nombre supérieur à zéro.",
    "currency": "La devise n'est pas un code ISO 4217 en usage.",
    "due_date": "L'échéance n'est pas une date possible. Écrivez-la AAAA-MM-JJ.",
    "invoice_date": "La date de facture n'est pas une date possible. Écrivez-la AAAA-MM-JJ.",
    "birthdate": "La date de naissance n'est pas une date possible. Écrivez-la AAAA-MM-JJ.",
    "iban": "L'IBAN n'est pas valable : vérifiez chaque caractère.",
    "country": "Le pays n'est pas un code ISO 3166-1 connu.",
    "language": "La langue n'est pas un code ISO 639-1 connu.",
    "payment_link": "Le lien de paiement doit commencer par https://.",
    "scenario": "Ce scénario n'existe pas.",
    "civility": "La civilité est Mr ou Ms.",
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
_SPACES: Final = re.compile(r"\s+")


def listed(fields: Sequence[str]) -> dict[str, str]:
    """Return names of fields as both languages list them."""
    return {
        "fields": ", ".join(name.replace("_", " ") for name in fields) or "nothing",
        "champs": ", ".join(_FIELDS_FRENCH.get(name, name) for name in fields) or "rien",
    }


def own(code: str, facts: Mapping[str, Any]) -> tuple[str, str]:
    """Return the sentence of one of the import's own codes, in English and in French."""
    english, french = _OWN[code]
    return english.format(**facts), french.format(**facts)


def french(pointer: str, code: str, detail: str) -> str:
    """Return in French what the checks of a body say of a field."""
    field = pointer.rsplit("/", 1)[-1]
    sentence = _FRENCH.get(code) or _FRENCH_BY_FIELD.get(field)
    return sentence.format(field=_FIELDS_FRENCH.get(field, field)) if sentence else detail


def suggestion(pointer: str, value: Any) -> str | None:
    """Return the value that would be right, where a refused one leaves little doubt."""
    if not isinstance(value, str) or not pointer.endswith("email"):
        return None
    return typos.mended_address(value)

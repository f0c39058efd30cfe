"""Messages about unreadable files and cells, in French and in English.

Every error has a code for programs, a message and a way out; one table holds all of them, so that none lacks
a translation.
"""

from collections.abc import Mapping
from typing import Any

# By code: message and way out in English, message and way out in French.
UNREADABLE: dict[str, tuple[str, str, str, str]] = {
    "empty": (
        "The file is empty.",
        "Export it again and check that it has rows.",
        "Le fichier est vide.",
        "Exportez-le de nouveau en vérifiant qu'il contient des lignes.",
    ),
    "no_rows": (
        "The file has a header and no row below it.",
        "Export it again with its rows.",
        "Le fichier a un en-tête et aucune ligne en dessous.",
        "Exportez-le de nouveau avec ses lignes.",
    ),
    "too_large": (
        "The file is larger than {limit} bytes.",
        "Split it into several files.",
        "Le fichier dépasse {limit} octets.",
        "Découpez-le en plusieurs fichiers.",
    ),
    "too_many_rows": (
        "The file has more than {limit} rows.",
        "Split it into several files.",
        "Le fichier a plus de {limit} lignes.",
        "Découpez-le en plusieurs fichiers.",
    ),
    "too_many_columns": (
        "Line {line} has more than {limit} columns.",
        "Export only the columns that describe the debts.",
        "La ligne {line} a plus de {limit} colonnes.",
        "Exportez seulement les colonnes qui décrivent les créances.",
    ),
    "line_too_long": (
        "Line {line} is longer than {limit} characters.",
        "Check that the file is a table with one row per line, and export it again.",
        "La ligne {line} dépasse {limit} caractères.",
        "Vérifiez que le fichier est un tableau d'une ligne par créance, et exportez-le de nouveau.",
    ),
    "cell_too_long": (
        "A cell on line {line} has more than {limit} characters.",
        "Shorten it, or look for a quotation mark that is never closed on that line.",
        "Une cellule de la ligne {line} dépasse {limit} caractères.",
        "Raccourcissez-la, ou cherchez sur cette ligne un guillemet jamais fermé.",
    ),
    "nul_bytes": (
        "Line {line} has characters of no text (NUL).",
        "Export the file again as CSV (UTF-8) or as XLSX.",
        "La ligne {line} contient des caractères qui ne sont pas du texte (NUL).",
        "Exportez de nouveau le fichier en CSV (UTF-8) ou en XLSX.",
    ),
    "quotes_broken": (
        "From line {line} on, quotation marks open and never close.",
        "Export the file again with its texts between quotation marks, or as XLSX.",
        "À partir de la ligne {line}, des guillemets s'ouvrent sans se fermer.",
        "Exportez de nouveau le fichier avec ses textes entre guillemets, ou en XLSX.",
    ),
    "encoding_unknown": (
        "There is no encoding called {encoding}.",
        "Name a usual one: utf-8, cp1252, latin-1, mac-roman, utf-16.",
        "Aucun encodage ne s'appelle {encoding}.",
        "Nommez-en un usuel : utf-8, cp1252, latin-1, mac-roman, utf-16.",
    ),
    "not_a_table": (
        "This is {what}, not a table of debts.",
        "Export the debts as CSV or as XLSX and send that file.",
        "Ceci est {what}, et non un tableau de créances.",
        "Exportez les créances en CSV ou en XLSX et envoyez ce fichier.",
    ),
    "archive_of_several": (
        "The archive holds {count} files: {names}.",
        "Send each file by itself, or an archive with one file.",
        "L'archive contient {count} fichiers : {names}.",
        "Envoyez chaque fichier séparément, ou une archive d'un seul fichier.",
    ),
    "archive_empty": (
        "The archive holds no file.",
        "Pack the file with the debts, or send it as it is.",
        "L'archive ne contient aucun fichier.",
        "Compressez le fichier des créances, ou envoyez-le tel quel.",
    ),
    "archive_nested": (
        "The archive holds another archive: {name}.",
        "Unpack it and send the file itself.",
        "L'archive en contient une autre : {name}.",
        "Décompressez-la et envoyez le fichier lui-même.",
    ),
    "archive_locked": (
        "The archive is protected by a password.",
        "Pack it without a password, or send the file as it is.",
        "L'archive est protégée par un mot de passe.",
        "Compressez sans mot de passe, ou envoyez le fichier tel quel.",
    ),
    "archive_method": (
        "{name} is compressed in a way that is not read here.",
        "Pack it as an ordinary zip (Deflate) or gzip, or send the file as it is.",
        "{name} est compressé d'une façon qui n'est pas lue ici.",
        "Compressez en zip ordinaire (Deflate) ou en gzip, ou envoyez le fichier tel quel.",
    ),
    "archive_damaged": (
        "The archive is damaged or cut off.",
        "Pack the file again, or send it as it is.",
        "L'archive est endommagée ou tronquée.",
        "Compressez de nouveau le fichier, ou envoyez-le tel quel.",
    ),
    "archive_too_large": (
        "The archive unpacks to more than {limit} bytes.",
        "Split the file into several and send each by itself.",
        "Une fois décompressée, l'archive dépasse {limit} octets.",
        "Découpez le fichier et envoyez chaque partie séparément.",
    ),
    "truncated": (
        "The workbook is cut off: its end is missing.",
        "Send the file again, whole.",
        "Le classeur est tronqué : il lui manque la fin.",
        "Envoyez de nouveau le fichier, en entier.",
    ),
    "damaged": (
        "The workbook is damaged: {detail}.",
        "Open it in a spreadsheet, save it as XLSX, and send it again.",
        "Le classeur est endommagé : {detail}.",
        "Ouvrez-le dans un tableur, enregistrez-le en XLSX et envoyez-le de nouveau.",
    ),
    "password": (
        "The workbook is protected by a password.",
        "Save it without a password and send it again.",
        "Le classeur est protégé par un mot de passe.",
        "Enregistrez-le sans mot de passe et envoyez-le de nouveau.",
    ),
    "unpacks_too_large": (
        "The workbook unpacks to more than {limit} bytes.",
        "Save only the sheet with the debts, or export it as CSV.",
        "Une fois décompressé, le classeur dépasse {limit} octets.",
        "Enregistrez seulement la feuille des créances, ou exportez-la en CSV.",
    ),
    "external_entities": (
        "The workbook declares entities, as no spreadsheet does.",
        "Open it in a spreadsheet, save it as XLSX, and send it again.",
        "Le classeur déclare des entités, ce qu'aucun tableur ne fait.",
        "Ouvrez-le dans un tableur, enregistrez-le en XLSX et envoyez-le de nouveau.",
    ),
    "too_much_memory": (
        "The workbook needs more memory than one file may take.",
        "Export the sheet as CSV, which has no such limit, or split it.",
        "Le classeur demande plus de mémoire qu'un fichier ne peut en prendre.",
        "Exportez la feuille en CSV, qui n'a pas cette limite, ou découpez-la.",
    ),
    "too_slow": (
        "The workbook takes longer to read than one file may.",
        "Export the sheet as CSV, which reads faster, or split it.",
        "Le classeur est trop long à lire.",
        "Exportez la feuille en CSV, plus rapide à lire, ou découpez-la.",
    ),
    "no_such_sheet": (
        "The workbook has no sheet called {sheet}.",
        "Choose one of: {sheets}.",
        "Le classeur n'a pas de feuille appelée {sheet}.",
        "Choisissez parmi : {sheets}.",
    ),
}

# By code: in English, in French.
CELLS: dict[str, tuple[str, str]] = {
    "number_invalid": ("{value} is not a number.", "{value} n'est pas un nombre."),
    "number_ambiguous": (
        "{value} can be read as two numbers.",
        "{value} peut se lire comme deux nombres.",
    ),
    "sign_unclear": (
        "{value} can be owed to you or by you: what stands beside the amount does not say.",
        "{value} peut vous être dû ou être dû par vous : ce qui accompagne le montant ne le dit pas.",
    ),
    "magnitude_unclear": (
        "{value} can be thousands or millions: write the amount out.",
        "{value} peut être en milliers ou en millions : écrivez le montant en entier.",
    ),
    "digits_lost": (
        "{value} was shortened by a spreadsheet: its last digits are lost.",
        "{value} a été abrégé par un tableur : ses derniers chiffres sont perdus.",
    ),
    "formula_error": (
        "{value} is the error of a formula.",
        "{value} est l'erreur d'une formule.",
    ),
    "date_invalid": ("{value} is not a date.", "{value} n'est pas une date."),
    "date_impossible": ("There is no such day as {value}.", "Le jour {value} n'existe pas."),
    "date_placeholder": (
        "{value} stands for no date: programs write it where they have none.",
        "{value} n'est pas une date : des programmes l'écrivent quand ils n'en ont pas.",
    ),
    "cells_slid": (
        "The row has {cells} cells under {columns} columns: a delimiter inside a cell is not quoted.",
        "La ligne a {cells} cellules pour {columns} colonnes : un séparateur dans une cellule est sans guillemets.",
    ),
    "row_cut": (
        "The row has {cells} cells under {columns} columns: a line break inside a cell is not quoted.",
        "La ligne a {cells} cellules pour {columns} colonnes : un retour à la ligne dans une cellule est sans guillemets.",
    ),
    "quote_open": (
        "A quotation mark opens in the row and never closes.",
        "Un guillemet s'ouvre dans la ligne et ne se ferme jamais.",
    ),
    "cell_empty": ("The cell is empty.", "La cellule est vide."),
}

# By code: in English, in French.
NOTES: dict[str, tuple[str, str]] = {
    "other_extension": (
        "The file is called {extension} and is {kind}; it was read as what it is.",
        "Le fichier s'appelle {extension} et c'est du {kind} ; il a été lu comme tel.",
    ),
    "unpacked": (
        "{file} was taken from the archive {archive}.",
        "{file} a été extrait de l'archive {archive}.",
    ),
    "no_header": (
        "The first row is data already; columns are called by their letters.",
        "La première ligne est déjà une donnée ; les colonnes portent leur lettre.",
    ),
    "header_unsure": (
        "Line {line} was taken for the header, though its words are not known.",
        "La ligne {line} a été prise pour l'en-tête, sans que ses mots soient connus.",
    ),
    "mixed_encoding": (
        "Two encodings in one file: {count} lines are {encoding}, {others} are UTF-8. Each line was read in its own.",
        "Deux encodages dans un fichier : {count} lignes en {encoding}, {others} en UTF-8. Chacune a été lue dans le sien.",
    ),
    "encoded_twice": (
        "UTF-8 had been read as {encoding} before the file was saved; {count} letters were restored.",
        "De l'UTF-8 avait été lu comme {encoding} avant l'enregistrement ; {count} lettres ont été rétablies.",
    ),
    "texts_encoded_twice": (
        "UTF-8 had been read as {encoding} before the workbook was saved; its letters were restored.",
        "De l'UTF-8 avait été lu comme {encoding} avant l'enregistrement du classeur ; ses lettres ont été rétablies.",
    ),
    "letters_lost": (
        "{count} letters were lost before the file was sent and show as �; export it again if names matter.",
        "{count} lettres étaient perdues avant l'envoi et s'affichent � ; réexportez le fichier si des noms en dépendent.",
    ),
    "customers_above": (
        "Customers stand on rows of their own; each line below such a row was given what it says.",
        "Les clients sont sur des lignes à part ; chaque ligne en dessous reçoit ce qui y est écrit.",
    ),
    "headings_left_out": (
        "Rows that only head the lines below them were left out.",
        "Les lignes qui ne font que titrer les suivantes ont été laissées de côté.",
    ),
    "encoding_doubtful": (
        "Some letters may be read wrongly; {encoding} fits best{readings}. If names are wrong, export it as UTF-8.",
        "Certaines lettres peuvent être mal lues ; {encoding} convient le mieux{readings}. Si des noms sont faux, réexportez-le en UTF-8.",
    ),
    "other_sheets": (
        "The sheet {sheet} was read; others have rows too: {others}.",
        "La feuille {sheet} a été lue ; d'autres ont aussi des lignes : {others}.",
    ),
    "other_table": (
        "Another table begins on line {line} and was left out; send it as a file of its own if it holds debts.",
        "Un autre tableau commence à la ligne {line} et a été laissé de côté ; envoyez-le à part s'il contient des créances.",
    ),
    "tables_side_by_side": (
        "Another table stands beside this one and was left out: {columns}.",
        "Un autre tableau se trouve à côté de celui-ci et a été laissé de côté : {columns}.",
    ),
    "hidden_rows": (
        "{count} rows are hidden in the sheet and were left out.",
        "{count} lignes sont masquées dans la feuille et ont été laissées de côté.",
    ),
    "hiding_unknown": (
        "Whether rows are hidden in the sheet cannot be told; all were read.",
        "Impossible de savoir si la feuille masque des lignes ; toutes ont été lues.",
    ),
    "hidden_columns": (
        "Hidden columns were read too: {columns}.",
        "Des colonnes masquées ont aussi été lues : {columns}.",
    ),
    "far_cells": (
        "{count} cells stand far beside the table and were left out.",
        "{count} cellules sont loin à côté du tableau et ont été laissées de côté.",
    ),
    "dates_from_1904": (
        "The workbook counts days from 1904; numbers that are not formatted as dates are not read as dates.",
        "Le classeur compte les jours depuis 1904 ; les nombres sans format de date ne sont pas lus comme des dates.",
    ),
    "formulas_unsaved": (
        "{count} formulas have no saved value; open the workbook in a spreadsheet, save it and send it again.",
        "{count} formules n'ont pas de valeur enregistrée ; ouvrez le classeur dans un tableur, enregistrez-le et renvoyez-le.",
    ),
}

# Reasons for a column's format. code: (English, French)
REASONS: dict[str, tuple[str, str]] = {
    "decimal_seen": ("its cells show the decimal sign", "ses cellules montrent le signe décimal"),
    "decimal_ambiguous": (
        "1.234 can be a thousand or one and a fraction, and no cell settles it",
        "1.234 peut valoir mille ou un et des poussières, et aucune cellule ne tranche",
    ),
    "mixed_decimals": (
        "some cells have a decimal point and others a comma",
        "certaines cellules ont un point décimal et d'autres une virgule",
    ),
    "whole_numbers": ("all are whole numbers", "ce sont tous des nombres entiers"),
    "typed": ("the workbook keeps them as such", "le classeur les enregistre comme tels"),
    "other_columns": ("the other columns of the file show it", "les autres colonnes du fichier le montrent"),
    "day_above_12": ("a day above 12 settles the order", "un jour supérieur à 12 fixe l'ordre"),
    "serials": (
        "the cells count days as a spreadsheet does",
        "les cellules comptent les jours comme un tableur",
    ),
    "year_first": ("the year stands first", "l'année est en premier"),
    "all_agree": ("either order gives the same days", "les deux ordres donnent les mêmes jours"),
    "years_close": (
        "the other order would scatter the years",
        "l'autre ordre disperserait les années",
    ),
    "order_ambiguous": (
        "no day is above 12: day and month could be swapped",
        "aucun jour ne dépasse 12 : jour et mois pourraient être inversés",
    ),
    "mixed_orders": (
        "some cells have the day first and others the month",
        "certaines cellules ont le jour en premier et d'autres le mois",
    ),
    "half_converted": (
        "a spreadsheet turned some of the dates round: those with a day up to 12",
        "un tableur a inversé une partie des dates : celles dont le jour ne dépasse pas 12",
    ),
}


def note_text(code: str, language: str, facts: Mapping[str, Any]) -> str:
    """Return a note's message in French (`fr`) or English."""
    english, french = NOTES[code]
    return (french if language.startswith("fr") else english).format(**facts)


def reason(code: str, language: str) -> str:
    """Return the reason for a column's number or date format in French (`fr`) or English."""
    english, french = REASONS[code]
    return french if language.startswith("fr") else english


class Unreadable(Exception):
    """A file that cannot be read as a table: `code`, and `message` and `way_out` in English."""

    def __init__(self, code: str, **facts: Any) -> None:
        self.code = code
        self.facts = facts
        self.message, self.way_out = self.localized("en")
        super().__init__(f"{self.message} {self.way_out}")

    def localized(self, language: str) -> tuple[str, str]:
        """Return the message and the way out in French (`fr`) or English."""
        english, out, french, sortie = UNREADABLE[self.code]
        pair = (french, sortie) if language.startswith("fr") else (english, out)
        facts = {
            name: fact.get(language[:2], fact.get("en")) if isinstance(fact, dict) else fact
            for name, fact in self.facts.items()
        }
        return pair[0].format(**facts), pair[1].format(**facts)


class CellWrong(ValueError):
    """A cell that does not fit its column's type; `suggestion` is a valid value, if one is certain."""

    def __init__(self, code: str, suggestion: str | None = None, **facts: Any) -> None:
        self.code = code
        self.suggestion = suggestion
        self.facts = facts
        self.message = self.localized("en")
        super().__init__(self.message)

    def localized(self, language: str) -> str:
        """Return the message in French (`fr`) or English."""
        english, french = CELLS[self.code]
        return (french if language.startswith("fr") else english).format(**self.facts)

"""Headers and states of the languages from Poland to Turkey, and the words that are another thing in another language."""

from io import BytesIO

import pytest

from getbill import mapping, sheets
from getbill.mapping.row_status.words import status_of
from getbill.mapping.vocabulary.header_rules import claims
from getbill.mapping.vocabulary.headers import parse_header

HEADERS = {
    "pl": "Kod kontrahenta=debtor_reference|Data wystawienia=invoice_date|Termin płatności=due_date|Pozostało do zapłaty=amount|Zapłacono=amount_paid"
    "|Nr rachunku bankowego=|Dni po terminie=",
    "cs": "Číslo faktury=invoice_reference|Den splatnosti=due_date|Dlužná částka=amount|Konstantní symbol=|Datum úhrady=|Dnů po splatnosti=",
    "sk": "Dátum splatnosti=due_date|Zostáva uhradiť=amount|Celková suma=amount_invoiced|Spôsob úhrady=|Priezvisko=last_name",
    "hu": "Számla sorszáma=invoice_reference|Esedékesség dátuma=due_date|Hátralék=amount|Kiegyenlítés dátuma=|Teljesítés dátuma=",
    "ro": "Serie și număr=invoice_reference|Data scadenței=due_date|Rest de plată=amount|Data încasării=|Zile întârziere=",
    "bg": "Фактура №=invoice_reference|Срок за плащане=due_date|Дължима сума=amount|Дата на плащане=|Дни просрочие=",
    "hr": "Broj računa=invoice_reference|Datum valute=due_date|Za naplatu=amount|Datum plaćanja=|Žiro račun=|Nedospjelo=",
    "sr": "Број рачуна=invoice_reference|Датум доспећа=due_date|Остатак=amount|Уплаћено=amount_paid",
    "sl": "Št. računa=invoice_reference|Rok plačila=due_date|Odprti znesek=amount|Poštna številka=postal_code|Datum plačila=",
    "el": "ΗΜΕΡΟΜΗΝΙΑ ΛΗΞΗΣ=due_date|Αρ. Τιμολογίου=invoice_reference|Ανεξόφλητο=amount|Τ.Κ.=postal_code|Προοδευτικό υπόλοιπο=",
    "tr": "FATURA TARİHİ=invoice_date|Son Ödeme Tarihi=due_date|Kalan Tutar=amount|Ödeme Tarihi=|Vadesi Gelmemiş=|AÇIKLAMA=object",
}
STATES = {
    "open": "Niezapłacona|Po splatnosti|Neuhradená|Lejárt|Neîncasată|Просрочена|Dospjelo|Neplačano|Неплаћена|Ληξιπρόθεσμο|Vadesi Geçmiş",
    "paid": "Zapłacony|Uhrazeno|Stornovaná|Kiegyenlítve|Achitat|Платена|Plaćeno|Poravnano|Плаћена|Εξοφλημένη|Ödendi|İptal Edildi",
    "credit": "Faktura korygująca|Dobropis|Sztornó számla|Factură storno|Кредитно известие|Knjižno odobrenje|Πιστωτικό Τιμολόγιο|Satış İade Faturası",
    "partly_paid": "Częściowo zapłacona|Částečně uhrazeno|Részben kiegyenlítve|Încasată parțial|Частично платена|Djelomično plaćeno|Kısmi Ödendi",
    "excluded": "U komornika|Exekuce|V konkurze|Végrehajtás alatt|Executare silită|Съдебна|U stečaju|V izterjavi|Επισφαλές|İcra Takibinde",
}


@pytest.mark.parametrize(
    ("header", "field"),
    [pair.rsplit("=", 1) for listed in HEADERS.values() for pair in listed.split("|")],
)
def test_a_header_of_the_east_is_its_field(header: str, field: str) -> None:
    named = claims(parse_header(header))
    assert named is not None
    assert (named[0].field.value if named else "") == field


@pytest.mark.parametrize(
    ("value", "status"), [(value, status) for status, values in STATES.items() for value in values.split("|")]
)
def test_a_state_of_the_east_is_understood(value: str, status: str) -> None:
    assert status_of(value) == status


@pytest.mark.parametrize("value", ["Zálohová faktura", "Előlegszámla", "Avansni račun", "Reddedildi"])
def test_a_document_that_may_be_paid_in_advance_stays_open_to_an_answer(value: str) -> None:
    assert status_of(value) is None


@pytest.mark.parametrize(
    ("content", "header", "field"),
    [
        (
            "Naziv kupca;Kraj;Številka računa;Datum zapadlosti;Odprto\nAna Zupan;Kranj;26-1;19.09.2026;12,50\n",
            "Kraj",
            "city",
        ),
        (
            "Kontrahent;Kraj;Numer faktury;Termin płatności;Do zapłaty\nAnna Nowak;Polska;FV 1;19.09.2026;12,50\n",
            "Kraj",
            "country",
        ),
        (
            "Odběratel;Kraj;Číslo faktury;Splatnost;K úhradě\nJana Malá;Zlínský kraj;261;19.09.2026;12,50\n",
            "Kraj",
            None,
        ),
        (
            "Naziv kupca;Broj računa;Datum;Valuta;Iznos\nMarko Perić;F-1;04.09.2026;19.09.2026;12,50\n",
            "Valuta",
            "due_date",
        ),
        (
            "Naziv kupca;Broj računa;Datum;Valuta;Iznos\nMarko Perić;F-1;04.09.2026;EUR;12,50\n",
            "Valuta",
            "currency",
        ),
    ],
)
def test_a_word_is_read_in_the_language_of_the_other_headers(
    content: str, header: str, field: str | None
) -> None:
    with sheets.open(BytesIO(content.encode()), "open.csv") as sheet:
        proposed = mapping.propose(
            sheet.layout, sheets.profile(sheet), company_country="SI", company_currency="EUR"
        )
    column = next(column for column in proposed.columns if column.header == header)
    assert column.field == field

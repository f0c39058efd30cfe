"""The debts that a layout of the corpus is filled with: made up, the same on every run, and known to the cent."""

import random
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Place:
    """What names, towns and numbers look like in a country."""

    language: str
    name: str
    men: str
    women: str
    last: str
    companies: str
    streets: str
    towns: str
    landline: str
    mobile: str
    dialled: str
    civilities: tuple[str, str, str]
    iban: str


PLACES = {
    "FR": Place(
        "fr", "France", "Jean Pierre Michel Karim Luc", "Marie Sophie Claire Inès Léa",
        "Dupont Martin Lefèvre Petit Moreau N'Guyen Garnier",
        "Boulangerie Martin SARL;ACME SAS;Transports Durand;SCI Les Tilleuls;Garage de l'Étoile EURL;Menuiserie Petit & Fils",
        "rue de la Paix;avenue Victor Hugo;boulevard Voltaire;impasse des Lilas;place du Marché",
        "75002 Paris;69003 Lyon;13008 Marseille;01000 Bourg-en-Bresse;33000 Bordeaux;59800 Lille",
        "01 42 68 5# ##", "06 12 34 ## ##", "+33", ("M.", "Mme", "Société"), "FR7630006000011234567890189",
    ),
    "DE": Place(
        "de", "Deutschland", "Hans Peter Jürgen Mehmet Klaus", "Anna Sabine Ursula Greta Heike",
        "Müller Schmidt Weiß Fischer Krause Öztürk", "Müller GmbH;Bäckerei Schmidt;Nordlicht AG;Weber & Söhne KG;Auto Krause e.K.;Praxis Dr. Fischer",
        "Hauptstraße;Goethestr.;Am Markt;Bahnhofstraße;Lindenweg", "10115 Berlin;80331 München;01067 Dresden;20095 Hamburg;50667 Köln",
        "030 12345##", "0171 23456##", "+49", ("Herr", "Frau", "Firma"), "DE89370400440532013000",
    ),
    "ES": Place(
        "es", "España", "Juan José Carlos Iván Pablo", "María Carmen Lucía Nuria Ana", "García Fernández López Muñoz Pérez Ibáñez",
        "Talleres García S.L.;Construcciones Pérez S.A.;Panadería La Espiga;Electro Muñoz SLU;Asesoría López",
        "Calle Mayor;Avenida de América;Plaza España;Calle del Sol", "28013 Madrid;08001 Barcelona;41001 Sevilla;46002 Valencia;01001 Vitoria",
        "912 345 6##", "612 345 6##", "+34", ("Sr.", "Sra.", "Empresa"), "ES9121000418450200051332",
    ),
    "IT": Place(
        "it", "Italia", "Marco Luca Giuseppe Andrea", "Giulia Francesca Chiara Paola", "Rossi Bianchi Esposito Ferrari D'Angelo",
        "Rossi S.r.l.;Officine Bianchi S.p.A.;Bar Centrale di Esposito;Ferrari & C. S.n.c.;Studio D'Angelo",
        "Via Roma;Corso Italia;Piazza Garibaldi;Viale Europa", "20121 Milano;00184 Roma;10121 Torino;80121 Napoli",
        "02 1234 5##", "333 1234 5##", "+39", ("Sig.", "Sig.ra", "Ditta"), "IT60X0542811101000000123456",
    ),
    "NL": Place(
        "nl", "Nederland", "Jan Pieter Kees Daan", "Anna Sanne Femke Lotte", "de Jong Jansen van Dijk Bakker Visser".replace("de Jong", "Jongsma").replace("van Dijk", "Dijkstra"),
        "Jansen B.V.;Bakkerij Visser;Dijkstra Transport BV;Garage Bakker V.O.F.;Bloemen Jongsma",
        "Keizersgracht;Dorpsstraat;Kerkweg;Stationsplein", "1015 CJ Amsterdam;3011 AB Rotterdam;3511 LN Utrecht;5611 EM Eindhoven",
        "020 123 45##", "06 123456##", "+31", ("Dhr.", "Mevr.", "Bedrijf"), "NL91ABNA0417164300",
    ),
    "GB": Place(
        "en", "United Kingdom", "John David Oliver Ahmed", "Emma Olivia Sarah Fatima", "Smith Jones Taylor O'Brien Patel",
        "Smith & Sons Ltd;Acme Trading Limited;Taylor Plumbing;Patel Brothers LLP;The Corner Shop",
        "High Street;Station Road;Church Lane;Victoria Avenue", "SW1A 2AA London;M1 1AE Manchester;B1 1HQ Birmingham;EH1 1YZ Edinburgh",
        "020 7946 09##", "07700 9001##", "+44", ("Mr", "Mrs", "Company"), "GB29NWBK60161331926819",
    ),
    "US": Place(
        "en", "United States", "John Michael Robert Carlos", "Mary Jennifer Linda Grace", "Smith Johnson Williams Garcia Brown",
        "Johnson Supply Inc.;Acme LLC;Williams & Co;Garcia Landscaping;Brown Dental Corp.",
        "Main St;Oak Avenue;2nd Street;Maple Drive", "62701 Springfield;94105 San Francisco;02108 Boston;10001 New York",
        "(212) 555-01##", "(415) 555-01##", "+1", ("Mr.", "Ms.", "Company"), "",
    ),
}  # fmt: skip
PLACES["CH"] = PLACES["DE"]
PLACES["BE"] = PLACES["FR"]
PLACES["AT"] = PLACES["DE"]
# Amounts without decimals.
WHOLE = frozenset({"1234", "1 234", "1.234", "1,234"})
STATES = {"62701": "IL", "94105": "CA", "02108": "MA", "10001": "NY"}
OBJECTS = {
    "fr": "Prestation de mars;Abonnement annuel;Loyer avril;Réparation véhicule",
    "de": "Wartung März;Jahresabo;Miete April;Reparatur", "es": "Servicio marzo;Cuota anual;Alquiler abril",
    "it": "Servizio marzo;Canone annuo;Affitto aprile", "nl": "Onderhoud maart;Jaarabonnement;Huur april",
    "en": "March service;Annual plan;April rent;Repair",
}  # fmt: skip


@dataclass(slots=True)
class Debt:
    """One debt as the world knows it; what a file says of it may be less."""

    n: int
    place: Place
    country: str
    is_company: bool
    is_man: bool
    first: str
    last: str
    company: str
    street: str
    number: str
    zip: str
    city: str
    landline: str
    mobile: str
    invoiced: Decimal
    paid: Decimal
    net: Decimal
    invoice_date: date
    due_date: date
    currency: str
    object: str
    random: random.Random

    @property
    def due(self) -> Decimal:
        return self.invoiced - self.paid

    @property
    def person(self) -> str:
        return f"{self.first} {self.last}"

    @property
    def name(self) -> str:
        return self.company if self.is_company else self.person

    @property
    def email(self) -> str:
        plain = self.last.lower().translate(str.maketrans("éèêëüöäßáíóúñçøïÖ'", "eeeeuoasaiouncoio-"))
        return f"{plain}.{self.n}@{('example.com', 'example.org', 'mail.example.net')[self.n % 3]}"


def debts(options: dict[str, str], rows: int) -> list[Debt]:
    """Return the debts of a layout, by its options."""
    generator = random.Random(options["name"])  # noqa: S311 - made-up data
    return [_debt(n, options, generator) for n in range(1, rows + 1)]


def _debt(n: int, options: dict[str, str], chance: random.Random) -> Debt:
    country = chance.choice(options["country"].split("+"))
    place = PLACES[country]
    is_man = chance.random() < 0.5
    town = chance.choice(place.towns.split(";"))
    code, city = town.rsplit(" ", 1) if country in {"GB", "NL"} else town.split(" ", 1)
    invoiced = _amount(options, chance)
    paid = (
        Decimal(0)
        if options.get("paid") == "0" or chance.random() < 0.6
        else (invoiced * chance.randint(2, 8) / 10)
    )
    day_max = 12 if options.get("days") == "low" else 28
    invoice_date = date(2025, chance.randint(1, 12), chance.randint(1, day_max))
    due_date = invoice_date + timedelta(days=chance.choice((15, 30, 45, 60)))
    if options.get("days") == "low":
        due_date = date(
            invoice_date.year + (invoice_date.month > 10),
            (invoice_date.month + 1) % 12 + 1,
            chance.randint(1, 12),
        )
    people = options.get("people", "mix")
    whole = Decimal(1) if options.get("number", "") in WHOLE else Decimal("0.01")
    return Debt(
        n=n, place=place, country=country, is_company=people == "company" or (people == "mix" and chance.random() < 0.5),
        is_man=is_man, first=chance.choice((place.men if is_man else place.women).split()),
        last=chance.choice(place.last.split()), company=chance.choice(place.companies.split(";")),
        street=chance.choice(place.streets.split(";")), number=str(chance.randint(1, 180)), zip=code, city=city,
        landline=_digits(place.landline, chance), mobile=_digits(place.mobile, chance),
        invoiced=invoiced, paid=paid.quantize(whole), net=(invoiced / Decimal("1.2")).quantize(whole),
        invoice_date=invoice_date, due_date=due_date,
        currency=chance.choice(options["currency"].split("+")), object=chance.choice(OBJECTS[place.language].split(";")),
        random=chance,
    )  # fmt: skip


def _amount(options: dict[str, str], chance: random.Random) -> Decimal:
    if options.get("amounts") == "thousands":
        return Decimal(chance.randint(2, 9)) * 1000 + Decimal(chance.randint(1, 999))
    if options.get("number", "") in WHOLE:
        return Decimal(chance.randint(40, 9000))
    return Decimal(chance.randint(1500, 1_250_000)) / 100


def _digits(shape: str, chance: random.Random) -> str:
    return "".join(str(chance.randint(0, 9)) if sign == "#" else sign for sign in shape)

"""New random debtors, the same for whoever asks for the same numbers."""

_FIRST_NAMES = (
    "Camille Jean Marie Louis Jeanne Paul Alice Jules Emma Hugo Louise Arthur Chloe Lucas Lea Gabriel Manon Adam "
    "Ines Nathan Sarah Raphael Zoe Thomas Eva Antoine Lucie Victor Clara Simon Anna Martin Rose Maxime Julia Noe"
)
_LAST_NAMES = (
    "Martin Bernard Dubois Thomas Robert Richard Petit Durand Leroy Moreau Simon Laurent Lefebvre Michel Garcia "
    "David Bertrand Roux Vincent Fournier Morel Girard Andre Mercier Dupont Lambert Bonnet Francois Martinez "
    "Legrand Garnier Faure Rousseau Blanc Guerin Muller Henry Roussel Nicolas Perrin Morin Mathieu Clement "
    "Gauthier Dumont Lopez Fontaine Chevalier Robin Masson Sanchez Gerard Nguyen Boyer Denis Lemaire Duval Joly"
)
_FIRST, _LAST = _FIRST_NAMES.split(), _LAST_NAMES.split()

# The seed's own body, with another person, amount and reference each time.
_BODY = (
    '{"debtor":{"name":"%s %s","email":"%s.%s.%07d@example.com","phone":"+3361%07d"},'
    '"amount":%d.%02d,"currency":"EUR","reference":"F-2024-%09d","due_date":"2024-01-15",'
    '"scenario":"standard_3_waves"}'
)


def new_debt(number: int) -> bytes:
    """Return the body of the debt with this number: a person nobody has met, and a reference nobody has used."""
    mixed = number * 2_654_435_761 & 0xFFFFFFFF
    first, last = _FIRST[mixed % len(_FIRST)], _LAST[(mixed >> 8) % len(_LAST)]
    person = number % 10_000_000
    values = (
        first,
        last,
        first.lower(),
        last.lower(),
        person,
        person,
        20 + mixed % 5_000,
        mixed % 100,
        number,
    )
    return (_BODY % values).encode()

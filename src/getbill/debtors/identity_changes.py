"""Changes of an identity: what a later description adds, what a caller replaces, and what an address proves to be.

A later description never replaces what is known. An address, a spelling of the name or a code that differs is
kept beside the known one, and recognises the debtor from then on.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any, Final

from getbill.debtors.comparison import differences, fill_missing, names_alike
from getbill.debtors.model import STATED_FIELDS, ContactPoint, Health, Identity, comparable_words

KINDS: Final = ("email", "phone")
_LIST_NAMES: Final = {"email": "emails", "phone": "phones"}


def with_source(identity: Identity, source: str) -> Identity:
    """Return a new description with its addresses as contact points from a source."""
    points = tuple(
        ContactPoint(kind, value, source) for kind in KINDS if (value := getattr(identity, kind)) is not None
    )
    return replace(identity, contact_points=points) if points else identity


def learned(existing: Identity, later: Identity, source: str) -> Identity:
    """Return an identity with what a later description of the same person adds; what is known stays."""
    described = later if later.contact_points else with_source(later, source)
    filled = fill_missing(existing, replace(described, contact_points=()))
    known_points = _all_points(existing)
    new_points = [point for point in _all_points(described) if _position(known_points, point) is None]
    return replace(
        filled,
        contact_points=(*known_points, *new_points) if new_points else existing.contact_points,
        other_names=_with_spellings(filled.name, existing.other_names, described.all_names),
        other_references=_others(filled.reference, (*existing.other_references, *described.references)),
        other_addresses=_with_address(existing, described),
    )


def replaced(existing: Identity, changes: dict[str, Any], source: str) -> Identity:
    """Return an identity with fields that a caller replaces; an earlier address stays beside the new one.

    A cleared address removes all of its kind. Under another person's name nothing of the earlier one stays.
    """
    changed = replace(existing, **changes)
    if not names_alike(existing.name, changed.name):
        changed = replace(changed, contact_points=(), other_names=(), other_references=(), other_addresses=())
        points: list[ContactPoint] = []
    else:
        points = [point for point in _all_points(existing) if getattr(changed, point.kind) is not None]
    for kind in KINDS:
        value = getattr(changed, kind)
        if value is not None and getattr(existing, kind) != value:
            _prefer(points, ContactPoint(kind, value, source))
    changed = replace(
        changed,
        contact_points=tuple(points),
        other_references=_others(changed.reference, changed.other_references),
    )
    return changed if changed != replace(existing, contact_points=tuple(points)) else existing


def with_health(existing: Identity, kind: str, value: str, health: Health) -> Identity:
    """Return an identity in which one address has this health."""
    points = [
        replace(point, health=health) if (point.kind, point.value) == (kind, value) else point
        for point in _all_points(existing)
    ]
    return replace(existing, contact_points=tuple(points))


def with_next_preferred(existing: Identity, kind: str, unusable: Collection[str]) -> Identity:
    """Return an identity that prefers its next address of a kind that is neither bounced nor unusable."""
    for point in existing.points(kind)[1:]:
        if point.health != "bounced" and point.value not in unusable:
            return existing.with_changes({kind: point.value})
    return existing


def without_points(existing: Identity, removed: Iterable[ContactPoint]) -> Identity:
    """Return an identity without some contact points; a preferred one stays."""
    keys = {(point.kind, point.value) for point in removed}
    points = tuple(
        point
        for point in existing.contact_points
        if (point.kind, point.value) not in keys or point.value == getattr(existing, point.kind)
    )
    return replace(existing, contact_points=points)


def unlearned(current: Identity, before: Identity, after: Identity) -> Identity:
    """Return an identity without what one source changed, which found `before` and left `after`."""
    fields = {
        name: getattr(before, name) for name in STATED_FIELDS if getattr(before, name) != getattr(after, name)
    }
    added_points = [point for point in after.contact_points if point.value not in before.values(point.kind)]
    restored = without_points(current.with_changes(fields), added_points)
    return replace(
        restored,
        other_names=_without(current.other_names, after.other_names, before.other_names),
        other_references=_without(current.other_references, after.other_references, before.other_references),
        other_addresses=_without(current.other_addresses, after.other_addresses, before.other_addresses),
    )


def _without(current: tuple[str, ...], after: tuple[str, ...], before: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(value for value in current if value not in after or value in before)


def contradictions(existing: Identity, later: Identity) -> tuple[str, ...]:
    """Return the fields of a later description of the same person that were not applied."""
    differing = [name for name in differences(existing, later) if name not in {"name", *KINDS}]
    if existing.language and later.language and existing.language != later.language:
        differing.append("language")
    return tuple(differing)


def added_kinds(before: Identity, after: Identity) -> tuple[str, ...]:
    """Return the kinds of address of which an identity has more, beside the preferred one that it had."""
    return tuple(
        kind
        for kind in KINDS
        if getattr(before, kind) is not None and len(after.values(kind)) > len(before.values(kind))
    )


def shown_differences(before: Identity, after: Identity) -> list[str]:
    """Return the names of the shown fields in which two identities differ."""
    names = [
        name
        for name in Identity.__dataclass_fields__
        if name != "contact_points" and getattr(before, name) != getattr(after, name)
    ]
    return sorted(names + [_LIST_NAMES[kind] for kind in KINDS if before.points(kind) != after.points(kind)])


def _all_points(identity: Identity) -> list[ContactPoint]:
    return [point for kind in KINDS for point in identity.points(kind)]


def _position(points: list[ContactPoint], sought: ContactPoint) -> int | None:
    key = sought.kind, sought.value.lower()
    return next(
        (number for number, point in enumerate(points) if (point.kind, point.value.lower()) == key), None
    )


def _prefer(points: list[ContactPoint], point: ContactPoint) -> None:
    position = _position(points, point)
    if position is None:
        points.append(point)
    else:
        # The same address, perhaps in other letters.
        points[position] = replace(points[position], value=point.value)


def _with_address(existing: Identity, described: Identity) -> tuple[str, ...]:
    """Return the other postal addresses with that of a description, if it is another one."""
    addresses = (*existing.other_addresses, *described.other_addresses)
    if "address" in differences(existing, described) and (described.street_address or described.address):
        addresses = (*addresses, described.address_line)
    return tuple(dict.fromkeys(addresses))


def _with_spellings(name: str, known: tuple[str, ...], described: Iterable[str]) -> tuple[str, ...]:
    """Return the other spellings of a name with those of a description that no known one equals."""
    spellings, known_words = list(known), [sorted(comparable_words(text)) for text in (name, *known)]
    for text in described:
        words = sorted(comparable_words(text))
        if words and words not in known_words:
            spellings.append(text)
            known_words.append(words)
    return tuple(spellings)


def _others(preferred: str | None, values: Iterable[str]) -> tuple[str, ...]:
    return tuple(value for value in dict.fromkeys(values) if value != preferred)

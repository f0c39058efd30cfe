"""Time zones of a place: by country, by postcode, and by phone number where the number tells a place."""

from getbill.kit.zones.numbers import NumberZones, zones_of_number
from getbill.kit.zones.postcodes import zones_of_postcode
from getbill.kit.zones.territories import zones_of_territory

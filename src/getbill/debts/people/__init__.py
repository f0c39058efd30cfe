"""Changes of a person across their debts: update, split and merge, each announced on every debt concerned."""

from getbill.debts.people.addresses import mark_bounced
from getbill.debts.people.announcements import announce_people
from getbill.debts.people.api import router

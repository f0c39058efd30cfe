"""Recovery of what dead workers left: by the journals of this machine at once, else when the leases end."""

from getbill.contacts.recovery.jobs import recover, recover_journaled

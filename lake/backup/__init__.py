"""Backups: everything of a home that cannot be made again, in a store that keeps each content once.

A backup is a list of files, each with the digest of its content; contents lie in the store once, however many backups
name them, so that a daily backup costs what is new. It can be taken while loads run: per dataset the catalog's pointer
and the landing's records are read until both are the same before and after, which is a state the home was really in.
Keys go to a target of their own: whoever finds the backup cannot compute a hash, whoever finds the keys has no data.
"""

from lake.backup.creating import Created, create
from lake.backup.restoring import Restored, restore
from lake.backup.store import Backup, Damage, Store

__all__ = ["Backup", "Created", "Damage", "Restored", "Store", "create", "restore"]

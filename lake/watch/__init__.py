"""The watch: what is in and what is not, who is told, and what other systems may follow of it.

Everything here is read from the ledger and the contracts. Nothing here can make a load, a build or a brief fail.
"""

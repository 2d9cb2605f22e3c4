"""A finished lake compared with the truth of the city it was filled from.

product   what the lake shows: the published schema ``about`` and the quarantine, nothing else
dirt      planted, catchable, caught, missed, wrongly caught, per dataset and pattern
indicators  I01 … I26 of the published build against the true ones
report    the table for people, the JSON for scripts, whether it is well
command   ``citybrain demo grade``
"""

"""A finished lake compared with the truth of the city it was filled from.

product   what the lake shows: the published schema ``about`` and the quarantine, nothing else
dirt      planted, catchable, caught, missed, wrongly caught, per dataset and pattern
indicators  I01 … I26 of the published build against the true ones
linkage   records of two registers taken for one enterprise, against those that are
report    the table for people, the JSON for scripts, whether it is well
command   ``citybrain demo grade``
"""

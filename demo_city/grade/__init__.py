"""A finished lake compared with the truth of the city it was filled from.

product   what the lake shows: the published schema ``about`` and the quarantine, nothing else
dirt      planted, catchable, caught, missed, wrongly caught, per dataset and pattern
report    the table for people, the JSON for scripts, whether it is well
command   ``citybrain demo grade``
"""

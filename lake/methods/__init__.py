"""The field's statistical methods: small pure functions over arrays, each tested against a published example.

`steps` is how dbt's Python models (`dbt_project/models/methods/*.py`) reach them. Nothing here reads a file, a clock or
a city; nothing is imported before it is needed, for statsmodels takes two seconds and esda two more.
"""

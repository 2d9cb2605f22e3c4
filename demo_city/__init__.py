"""A simulated prefecture-level city whose departments run as real systems, with known right answers.

Linlan (临澜市) is invented: name, places, codes, people. Its codes begin with 99, which no division of China has, and
its map lies in the open sea. Everything follows from a seed: the same seed gives the same rows in the same order,
however many processes make them and in whatever pieces.

    chance       random numbers by name and key, not by sequence
    columns      a table as numpy arrays
    world        city, life and chance of one seed and scale
    city/        what stands still: divisions, grids, buildings, flats, enterprises, people's names
    life/        what moves it: calendar, weather, scenarios, precursors, departments' queues
    departments/ S01 … S35: what each department's system holds of it, and how dirty
    systems/     the systems themselves: databases, APIs, file drops, the inbox that answers back
    truth/       what is so: dirt, leads, events and precursors, the value of every headline indicator
    grade/       a finished lake compared with the truth

Nothing of the lake may import or read any of this; its command ``citybrain demo`` comes by entry point.
"""

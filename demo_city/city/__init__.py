"""What stands still: divisions, grids, roads, buildings, flats, enterprises, places, offices, people's names.

registers    the city itself: every register, made when first asked for
divisions    counties, townships, villages, grids; which of them a scale delivers
layout       where they lie: a unit square, cut up, laid over the sea
buildings    roads, estates, buildings, flats
places       schools, sites, shelters, enterprises …
offices      65 departments, 94 hotline lines
names        words for all of them
people       names, telephones, plates of people who do not exist
codes        identity numbers and credit codes with right check characters
coordinates  GCJ-02 and projected metres
map          the picture of it all
"""

from demo_city.city.registers import City

__all__ = ["City"]

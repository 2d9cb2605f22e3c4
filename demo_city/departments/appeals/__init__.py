"""People's appeals (S01 S02 S03 S09 S10 S26 S31): what these sources have in common.

topics      what people appeal about: the hotline's category tree, and the same thing's code in the other systems
happenings  what happens in the city, and which of the systems are told of it, in which words and when
worktime    hours and days in which offices work
"""

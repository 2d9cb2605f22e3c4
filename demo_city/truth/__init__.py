"""What is so in the city: written beside its home, where no pipeline looks, for the graders to compare with.

schema      every table and column with its meaning
store       `write_truth`: from the departments' rows and events to Parquet files and one DuckDB file
dirt        which rows and deliveries are dirty, and which versions a reader could see
events      the clean tables of events the sources give, checked
windows     days, weeks, months, quarters, years
indicators  the headline indicators I01 … I26, computed from events
leads       which warnings are true, from when they could have been seen
document    the schema as a page of the documentation
"""

from demo_city.truth.store import read_truth, write_truth

__all__ = ["read_truth", "write_truth"]

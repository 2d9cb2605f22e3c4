"""The way of the data, one room per arrow: land, admit, commit, build, publish, issue. Code, not data."""

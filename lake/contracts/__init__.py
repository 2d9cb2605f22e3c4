"""What departments promise: contracts in Open Data Contract Standard YAML, and the city they belong to.

`City` and `load_city` live in `lake.contracts.city`; they need pydantic, which most callers here do not.
"""

from lake.contracts.documents import Mistake
from lake.contracts.reader import Examined, check, contract_for, examine, line_of, load_contracts, spans, versions_of

__all__ = [
    "Examined",
    "Mistake",
    "check",
    "contract_for",
    "examine",
    "line_of",
    "load_contracts",
    "spans",
    "versions_of",
]

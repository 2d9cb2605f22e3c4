"""Briefs: figures out of the published marts, words by rule, three formats with the same numbers, and a way back.

`issue` makes them, `trace` says where a number comes from, `verify` computes it again without the marts. The formats'
libraries are imported only when a brief is printed.
"""

from lake.briefs.issuing import Issued, brief_ids, issue
from lake.briefs.tracing import Difference, Trace, trace, verify

__all__ = ["Difference", "Issued", "Trace", "brief_ids", "issue", "trace", "verify"]

"""Methods of the field, between pinned inputs and recorded outputs: pure functions of tables and parameters."""

"""The departments' systems themselves: databases, APIs, file drops, and the inbox that answers back."""

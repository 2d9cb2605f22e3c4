"""Real servers for stand-ins: programs that end with us, a PostgreSQL from a wheel, a home that one process holds."""

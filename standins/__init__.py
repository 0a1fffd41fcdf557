"""Stand-ins for cloud services, on loopback, for the tests; nothing in ``src/`` imports them."""

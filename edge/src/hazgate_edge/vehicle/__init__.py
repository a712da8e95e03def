"""The weighbridge of a box whose scale weighs vehicles: its acts, and the sensors and light beside the platform.

The rules are in `domain/weighbridge.py` and `domain/tickets.py`; there is no second scale, journal or uplink here.
"""

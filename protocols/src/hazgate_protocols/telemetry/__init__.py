"""Working conditions: what a measuring point is, and how registers or HJ 212 factors become its exact values.

Deliberately not here: ports, clocks, thinning (the box's), and how samples travel (uplink/telemetry.py).
"""

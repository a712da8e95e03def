"""Scales, printers and cores that are not there: devices and peers as commands, for the demo, tests and CI.

Deliberately absent: imports of hazgate_edge or hazgate_cloud, and any decoder of hazgate_protocols that a simulator's
own encoder is meant to be checked against.
"""

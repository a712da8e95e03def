"""Bytes and their meanings, shared by box, cloud and simulators.

Deliberately not here: sockets, files that are opened, clocks, logging, anything that waits.
"""

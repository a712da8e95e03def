"""Devices with measuring points: Modbus registers and an HJ 212 monitor, each encoded by code of its own.

Deliberately not here: scales, and anything of the box's decoders.
"""

"""Keeps the proof: the daily checkpoint with its file, the comparison at the start, and the watch over silent boxes.

Deliberately not here: what a checkpoint says (protocols), how it reaches the core (forwarder).
"""

"""HJ 212, the line protocol of pollution monitoring: bytes to frames, frames to fields and exact values, and answers.

The 2017 edition is implemented; of the 2025 edition (in force since 2026-01-01) only what `editions.py` marks as known.
Deliberately not here: connections, clocks, the simulator's encoder (it has one of its own).
"""

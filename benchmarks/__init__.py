"""Benchmarks: each figure is a ratio to a limit or a peer measured in the same run, on the same disk.

`python -m benchmarks` runs them; docs/performance.md shows the last kept run. Deliberately not here: tests of
behaviour, and any limit in absolute time, which would say more about the machine than about hazgate.
"""

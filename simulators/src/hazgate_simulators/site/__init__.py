"""The simulated weighing place: a scale and a label printer in one process, with a page to put bags on the scale.

For demo visitors, engineers and CI (the same JSON API). Not the operator's terminal, and never reachable from outside
unless asked to: it listens on loopback by default and knows no accounts.
"""

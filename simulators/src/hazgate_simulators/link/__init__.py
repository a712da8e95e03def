"""A TCP link that can be broken in every way a network is, by name and on a schedule.

It knows nothing of what passes through it: any two programs that talk over TCP can be tried with it.
"""

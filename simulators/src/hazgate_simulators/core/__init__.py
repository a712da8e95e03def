"""A regulatory core that is not there: accepts, delays, repeats, refuses, breaks off, answers nonsense; forgets nothing.

Deliberately not here: anything of the cloud's own forwarder or its client.
"""

"""A regulatory core that is not there: accepts, delays, refuses, breaks off, answers nonsense, and forgets nothing.

Deliberately not here: anything of the cloud's own forwarder or its client.
"""

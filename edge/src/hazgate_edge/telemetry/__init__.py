"""Working conditions: measuring points read, thinned, kept through outages and sent beside the chain.

Deliberately not here: weights (scale/), and any task that weighing would wait for.
"""

"""Devices as data: profiles, the examples that prove them, and the registry that gives out only proven ones.

Deliberately not here: decoding (hazgate_protocols.scale), ports and polling (edge), any code for one model.
"""

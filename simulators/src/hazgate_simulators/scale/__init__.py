"""Scale simulators: a platform with physics, indicators that speak real protocols, links that tear and drop.

Deliberately absent: any use of hazgate_protocols.scale decoders. Frames are encoded here from the devices' documents,
so that a parser and its simulator cannot share a mistake.
"""

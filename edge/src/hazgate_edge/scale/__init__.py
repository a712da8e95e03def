"""The wire to the scale: opening, reading, asking, reconnecting. What the bytes mean is the profile's business.

Deliberately not here: when a weight is settled, whether it may be booked (domain).
"""

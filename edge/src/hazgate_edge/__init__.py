"""The box beside the scale: reads it, numbers and prints labels, keeps every record, sends them on.

Deliberately not here: how one model of scale speaks (firmware_profiles), what the cloud does with a record.
"""

__version__ = "0.1.0"

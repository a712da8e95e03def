"""What scale is this? Bytes that were heard, matched with the profiles. No ports and no clock here.

Deliberately not here: opening and asking (scale/listening.py), the installer's questions (commands/doctor_scale.py).
"""

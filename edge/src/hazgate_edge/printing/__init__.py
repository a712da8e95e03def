"""Carrying a finished print job to the label printer and learning what became of it.

Deliberately not here: drawing (hazgate_protocols.label), the queue of jobs and its records (the spooler).
"""

"""Printers that are not there (TSPL, ZPL, ESC/POS, CPCL): a TCP port, status, faults by name, PNGs instead of paper.

Deliberately not here: anything of hazgate_protocols.label. They parse by their own reading of the manuals, so that
encoder and printer cannot share a mistake.
"""

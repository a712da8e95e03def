"""A TSPL label printer that is not there: a TCP port, a status byte, faults by name, and PNGs instead of paper.

Deliberately not here: anything of hazgate_protocols.label. The printer parses by its own reading of the TSPL manual, so
that encoder and printer cannot share a mistake.
"""

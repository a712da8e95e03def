"""Code scanners: their bytes or key strokes to scanned texts, and what a scanned text is.

Deliberately not here: opening ports, waiting, looking a label up. A scanned text is never an address to follow.
"""

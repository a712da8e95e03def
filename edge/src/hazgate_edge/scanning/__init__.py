"""Code scanners as the box reads them: ports and keyboards kept open, and what a scan means on this box.

Deliberately not here: what the bytes mean (hazgate_protocols.scan), what the operator reads (terminal). The agent
imports no imaging library: a photo is decoded by `decode.py` in a process of its own.
"""

"""A simulated code scanner: serial over a pty, or a keyboard into a named pipe. Its bytes are made here, from manuals.

Deliberately not here: the box's framing and key tables, so that both cannot share a mistake.
"""

"""Labels on their way to paper: drawing them, the spooler's states, the printer's wire.

Drawing runs in a process of its own (`draw`), so that the capture path carries no imaging library.
Deliberately not here: what a label says (hazgate_protocols.label), the terminal's questions (terminal).
"""
